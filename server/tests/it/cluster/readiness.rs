//! `/ready` of nodes, and what it asks of etcd.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::{Etcd, Node, create, secret, until};
use crate::document::Token;
use crate::ops::{deletion, get, send, text};

async fn ready(node: &Node) -> (u16, Value) {
    let ready = get(node.server.operations(), "/ready").await;
    (ready.status().as_u16(), serde_json::from_str(&text(ready)).unwrap())
}

/// How often the key was written that shows whether etcd commits.
async fn writes(etcd: &Etcd) -> u64 {
    let key = STANDARD.encode("/tokens/probe");
    let range = etcd.call("/v3/kv/range", json!({"key": key})).await;
    range["kvs"][0]["version"].as_str().map_or(0, |version| version.parse().unwrap())
}

#[tokio::test]
async fn a_flood_of_requests_for_ready_writes_once_a_second() {
    const REQUESTS: u64 = 300;
    let Some(etcd) = Etcd::start().await else { return };
    let node = Node::start(&etcd, &[]);
    let begin = std::time::Instant::now();
    let asked = (0..REQUESTS).map(|_| ready(&node));
    for (status, ready) in crate::limits::within("the answers", futures::future::join_all(asked)).await {
        assert_eq!((status, &ready["accepts_changes"]), (200, &Value::Bool(true)), "{ready}");
    }
    // A client that has gone does not lift the limit.
    for _ in 0..REQUESTS {
        futures::FutureExt::now_or_never(ready(&node));
    }
    let (written, most) = (writes(&etcd).await, begin.elapsed().as_secs() + 1);
    assert!((1..=most).contains(&written), "{written} of {most}");
}

#[tokio::test]
async fn while_etcd_is_full_nodes_are_ready_and_start_and_say_that_they_accept_no_changes() {
    let Some(etcd) = Etcd::start().await else { return };
    let node = Node::start(&etcd, &[]);
    let operator = create(&["--admin", &etcd.store()]);
    create(&["--admin", "--name=ci", &etcd.store()]);
    node.until_verified(secret(&operator), 200).await;
    let alarm = async |action: &str| {
        let status = etcd.call("/v3/maintenance/status", json!({})).await;
        let member = &status["header"]["member_id"];
        etcd.call("/v3/maintenance/alarm", json!({"action": action, "memberID": member, "alarm": "NOSPACE"})).await;
    };

    alarm("ACTIVATE").await;
    let refused = json!(["the last commit failed"]);
    let full = async |node: &Node| {
        until("no changes to be accepted", async || {
            let (status, ready) = ready(node).await;
            assert_eq!((status, &ready["ready"]), (200, &Value::Bool(true)), "{ready}");
            (ready["accepts_changes"] == false && ready["reasons"] == refused).then_some(())
        })
        .await;
    };
    full(&node).await;
    let late = Node::start(&etcd, &[]);
    full(&late).await;
    for node in [&node, &late] {
        assert_eq!(node.verify(secret(&operator)).await.status(), 200);
        let token = Token::new(influxdb3_tokens::TokenId::from_u64(1), "ci");
        let deletion = send(node.server.operations(), deletion(token, secret(&operator))).await;
        assert_eq!(deletion.status(), 503);
        let metrics = text(get(node.server.operations(), "/metrics").await);
        assert!(metrics.contains("influxdb3_tokens_ready 1\n"), "{metrics}");
        assert!(metrics.contains("influxdb3_tokens_store_failing 1\n"), "{metrics}");
    }

    alarm("DEACTIVATE").await;
    for node in [&node, &late] {
        until("changes to be accepted", async || {
            let (status, ready) = ready(node).await;
            (status == 200 && ready["accepts_changes"] == true && ready["reasons"] == json!([])).then_some(())
        })
        .await;
    }
    create(&["--admin", "--name=after", &etcd.store()]);
}
