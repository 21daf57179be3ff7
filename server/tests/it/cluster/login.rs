//! How a node logs in to etcd: with a certificate, or with a name and a password.

use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rcgen::ExtendedKeyUsagePurpose::{ClientAuth, ServerAuth};
use rustix::process::Signal;
use serde_json::json;

use super::{Etcd, Node, create, secret, succeed, until};
use crate::etcd::directory;
use crate::process::{DataDir, command, finish};
use crate::tls::certificates::{Authority, write};

/// A member that a node and it know each other's certificates of.
struct Tls {
    etcd: Etcd,
    authority: Authority,
    /// The options of a node.
    options: [String; 4],
}

fn path(file: &Path) -> String {
    file.to_str().unwrap().to_owned()
}

impl Tls {
    async fn start() -> Option<Self> {
        let directory = directory();
        let root = directory.path();
        let authority = Authority::new();
        // etcd calls itself, too.
        let member = authority.sign(&["127.0.0.1"], |params| params.extended_key_usages = vec![ServerAuth, ClientAuth]);
        let [member_folder, node_folder] = ["of-member", "of-node"].map(|name| root.join(name));
        member.write(&member_folder);
        authority.client().write(&node_folder);
        let ca = authority.write(root, "ca.pem");
        let options = [
            "--client-cert-auth".to_owned(),
            format!("--trusted-ca-file={}", authority.write(root, "clients.pem")),
            format!("--cert-file={}", path(&member_folder.join("tls.crt"))),
            format!("--key-file={}", path(&member_folder.join("tls.key"))),
        ];
        let [certificate, key] = ["tls.crt", "tls.key"].map(|name| path(&node_folder.join(name)));
        let etcd = Etcd::start_with("https", directory, &options).await?;
        let options = [
            etcd.store().replace("etcd://", "etcds://"),
            format!("--etcd-ca={ca}"),
            format!("--etcd-cert={certificate}"),
            format!("--etcd-key={key}"),
        ];
        Some(Self { etcd, authority, options })
    }

    fn options(&self) -> [&str; 4] {
        self.options.each_ref().map(String::as_str)
    }

    fn start_node(&self) -> Node {
        let [store, rest @ ..] = self.options();
        Node::start_on(store, &rest)
    }

    /// Gives the node a certificate that this authority has signed.
    fn renew(&self, authority: &Authority) {
        authority.client().write(&self.etcd.beside("of-node"));
    }
}

#[tokio::test]
async fn a_node_and_etcd_know_each_other_by_their_certificates() {
    let Some(tls) = Tls::start().await else { return };
    let node = tls.start_node();
    let operator = create(&[&["--admin"][..], &tls.options()].concat());
    assert_eq!(node.verify(secret(&operator)).await.status(), 200);

    let other = format!("--etcd-ca={}", Authority::new().write(&tls.etcd.beside(""), "other.pem"));
    let [store, ca, certificate, key] = tls.options();
    let directory = DataDir::in_memory();
    for arguments in [&[store, ca][..], &[store, &other, certificate, key]] {
        for mut refused in [command(&["show", "tokens"]), directory.serve(&[])] {
            // The server says so at once, although it waits for an etcd that does not answer.
            refused.args(arguments);
            let (code, _, error) = finish(refused);
            assert!(code == 1 && error.contains("check that --etcd-ca is right"), "{error}");
            assert!(!error.contains("waiting for etcd") && !error.contains("Error("), "{error}");
        }
    }
}

#[tokio::test]
async fn a_node_goes_on_with_a_renewed_certificate_when_etcd_refuses_the_old_one() {
    let Some(mut tls) = Tls::start().await else { return };
    let node = tls.start_node();
    let operator = create(&[&["--admin"][..], &tls.options()].concat());
    let ready = async |status: u16| {
        let what = format!("{status} of /ready");
        until(&what, async || {
            let answer = crate::ops::get(node.server.operations(), "/ready").await;
            (answer.status() == status).then_some(())
        })
        .await;
    };
    ready(200).await;
    for by_signal in [true, false] {
        let clients = Authority::new();
        tls.etcd.restart(|directory| drop(clients.write(directory, "clients.pem"))).await;
        ready(503).await;
        // A key that is not that of the certificate changes nothing.
        let (key, error) = (tls.etcd.beside("of-node/tls.key"), "the files for etcd cannot be used");
        write(&key, &clients.client().key);
        node.server.signaller()(Signal::HUP);
        node.server.until_logged(error).await;
        tls.renew(&clients);
        if by_signal {
            node.server.signaller()(Signal::HUP);
        }
        ready(200).await;
        assert_eq!(node.verify(secret(&operator)).await.status(), 200);
    }
    drop(tls.authority);
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
    let file = write(&etcd.beside("password"), &format!("{PASSWORD}\n"));
    let file = format!("--etcd-password-file={file}");
    let node = Node::start(&etcd, &["--etcd-user=node", &file, "--log-filter=trace"]);
    let operator = create(&["--admin", "--etcd-user=node", &file, &store]);
    assert_eq!(node.verify(secret(&operator)).await.status(), 200);
    let mut shown = command(&["show", "tokens", "--format=jsonl", "--etcd-user=node", &store]);
    shown.env("INFLUXDB3_TOKENS_ETCD_PASSWORD", PASSWORD);
    let (code, out, error) = finish(shown);
    assert_eq!((code, out.lines().count(), &*error), (0, 1, ""));

    for (user, password, prefix) in
        [("node", "wrong-hunter2", "tokens"), ("nobody", PASSWORD, "tokens"), ("node", PASSWORD, "not-allowed")]
    {
        let (user, store) = (format!("--etcd-user={user}"), store.replace("/tokens", &format!("/{prefix}")));
        let directory = DataDir::in_memory();
        for mut refused in [command(&["show", "tokens"]), directory.serve(&["--log-filter=trace"])] {
            // The server says so at once, although it waits for an etcd that does not answer.
            refused.args([&user, &store]).env("INFLUXDB3_TOKENS_ETCD_PASSWORD", password);
            let (code, _, error) = finish(refused);
            assert!(code == 1 && error.contains("check --etcd-user and its password"), "{error}");
            assert!(error.contains(&format!("under /{prefix}/")) && !error.contains("waiting for etcd"), "{error}");
            assert!(!error.contains("hunter2"), "{error}");
        }
    }
    let (code, _, error) = finish(command(&["show", "tokens", "--etcd-user=node", &store]));
    assert!(code == 2 && error.contains("INFLUXDB3_TOKENS_ETCD_PASSWORD"), "{error}");
    succeed(&["serve", "--check-config", "--etcd-user=node", &file, &store]);

    let (status, log) = node.server.end(Signal::TERM);
    assert!(status.success() && !log.contains("hunter2"), "{log}");
    // The node was allowed to save it.
    let shown = succeed(&["show", "tokens", "--format=jsonl", "--etcd-user=node", &file, &store]);
    assert!(shown.contains("\"last_used\":\""), "{shown}");
}
