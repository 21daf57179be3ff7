//! When tokens were used last, on any server.

use http::Request;
use http_body_util::Empty;
use rustix::process::Signal;
use serde_json::Value;

use super::{Etcd, Node, create, secret, succeed};
use crate::ops::{send, text};

/// Whether a use is known of each token, as `show tokens` tells.
fn used(arguments: &[&str]) -> Vec<bool> {
    let shown = succeed(&[&["show", "tokens", "--format=jsonl"], arguments].concat());
    shown.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["last_used"].is_string()).collect()
}

#[tokio::test]
async fn a_server_that_is_stopped_leaves_its_last_uses_to_the_others() {
    let Some(etcd) = Etcd::start().await else { return };
    let [a, b] = [(); 2].map(|()| Node::start(&etcd, &[]));
    let operator = create(&["--admin", &etcd.store()]);
    let ci = create(&["--admin", "--name=ci", &etcd.store()]);
    assert_eq!(a.verify(secret(&ci)).await.status(), 200);
    assert_eq!(used(&[&a.directory.argument()]), [false, true]);
    assert_eq!(used(&[&b.directory.argument()]), [false, false]);
    let (status, log) = a.server.end(Signal::TERM);
    assert!(status.success(), "{log}");
    assert_eq!(used(&[&b.directory.argument()]), [false, true]);
    let page = Request::get("/tokens").header("authorization", format!("Bearer {}", secret(&operator)));
    let page = text(send(b.server.operations(), page.body(Empty::new()).unwrap()).await);
    let page: Value = serde_json::from_str(&page).unwrap();
    assert!(page["tokens"][1]["last_used"].is_string(), "{page}");
}

#[tokio::test]
async fn a_deletion_by_a_command_is_a_use_of_its_token() {
    let Some(etcd) = Etcd::start().await else { return };
    let store = etcd.store();
    drop(Node::start(&etcd, &[]));
    let admins = ["--name=one", "--name=other"].map(|name| create(&["--admin", name, &store]));
    create(&["--admin", "--name=first", &store]);
    create(&["--admin", "--name=second", &store]);
    assert_eq!(used(&[&store]), [false; 4]);
    for (admin, which) in admins.iter().zip(["--token-name=first", "--id=4"]) {
        succeed(&["delete", "token", which, &format!("--token={}", secret(admin)), &store]);
    }
    assert_eq!(used(&[&store]), [true; 2]);
}
