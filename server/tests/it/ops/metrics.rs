//! `/metrics`, and what refers to it: the documentation, the dashboard, the alert rules.

use std::collections::BTreeSet;
use std::io::{ErrorKind, Write};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use http::Request as HttpRequest;
use http_body_util::Empty;
use influxdb3_tokens::Secret;
use rustix::process::Signal;

use super::{OPS_BIND, deletion, get, send, text};
use crate::blocking::output;
use crate::client::Request;
use crate::creation::create;
use crate::document::DELETED;
use crate::process::DataDir;
use crate::redaction::expect_no_secret;

const REPOSITORY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

/// The samples as Prometheus text, a line each, without comments.
async fn samples(address: SocketAddr) -> Vec<String> {
    let shown = text(get(address, "/metrics").await);
    shown.lines().filter(|line| !line.starts_with('#')).map(str::to_owned).collect()
}

/// The value of the sample with this name and these labels.
fn value(samples: &[String], series: &str) -> f64 {
    let found = samples.iter().filter_map(|sample| sample.strip_prefix(series)?.strip_prefix(' ')).next();
    found.unwrap_or_else(|| panic!("{series} is not in {samples:#?}")).parse().unwrap()
}

/// What comes before the value of each sample.
fn series(samples: &[String]) -> BTreeSet<&str> {
    samples.iter().map(|sample| sample.rsplit_once(' ').unwrap().0).collect()
}

/// The name of each metric as its comments give it.
async fn names(address: SocketAddr) -> BTreeSet<String> {
    let shown = text(get(address, "/metrics").await);
    let types = shown.lines().filter_map(|line| line.strip_prefix("# TYPE "));
    types.map(|line| line.split(' ').next().unwrap().to_owned()).collect()
}

/// The names of metrics in a text. A histogram's series count as the histogram.
fn mentioned(text: &str, known: &BTreeSet<String>) -> BTreeSet<String> {
    let words = text.split(|character: char| !character.is_ascii_alphanumeric() && character != '_');
    let metrics = words.filter(|word| {
        (word.starts_with("influxdb3_tokens_") && *word != "influxdb3_tokens_server") || word.starts_with("process_")
    });
    let of_histogram = |word: &str| {
        let suffixes = ["_bucket", "_sum", "_count"].into_iter();
        suffixes.filter_map(|suffix| word.strip_suffix(suffix)).find(|name| known.contains(*name)).map(str::to_owned)
    };
    metrics.map(|word| of_histogram(word).unwrap_or_else(|| word.to_owned())).collect()
}

fn read(path: &str) -> String {
    std::fs::read_to_string(Path::new(REPOSITORY).join(path)).unwrap()
}

#[tokio::test]
async fn each_reason_of_a_401_is_counted_and_logged_with_the_address_of_its_client() {
    let directory = DataDir::new();
    let operator = directory.operator().await;
    let catalog = directory.catalog().await;
    let (token, reader) = create(&catalog, "reader", "db:a:read", None).await;
    let (gone, deleted) = create(&catalog, "gone", "*:*:*", None).await;
    let (_, expired) = create(&catalog, "expired", "*:*:*", Some(Duration::from_millis(1))).await;
    drop(catalog);
    let cluster = directory.cluster();
    let server = directory.start(&[OPS_BIND, "--log-filter=debug"]);
    let unknown = Secret::generate().unwrap().expose().to_owned();

    let mut client = server.http1(cluster).await;
    // Once it has an answer, the connection was accepted.
    assert_eq!(client.send(&Request::delete(token)).await.status, 401);
    let before = samples(server.operations()).await;
    assert_eq!(client.send(&Request::delete(gone).bearer(&operator)).await.status, DELETED);
    let delete = || Request::delete(token);
    for request in [
        delete(),
        delete().with("authorization", "Basic eDp5"),
        delete().bearer(&unknown),
        delete().bearer(&expired),
        delete().bearer(&deleted),
        delete().bearer(&reader),
    ] {
        assert_eq!(client.send(&request).await.status, 401, "{request:?}");
    }
    let after = samples(server.operations()).await;
    let grown = |series: &str| value(&after, series) - value(&before, series);
    let operation = influxdb3_token_api::OPERATIONS[0].id;
    assert_eq!(grown("influxdb3_tokens_authentications_total{outcome=\"accepted\",reason=\"none\"}"), 1.0);
    for reason in ["missing", "malformed", "unknown", "expired", "deleted", "insufficient"] {
        let series = format!("influxdb3_tokens_authentications_total{{outcome=\"rejected\",reason=\"{reason}\"}}");
        assert_eq!(grown(&series), 1.0, "{reason}");
    }
    let responses =
        |status| format!("influxdb3_tokens_requests_total{{operation=\"{operation}\",status=\"{status}\"}}");
    assert_eq!((grown(&responses(DELETED)), grown(&responses(401))), (1.0, 6.0));
    assert_eq!(grown("influxdb3_tokens_request_duration_seconds_count{operation=\"DeleteToken\"}"), 7.0);
    assert_eq!(grown("influxdb3_tokens_live"), -1.0);
    assert_eq!(grown("influxdb3_tokens_changes_total{change=\"deletion\",outcome=\"made\"}"), 1.0);
    assert_eq!(grown("influxdb3_tokens_changes_total{change=\"deletion\",outcome=\"refused\"}"), 1.0);
    assert_eq!(grown("influxdb3_tokens_store_commits_total"), 1.0);
    assert_eq!(grown("influxdb3_tokens_store_batch_size_sum"), 1.0);
    assert_eq!(grown("influxdb3_tokens_store_commit_duration_seconds_count"), 1.0);
    assert_eq!(value(&after, "influxdb3_tokens_connections_open{listener=\"api\"}"), 1.0);
    assert_eq!(grown("influxdb3_tokens_connections_accepted_total{listener=\"api\"}"), 0.0);

    drop(client);
    let (_, log) = server.end(Signal::TERM);
    for reason in ["missing", "malformed", "unknown", "expired", "deleted", "insufficient"] {
        let line = log.lines().find(|line| line.contains(&format!("reason=\"{reason}\"")));
        let line = line.unwrap_or_else(|| panic!("{reason} is not in {log}"));
        assert!(line.contains("status=401") && line.contains("peer=127.0.0.1:") && line.contains("span_id="), "{line}");
    }
    let secrets = [operator, reader, deleted, expired, unknown];
    expect_no_secret(&log, &secrets);
    expect_no_secret(&after.join("\n"), &secrets);
}

#[tokio::test]
async fn no_request_adds_a_series_that_its_client_has_named() {
    let directory = DataDir::new();
    let server = directory.start(&[OPS_BIND]);
    let strange = |number: u32| {
        let request =
            HttpRequest::builder().method(format!("M{number}").as_str()).uri(format!("/path-{number}?q={number}"));
        request.header(format!("x-{number}"), format!("{number}")).body(Empty::new()).unwrap()
    };
    for address in [server.address, server.operations()] {
        send(address, strange(0)).await;
    }
    let before = samples(server.operations()).await;
    for number in 1..20 {
        for address in [server.address, server.operations()] {
            send(address, strange(number)).await;
        }
    }
    let after = samples(server.operations()).await;
    assert_eq!(series(&after), series(&before));
    let unknown = "influxdb3_tokens_requests_total{operation=\"none\",status=\"404\"}";
    assert_eq!(value(&after, unknown) - value(&before, unknown), 19.0);
}

#[tokio::test]
async fn the_operations_listener_counts_the_operations_that_it_serves() {
    let directory = DataDir::new();
    let operator = directory.operator().await;
    let (token, _) = create(&directory.catalog().await, "ci", "db:a:read", None).await;
    let server = directory.start(&[OPS_BIND]);
    assert_eq!(send(server.operations(), deletion(token, &operator)).await.status(), DELETED);
    let after = samples(server.operations()).await;
    assert_eq!(value(&after, "influxdb3_tokens_authentications_total{outcome=\"accepted\",reason=\"none\"}"), 1.0);
    assert_eq!(value(&after, "influxdb3_tokens_live"), 1.0);
}

#[tokio::test]
async fn a_scraper_gets_the_format_that_it_accepts() {
    let directory = DataDir::new();
    let server = directory.start(&[OPS_BIND]);
    let accept = |value: &str| HttpRequest::get("/metrics").header("accept", value).body(Empty::new()).unwrap();
    for (accepted, content_type, ending) in [
        ("application/openmetrics-text;version=1.0.0,text/plain;q=0.5", "application/openmetrics-text; ", "\n# EOF\n"),
        ("text/plain;version=0.0.4", "text/plain; version=0.0.4; ", "\n"),
        ("*/*", "text/plain; version=0.0.4; ", "\n"),
    ] {
        let response = send(server.operations(), accept(accepted)).await;
        let header = response.headers()["content-type"].to_str().unwrap().to_owned();
        let shown = text(response);
        assert!(header.starts_with(content_type) && shown.ends_with(ending), "{accepted}: {header}");
        assert_eq!(shown.contains("# EOF"), ending.contains("# EOF"));
    }
}

#[tokio::test]
async fn every_metric_is_documented_and_no_other() {
    let directory = DataDir::new();
    let server = directory.start(&[OPS_BIND]);
    let names = names(server.operations()).await;
    let documentation = read("docs/operations.md");
    let rows = documentation.lines().filter(|line| line.starts_with("| `"));
    let documented: String = rows.filter_map(|row| row.split('|').nth(1)).collect();
    assert_eq!(mentioned(&documented, &names), names);
}

#[tokio::test]
async fn the_dashboard_and_the_alerts_use_metrics_that_exist() {
    let directory = DataDir::new();
    let server = directory.start(&[OPS_BIND]);
    let names = names(server.operations()).await;
    for path in ["ops/grafana/dashboard.json", "ops/prometheus/alerts.yml"] {
        let used = mentioned(&read(path), &names);
        let unknown: Vec<_> = used.difference(&names).collect();
        assert!(used.len() > 5 && unknown.is_empty(), "{path}: {unknown:?}");
    }
    serde_json::from_str::<serde_json::Value>(&read("ops/grafana/dashboard.json")).unwrap();
}

/// Prometheus's own tool reads the metrics and the rules.
#[tokio::test]
async fn promtool_accepts_the_metrics_and_the_alert_rules() {
    let directory = DataDir::new();
    let server = directory.start(&[OPS_BIND]);
    let shown = text(get(server.operations(), "/metrics").await);
    let mut checked = Command::new("promtool");
    let checked =
        checked.args(["check", "metrics"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut process = match checked.spawn() {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            assert!(std::env::var_os("CI").is_none(), "promtool is not installed");
            return;
        }
        process => process.unwrap(),
    };
    process.stdin.take().unwrap().write_all(shown.as_bytes()).unwrap();
    let checked = process.wait_with_output().unwrap();
    let printed = String::from_utf8(checked.stderr).unwrap();
    assert!(checked.status.success() && printed.is_empty(), "{printed}");

    let mut rules = Command::new("promtool");
    rules.args(["check", "rules"]).arg(Path::new(REPOSITORY).join("ops/prometheus/alerts.yml"));
    let checked = output(rules);
    assert!(checked.status.success(), "{checked:?}");
}
