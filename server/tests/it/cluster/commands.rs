//! The commands with `--store`.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use influxdb3_token_api::models::AdminTokenObject;

use super::{Etcd, Node, create, secret, succeed};
use crate::process::{DataDir, command, finish};

/// Where no member listens.
const NOWHERE: &str = "--store=etcd://127.0.0.1:1/tokens";

fn fail(code: i32, arguments: &[&str]) -> String {
    let (actual, out, error) = finish(command(arguments));
    assert_eq!((actual, &*out), (code, ""), "{arguments:?}: {error}");
    error
}

#[tokio::test]
async fn the_commands_need_no_server() {
    let Some(etcd) = Etcd::start().await else { return };
    let store = etcd.store();
    drop(Node::start(&etcd, &[]));
    let operator = create(&["--admin", &store]);
    let token = format!("--token={}", secret(&operator));
    for name in ["--name=first", "--name=second"] {
        create(&["--admin", name, &store]);
    }
    let shown = || succeed(&["show", "tokens", "--format=jsonl", &store]);
    assert_eq!(shown().lines().count(), 3);
    let deleted = succeed(&["delete", "token", "--token-name=first", &token, &store]);
    assert_eq!(deleted, "Deleted token \"first\" (ID 1)\n");
    assert_eq!(succeed(&["delete", "token", "--id=2", &token, &store]), "Deleted token with ID 2\n");
    fail(4, &["delete", "token", "--id=2", &token, &store]);
    fail(3, &["delete", "token", "--id=2", "--token=apiv3_wrong", &store]);
    assert_eq!(shown().lines().count(), 1);
    assert_eq!(succeed(&["audit", "--format=jsonl", &store]).lines().count(), 5);
    let regenerated = create(&["--admin", "--regenerate", &store]);
    assert_ne!(secret(&regenerated), secret(&operator));

    let [key, value] = ["/tokens/next-id", "x"].map(|text| STANDARD.encode(text));
    etcd.call("/v3/kv/put", serde_json::json!({"key": key, "value": value})).await;
    let directory = DataDir::in_memory();
    for mut refused in [command(&["show", "tokens"]), directory.serve(&[])] {
        refused.arg(&store);
        let (code, _, error) = finish(refused);
        assert!(code == 1 && error.contains("/tokens/next-id is missing in etcd, or damaged: restore"), "{error}");
        assert!(!error.contains("waiting for etcd") && !error.contains("check that etcd runs"), "{error}");
    }
    fail(1, &["delete", "token", "--id=0", &token, &store]);

    let [key, value] = ["/other/cluster", "of another program"].map(|text| STANDARD.encode(text));
    etcd.call("/v3/kv/put", serde_json::json!({"key": key, "value": value})).await;
    let error = fail(1, &["show", "tokens", &store.replace("/tokens", "/other")]);
    assert!(error.contains("end the URL of --store with another prefix"), "{error}");
}

#[tokio::test]
async fn under_a_mistyped_prefix_no_command_makes_a_store_but_the_one_for_the_first_token() {
    let Some(etcd) = Etcd::start().await else { return };
    let (store, mistyped) = (etcd.store(), etcd.store().replace("/tokens", "/tokesn"));
    let (code, out, warning) = finish(command(&["create", "token", "--admin", "--format=json", &store]));
    let operator: AdminTokenObject = serde_json::from_str(&out).unwrap();
    assert!(
        code == 0 && warning.contains("no token store under the prefix /tokens; this command has made one"),
        "{warning}"
    );
    let token = format!("--token={}", secret(&operator));
    let file = etcd.beside("export");
    let other = [STANDARD.encode("/another/program"), STANDARD.encode("value")];
    etcd.call("/v3/kv/put", serde_json::json!({"key": other[0], "value": other[1]})).await;
    for arguments in [
        &["show", "tokens"][..],
        &["audit"],
        &["delete", "token", "--id=1", &token, "--yes"],
        &["delete", "token", "--token-name=ci", &token, "--yes"],
        &["create", "token", "--admin", "--name=ci"],
        &["create", "token", "--admin", "--regenerate", "--yes"],
        &["export", file.to_str().unwrap()],
        &["contract", &token],
    ] {
        let (code, out, error) = finish(command(&[arguments, &[&mistyped]].concat()));
        assert!(code != 0 && out.is_empty(), "{arguments:?}: {out}{error}");
        assert!(
            error.contains("no token store under the prefix /tokesn; it has one under /tokens"),
            "{arguments:?}: {error}"
        );
    }
    // So an import finds the place free.
    succeed(&["export", file.to_str().unwrap(), &store]);
    succeed(&["import", file.to_str().unwrap(), &store.replace("/tokens", "/moved")]);
    let key = STANDARD.encode("/tokesn/cluster");
    let made = etcd.call("/v3/kv/range", serde_json::json!({"key": key})).await;
    assert!(made["kvs"].is_null(), "{made}");
    for makes_one in [true, false] {
        let node = Node::start_on(&mistyped, &[]);
        node.server.until_logged("serving").await;
        let log = node.server.log();
        assert_eq!(log.contains("this server has made one") && log.contains("/tokesn"), makes_one, "{log}");
    }
}

#[tokio::test]
async fn a_node_on_etcd_keeps_the_contract() {
    let Some(etcd) = Etcd::start().await else { return };
    let node = Node::start(&etcd, &[]);
    let operator = create(&["--admin", &etcd.store()]);
    let mut contract = command(&["contract", "--host", &node.server.url(), &etcd.store()]);
    contract.env("INFLUXDB3_AUTH_TOKEN", secret(&operator));
    let (code, out, error) = finish(contract);
    assert_eq!((code, &*error), (0, ""), "{out}");
    assert!(out.contains(" passed, 0 failed, 0 not covered"), "{out}");
}

#[test]
fn an_error_about_etcd_says_what_to_do() {
    let unreachable = fail(1, &["show", "tokens", NOWHERE, "--max-staleness=500ms"]);
    assert!(unreachable.contains("cannot use etcd at 127.0.0.1:1: "), "{unreachable}");
    assert!(
        unreachable.contains("Connection refused") && unreachable.contains("check that etcd runs"),
        "{unreachable}"
    );
    assert!(!unreachable.contains("Error("), "{unreachable}");
    let token = "--token=apiv3_wrong";
    for deletion in ["--token-name=a", "--id=1"] {
        let error = fail(5, &["delete", "token", deletion, token, NOWHERE, "--max-staleness=500ms"]);
        assert!(error.contains("check that etcd runs"), "{error}");
    }
    let scheme = fail(2, &["show", "tokens", "--store=127.0.0.1:2379"]);
    assert!(scheme.starts_with("error: invalid value '127.0.0.1:2379' for '--store <URL>': "), "{scheme}");
    let tls = NOWHERE.replace("etcd://", "etcds://");
    for arguments in [&["show", "tokens"][..], &["serve"], &["delete", "token", "--id=1", token]] {
        let no_ca = fail(2, &[arguments, &[&tls]].concat());
        assert!(no_ca.starts_with("error: etcds:// needs --etcd-ca"), "{no_ca}");
        let no_password = fail(2, &[arguments, &[NOWHERE, "--etcd-user=node"]].concat());
        assert!(no_password.contains("INFLUXDB3_TOKENS_ETCD_PASSWORD"), "{no_password}");
        let no_tls = fail(2, &[arguments, &[NOWHERE, "--etcd-ca=/dev/null"]].concat());
        assert!(no_tls.contains("write etcds://"), "{no_tls}");
    }
    let two = fail(2, &["show", "tokens", NOWHERE, "--host=http://127.0.0.1:8181"]);
    assert!(two.contains("leave out one of them"), "{two}");
    let secret = fail(2, &["show", "tokens", "--store=etcd://me:hunter2@127.0.0.1/"]);
    assert!(
        secret.contains("use the options for the user and the password") && !secret.contains("hunter2"),
        "{secret}"
    );
}

#[test]
fn the_commands_for_a_database_name_those_for_etcd() {
    let directory = DataDir::new();
    let (file, directory) = (directory.beside("backup"), directory.argument());
    let file = file.to_str().unwrap();
    for arguments in [&["backup", file][..], &["restore", file], &["check"]] {
        let error = fail(1, &[arguments, &[NOWHERE, &directory]].concat());
        assert!(error.contains("etcdctl snapshot"), "{error}");
    }
}
