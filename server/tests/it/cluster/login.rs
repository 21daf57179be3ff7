//! How a node logs in to etcd: with a certificate, or with a name and a password.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rcgen::ExtendedKeyUsagePurpose::{ClientAuth, ServerAuth};
use rustix::process::Signal;
use serde_json::json;

use super::{Etcd, Node, create, secret, succeed};
use crate::process::{DataDir, command, finish};
use crate::tls::certificates::{Authority, write};

#[tokio::test]
async fn a_node_and_etcd_know_each_other_by_their_certificates() {
    let folder = DataDir::in_memory();
    let root = folder.beside("");
    let authority = Authority::new();
    // etcd calls itself, too.
    let member = authority.sign(&["127.0.0.1"], |params| params.extended_key_usages = vec![ServerAuth, ClientAuth]);
    let [member_folder, node_folder] = ["member", "node"].map(|name| root.join(name));
    member.write(&member_folder);
    authority.client().write(&node_folder);
    let ca = authority.write(&root, "ca.pem");
    let other = Authority::new().write(&root, "other.pem");
    let file = |folder: &std::path::Path, name: &str| folder.join(name).to_str().unwrap().to_owned();
    let options = [
        "--client-cert-auth".to_owned(),
        format!("--trusted-ca-file={ca}"),
        format!("--cert-file={}", file(&member_folder, "tls.crt")),
        format!("--key-file={}", file(&member_folder, "tls.key")),
    ];
    let Some(etcd) = Etcd::start_with("https", folder, &options).await else { return };

    let store = etcd.store().replace("etcd://", "etcds://");
    let (ca, other) = (format!("--etcd-ca={ca}"), format!("--etcd-ca={other}"));
    let [certificate, key] = [("cert", "tls.crt"), ("key", "tls.key")]
        .map(|(option, name)| format!("--etcd-{option}={}", file(&node_folder, name)));
    let node = Node::start_on(&store, &[&ca, &certificate, &key]);
    let operator = create(&["--admin", &store, &ca, &certificate, &key]);
    assert_eq!(node.verify(secret(&operator)).await.status(), 200);

    for arguments in [&[&*ca][..], &[&other, &certificate, &key]] {
        let arguments = [&["show", "tokens", "--max-staleness=500ms", &store][..], arguments].concat();
        let (code, _, error) = finish(command(&arguments));
        assert!(code == 1 && error.contains("that --etcd-ca is right"), "{error}");
        assert!(!error.contains("Error("), "{error}");
    }
}

#[tokio::test]
async fn a_node_logs_in_with_a_password_that_it_does_not_show() {
    const PASSWORD: &str = "hunter2-and-more";
    let Some(etcd) = Etcd::start().await else { return };
    let base64 = |text: &str| STANDARD.encode(text);
    for (path, call) in [
        ("user/add", json!({"name": "root", "password": "root"})),
        ("role/add", json!({"name": "root"})),
        ("user/grant", json!({"user": "root", "role": "root"})),
        ("user/add", json!({"name": "node", "password": PASSWORD})),
        ("role/add", json!({"name": "tokens"})),
        (
            "role/grant",
            json!({"name": "tokens", "perm":
                {"permType": "READWRITE", "key": base64("/tokens/"), "range_end": base64("/tokens0")}}),
        ),
        ("user/grant", json!({"user": "node", "role": "tokens"})),
        ("enable", json!({})),
    ] {
        etcd.call(&format!("/v3/auth/{path}"), call).await;
    }
    let store = etcd.store();
    let file = write(&etcd.folder.beside("password"), &format!("{PASSWORD}\n"));
    let file = format!("--etcd-password-file={file}");
    let node = Node::start(&etcd, &["--etcd-user=node", &file, "--log-filter=trace"]);
    let operator = create(&["--admin", "--etcd-user=node", &file, &store]);
    assert_eq!(node.verify(secret(&operator)).await.status(), 200);
    let mut shown = command(&["show", "tokens", "--format=jsonl", "--etcd-user=node", &store]);
    shown.env("INFLUXDB3_TOKENS_ETCD_PASSWORD", PASSWORD);
    let (code, out, error) = finish(shown);
    assert_eq!((code, out.lines().count(), &*error), (0, 1, ""));

    let mut wrong = command(&["show", "tokens", "--etcd-user=node", &store]);
    wrong.env("INFLUXDB3_TOKENS_ETCD_PASSWORD", "wrong-hunter2");
    let (code, _, error) = finish(wrong);
    assert!(code == 1 && error.contains("--etcd-user") && !error.contains("hunter2"), "{error}");
    let (code, _, error) = finish(command(&["show", "tokens", "--etcd-user=node", &store]));
    assert!(code == 1 && error.contains("INFLUXDB3_TOKENS_ETCD_PASSWORD"), "{error}");
    succeed(&["serve", "--check-config", "--etcd-user=node", &file, &store]);

    let (status, log) = node.server.end(Signal::TERM);
    assert!(status.success() && !log.contains("hunter2"), "{log}");
}
