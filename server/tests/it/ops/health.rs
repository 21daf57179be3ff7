//! `/health`, `/ready`, `/ping`, and which requests the listener answers at all.

use http::Request as HttpRequest;
use http_body_util::Empty;
use rustix::process::Signal;
use serde_json::Value;

use super::{OPS_BIND, deletion, get, send, text};
use crate::client::Request;
use crate::creation::create;
use crate::document::DELETED;
use crate::limits::within;
use crate::process::DataDir;

#[tokio::test]
async fn health_ready_and_ping_answer_without_a_token() {
    let directory = DataDir::new();
    let server = directory.start(&[OPS_BIND]);

    let health = get(server.operations(), "/health").await;
    assert_eq!((health.status().as_u16(), &*text(health)), (200, "OK"));

    let ready = get(server.operations(), "/ready").await;
    assert_eq!(ready.status(), 200);
    let expected =
        serde_json::json!({ "ready": true, "accepts_changes": true, "reasons": [], "staleness_milliseconds": 0 });
    assert_eq!(serde_json::from_str::<Value>(&text(ready)).unwrap(), expected);

    let ping = get(server.operations(), "/ping").await;
    assert_eq!(ping.status(), 200);
    assert_eq!(ping.headers()["x-influxdb-version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(ping.headers()["x-influxdb-build"], "influxdb3-tokens");
    let ping: Value = serde_json::from_str(&text(ping)).unwrap();
    assert_eq!(ping["version"], env!("CARGO_PKG_VERSION"));
    assert!(ping["revision"].is_string());
    ping["process_id"].as_str().unwrap().parse::<uuid::Uuid>().unwrap();

    let head = send(server.operations(), HttpRequest::head("/health").body(Empty::new()).unwrap()).await;
    assert_eq!((head.status().as_u16(), &*text(head)), (200, ""));
    let post = send(server.operations(), HttpRequest::post("/health").body(Empty::new()).unwrap()).await;
    assert_eq!(post.status(), 405);
}

#[tokio::test]
async fn a_page_of_another_site_reaches_nothing_by_its_own_name() {
    let directory = DataDir::new();
    let server = directory.start(&[OPS_BIND, "--ops-host=ops.example.com,tokens.example.com"]);
    for (host, status) in [
        ("localhost", 200),
        ("[::1]:8182", 200),
        ("tokens.example.com", 200),
        ("evil.example.com", 421),
        ("127.0.0.1.evil.example.com", 421),
    ] {
        let request = HttpRequest::get("/health").header("host", host).body(Empty::new()).unwrap();
        let response = send(server.operations(), request).await;
        assert_eq!(response.status(), status, "{host}");
        assert!(!text(response).contains("evil"));
    }
}

#[tokio::test]
async fn the_listener_serves_the_operations_of_the_document_too() {
    let directory = DataDir::new();
    let operator = directory.operator().await;
    let (token, secret) = create(&directory.catalog().await, "ci", "db:a:read", None).await;
    let server = directory.start(&[OPS_BIND]);
    assert_eq!(send(server.operations(), deletion(token, &secret)).await.status(), 401);
    assert_eq!(send(server.operations(), deletion(token, &operator)).await.status(), DELETED);
    let unknown = get(server.operations(), "/nowhere").await;
    assert_eq!(unknown.status(), 404);
    assert!(unknown.headers().contains_key("cluster-uuid"));
    // The API's own listener has none of the other routes.
    for path in ["/health", "/ready", "/ping", "/metrics"] {
        assert_eq!(get(server.address, path).await.status(), 404, "{path}");
    }
}

#[tokio::test]
async fn a_listener_that_others_can_reach_is_warned_about() {
    for (bind, warns) in [("--ops-bind=127.0.0.1:0", false), ("--ops-bind=0.0.0.0:0", true)] {
        let directory = DataDir::new();
        let server = directory.start(&[bind]);
        let (status, printed) = server.end(Signal::TERM);
        assert!(status.success(), "{printed}");
        assert_eq!(printed.contains("not on a loopback address"), warns, "{printed}");
    }
}

#[tokio::test]
async fn a_server_whose_store_cannot_commit_stays_ready_and_says_that_it_accepts_no_changes() {
    let directory = DataDir::new();
    let operator = directory.operator().await;
    let (token, _) = create(&directory.catalog().await, "ci", "db:a:read", None).await;
    let cluster = directory.cluster();
    let server = directory.start(&[OPS_BIND]);
    let mut client = server.http1(cluster).await;
    let (file, away) = (directory.path().join("tokens.db"), directory.path().join("away.db"));

    std::fs::rename(&file, &away).unwrap();
    let deletion = Request::delete(token).bearer(&operator);
    assert_eq!(client.send(&deletion).await.status, 503);
    let ready = get(server.operations(), "/ready").await;
    assert_eq!(ready.status(), 200);
    let ready: Value = serde_json::from_str(&text(ready)).unwrap();
    assert_eq!(ready["reasons"], serde_json::json!(["the last commit failed"]));
    assert_eq!((&ready["ready"], &ready["accepts_changes"]), (&Value::Bool(true), &Value::Bool(false)));
    assert_eq!(get(server.operations(), "/health").await.status(), 200);
    let metrics = text(get(server.operations(), "/metrics").await);
    assert!(metrics.contains("influxdb3_tokens_ready 1\n"), "{metrics}");
    assert!(metrics.contains("influxdb3_tokens_store_failing 1\n"), "{metrics}");

    std::fs::rename(&away, &file).unwrap();
    // An attempt is shared for a second.
    within("the store to commit", async {
        loop {
            let ready: Value = serde_json::from_str(&text(get(server.operations(), "/ready").await)).unwrap();
            if ready["accepts_changes"] == true {
                break;
            }
        }
    })
    .await;
    assert!(text(get(server.operations(), "/metrics").await).contains("influxdb3_tokens_store_failing 0"));
    assert_eq!(client.send(&deletion).await.status, DELETED);
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_server_that_is_told_to_stop_is_not_ready_and_says_so_until_it_has_answered() {
    use crate::connections::until_refused;
    use crate::recorded::Recording;

    let directory = DataDir::new();
    let operator = directory.operator().await;
    let (token, _) = create(&directory.catalog().await, "ci", "db:a:read", None).await;
    let cluster = directory.cluster();
    let recording = Recording::of(&directory);
    let server = crate::process::Running::start(recording.attach(directory.serve(&[OPS_BIND])));
    let mut client = server.http1(cluster).await;

    let gate = recording.hold_next_sync();
    let in_flight = tokio::spawn(async move { client.send(&Request::delete(token).bearer(&operator)).await });
    let held = gate.reached().await;
    server.signaller()(Signal::TERM);
    until_refused(server.address).await;
    let ready = get(server.operations(), "/ready").await;
    assert_eq!(ready.status(), 503);
    let ready: Value = serde_json::from_str(&text(ready)).unwrap();
    assert_eq!(ready["reasons"], serde_json::json!(["draining"]));
    drop(held);
    let answer = within("the answer", in_flight).await.unwrap();
    assert_eq!(answer.status, DELETED);
    let (status, printed) = server.wait();
    assert!(status.success(), "{printed}");
}
