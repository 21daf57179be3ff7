//! What several servers on one store do together, and what they do without it.

use rustix::process::Signal;
use serde_json::Value;

use super::{Etcd, Node, create, secret, succeed, until};
use crate::document::{DELETED, Token};
use crate::ops::{deletion, get, send, text};
use crate::process::{command, finish};

const TOO_OLD: &str = "the copy of the tokens is too old";
const FRESH_AGAIN: &str = "the copy of the tokens is fresh again";

fn selected(token: &influxdb3_token_api::models::AdminTokenObject) -> Token {
    let id = token.id.unwrap().try_into().unwrap();
    Token::new(influxdb3_tokens::TokenId::from_u64(id), token.name.as_ref().unwrap())
}

#[tokio::test]
async fn a_token_of_one_node_is_valid_on_another_at_once_and_refused_by_all_after_its_deletion() {
    let Some(etcd) = Etcd::start().await else { return };
    let [a, b] = [(); 2].map(|()| Node::start(&etcd, &[]));
    let operator = create(&["--admin", &a.directory.argument()]);
    assert_eq!(b.verify(secret(&operator)).await.status(), 200);
    let ci = create(&["--admin", "--name=ci", &etcd.store()]);
    for node in [&a, &b] {
        assert_eq!(node.verify(secret(&ci)).await.status(), 200);
    }

    let deleted = send(b.server.operations(), deletion(selected(&ci), secret(&operator))).await;
    assert_eq!(deleted.status(), DELETED);
    assert_eq!(b.verify(secret(&ci)).await.status(), 401);
    a.until_verified(secret(&ci), 401).await;

    let audit = succeed(&["audit", "--format=jsonl", &a.directory.argument()]);
    let changes: Vec<Value> = audit.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let changes: Vec<_> = changes.iter().map(|change| change["change"].as_str().unwrap()).collect();
    assert_eq!(changes, ["created", "created", "deleted"]);
}

#[tokio::test]
async fn without_etcd_every_node_answers_503_after_the_bound_and_serves_again_when_etcd_does() {
    let Some(etcd) = Etcd::start().await else { return };
    let nodes = [(); 2].map(|()| Node::start(&etcd, &["--max-staleness=2s"]));
    let operator = create(&["--admin", &etcd.store()]);
    for node in &nodes {
        node.until_verified(secret(&operator), 200).await;
    }

    etcd.pause();
    for node in &nodes {
        let answer = node.until_verified(secret(&operator), 503).await;
        assert!(answer.headers().contains_key("retry-after"), "{answer:?}");
        until("the line about the copy", async || node.server.log().contains(TOO_OLD).then_some(())).await;
        let lines = || node.server.log().matches(TOO_OLD).count();
        let before = lines();
        for _ in 0..5 {
            assert_eq!(node.verify(secret(&operator)).await.status(), 503);
        }
        assert_eq!(lines(), before, "{}", node.server.log());

        let ready = get(node.server.operations(), "/ready").await;
        assert_eq!(ready.status(), 503);
        let ready: Value = serde_json::from_str(&text(ready)).unwrap();
        let reasons: Vec<_> =
            ready["reasons"].as_array().unwrap().iter().map(|reason| reason.as_str().unwrap()).collect();
        assert!(reasons.contains(&TOO_OLD), "{ready}");
        assert!(ready["staleness_milliseconds"].as_u64().unwrap() >= 2000, "{ready}");
        let metrics = text(get(node.server.operations(), "/metrics").await);
        assert!(metrics.contains("influxdb3_tokens_copy_fresh 0\n"), "{metrics}");
        assert!(!metrics.contains("influxdb3_tokens_copy_confirmations_total{outcome=\"failed\"} 0\n"), "{metrics}");
        let refused = send(node.server.operations(), deletion(selected(&operator), secret(&operator))).await;
        assert_eq!(refused.status(), 503);
    }

    etcd.resume();
    for node in &nodes {
        node.until_verified(secret(&operator), 200).await;
        until("/ready", async || (get(node.server.operations(), "/ready").await.status() == 200).then_some(())).await;
        until("the line about the copy", async || node.server.log().contains(FRESH_AGAIN).then_some(())).await;
        let log = node.server.log();
        let (stale, fresh) = (log.matches(TOO_OLD).count(), log.matches(FRESH_AGAIN).count());
        assert!(stale == fresh || stale == fresh + 1, "{log}");
    }
}

#[tokio::test]
async fn a_node_that_cannot_reach_etcd_is_not_ready_before_its_copy_is_too_old() {
    let Some(etcd) = Etcd::start().await else { return };
    let node = Node::start(&etcd, &["--max-staleness=1h"]);
    let operator = create(&["--admin", &etcd.store()]);
    node.until_verified(secret(&operator), 200).await;
    assert_eq!(get(node.server.operations(), "/ready").await.status(), 200);
    // A token of another node is known once it has been asked for; the stream of changes brings it here.
    until("the token", async || {
        let metrics = text(get(node.server.operations(), "/metrics").await);
        metrics.contains("influxdb3_tokens_live 1\n").then_some(())
    })
    .await;

    etcd.pause();
    // An answer is shared for a second.
    let ready = until("503 of /ready", async || {
        let ready = get(node.server.operations(), "/ready").await;
        (ready.status() == 503).then_some(ready)
    })
    .await;
    let ready: Value = serde_json::from_str(&text(ready)).unwrap();
    assert_eq!(ready["reasons"], serde_json::json!(["the store does not answer"]));
    assert_eq!(node.verify(secret(&operator)).await.status(), 200);
    let (code, _, error) =
        finish(command(&["create", "token", "--admin", "--name=unknown", &node.directory.argument()]));
    assert!(code == 1 && error.contains("if `influxdb3-tokens show tokens` shows the token"), "{error}");
    etcd.resume();
    until("/ready", async || (get(node.server.operations(), "/ready").await.status() == 200).then_some(())).await;
}

#[tokio::test]
async fn a_node_whose_keys_were_removed_says_so_once() {
    let Some(etcd) = Etcd::start().await else { return };
    let node = Node::start(&etcd, &["--max-staleness=500ms"]);
    let operator = create(&["--admin", &etcd.store()]);
    node.until_verified(secret(&operator), 200).await;
    // All keys from `/` up to `0`.
    etcd.call("/v3/kv/deleterange", serde_json::json!({"key": "Lw==", "range_end": "MA=="})).await;
    node.until_verified(secret(&operator), 503).await;
    let reloads = async || text(get(node.server.operations(), "/metrics").await);
    until("several attempts", async || {
        // Each makes the node ask etcd.
        assert_eq!(node.verify(secret(&operator)).await.status(), 503);
        let metrics = reloads().await;
        let count = metrics.lines().find_map(|line| line.strip_prefix("influxdb3_tokens_copy_reloads_total "));
        (count.unwrap().parse::<u64>().unwrap() >= 3).then_some(())
    })
    .await;
    let log = node.server.log();
    assert_eq!(log.matches("cannot load the tokens from etcd").count(), 1, "{log}");
    // The watch and a confirmation may both find it.
    let replaced = log.matches("the history of etcd was replaced").count();
    assert!((1..=2).contains(&replaced), "{log}");
}

#[tokio::test]
async fn nodes_with_one_token_file_start_at_the_same_time() {
    let Some(etcd) = Etcd::start().await else { return };
    let file = etcd.beside("admin-token.json");
    let file = file.to_str().unwrap();
    succeed(&["create", "token", "--admin", "--offline", "--output-file", file]);
    let option = format!("--admin-token-file={file}");
    // Found by its name, in the sandbox.
    let store = etcd.store().replace("127.0.0.1", "localhost");
    let nodes = std::thread::scope(|scope| {
        let starting = [(); 3].map(|()| scope.spawn(|| Node::start_on(&store, &[&option])));
        starting.map(|node| node.join().unwrap())
    });
    let log: String = nodes.iter().map(|node| node.server.log()).collect();
    assert_eq!(log.matches("created the token of a file").count(), 1, "{log}");
    assert!(!log.contains("another token has the name"), "{log}");
    let written: Value = serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
    for node in &nodes {
        assert_eq!(node.verify(written["token"].as_str().unwrap()).await.status(), 200);
    }
}

#[tokio::test]
async fn a_server_that_waits_for_etcd_can_be_stopped() {
    let Some(etcd) = Etcd::start().await else { return };
    etcd.pause();
    let directory = crate::process::DataDir::in_memory();
    let log = std::fs::File::create(directory.beside("log")).unwrap();
    let mut serve = directory.serve(&[&etcd.store(), "--max-staleness=500ms"]);
    let mut process = serve.stderr(log).spawn().unwrap();
    let printed = || std::fs::read_to_string(directory.beside("log")).unwrap();
    until("the line about etcd", async || printed().contains("waiting for etcd").then_some(())).await;
    rustix::process::kill_process(rustix::process::Pid::from_child(&process), Signal::TERM).unwrap();
    let status = crate::blocking::block("the end of the server", move || process.wait().unwrap(), || ());
    assert!(status.success() && printed().contains("stopped before it served"), "{}", printed());
}

#[tokio::test]
async fn a_data_directory_is_of_one_node() {
    let Some(etcd) = Etcd::start().await else { return };
    let node = Node::start(&etcd, &[]);
    for store in [&[&*etcd.store()][..], &[]] {
        let second = crate::process::Running::try_start(node.directory.serve(store));
        let Err((status, printed)) = second else { panic!("two servers use one directory") };
        assert!(status.code() == Some(1) && printed.contains("in use"), "{printed}");
    }
    assert!(!node.directory.path().join("tokens.db").exists());
    let (code, _, error) = finish(command(&["check", &node.directory.argument()]));
    assert!(code == 1 && error.contains("the tokens of this server are in etcd"), "{error}");
}
