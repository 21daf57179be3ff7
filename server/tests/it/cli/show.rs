//! `show`

use std::time::Duration;

use futures::future::join_all;
use influxdb3_tokens::NewToken;
use serde_json::Value;

use super::{create, fail, secret, succeed};
use crate::creation::create as create_in;
use crate::process::DataDir;

const COLUMNS: [&str; 6] = ["id", "name", "hash", "created_at", "expiry", "permissions"];

#[test]
fn each_format_shows_all_tokens_without_secrets_with_and_without_a_server() {
    let directory = DataDir::new();
    let argument = directory.argument();
    let created = [
        create(&argument, &["--admin"]),
        create(&argument, &["--permission=db:a,b:read system:*:read", "--name=with \"quotes\", commas | 🦀"]),
        create(&argument, &["--admin", "--name=short", "--expiry=1h"]),
    ];
    let show = |format: &str| succeed(&["show", &argument, "--format", format]);
    let shown = || ["pretty", "json", "jsonl", "csv"].map(show);
    let without = shown();
    let _server = directory.start(&[]);
    assert_eq!(shown(), without);
    for text in &without {
        assert!(!text.contains("apiv3_"), "{text}");
        assert!(created.iter().all(|token| !text.contains(&secret(token)[6..22])), "{text}");
        assert!(created.iter().all(|token| text.contains(&token.hash.as_ref().unwrap()[..12])), "{text}");
    }

    let [pretty, json, jsonl, csv] = &without;
    assert_eq!(pretty.lines().count(), 2 + 3);
    let objects: Vec<Value> = serde_json::from_str(json).unwrap();
    assert_eq!(jsonl.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()).collect::<Vec<_>>(), objects);
    for (object, token) in objects.iter().zip(&created) {
        let keys: Vec<_> = object.as_object().unwrap().keys().collect();
        assert!(COLUMNS.iter().all(|column| keys.iter().any(|key| *key == column)), "{keys:?}");
        assert_eq!(object["id"].as_i64(), token.id);
        assert_eq!(object["name"].as_str(), token.name.as_deref());
        assert_eq!(object["hash"].as_str(), token.hash.as_deref());
        assert_eq!(object["created_at"], serde_json::to_value(token.created_at).unwrap());
        assert_eq!(Some(&object["expiry"]), token.expiry.as_ref());
    }
    assert_eq!(objects[1]["permissions"], "db:a,b:read system:*:read");

    let mut reader = csv::Reader::from_reader(csv.as_bytes());
    assert_eq!(reader.headers().unwrap(), COLUMNS.to_vec());
    let rows: Vec<_> = reader.records().map(Result::unwrap).collect();
    assert_eq!(rows.len(), 3);
    assert_eq!(&rows[1][1], "with \"quotes\", commas | 🦀");
    assert_eq!((&rows[0][4], &rows[0][5]), ("", "*:*:*"));
    assert!(rows[2][4].parse::<chrono::DateTime<chrono::Utc>>().is_ok());
}

#[test]
fn a_directory_without_a_database_is_an_error_and_is_not_created() {
    let directory = DataDir::new();
    assert!(fail(1, &["show", &directory.argument()]).contains("has no token database"));
    assert!(!directory.path().exists());
}

#[tokio::test]
async fn a_store_without_tokens_is_shown_as_empty() {
    let directory = DataDir::new();
    drop(directory.catalog().await);
    let argument = directory.argument();
    let show = |format: &str| succeed(&["show", &argument, "--format", format]);
    assert_eq!(show("json"), "[]\n");
    assert_eq!(show("jsonl"), "");
    assert_eq!(show("csv"), COLUMNS.join(",") + "\n");
    assert_eq!(show("pretty").lines().count(), 2);
    fail(2, &["show", &argument, "--format=xml"]);
}

#[tokio::test]
async fn tokens_on_several_pages_are_all_shown() {
    const TOKENS: u64 = 2500;
    let directory = DataDir::new();
    let catalog = directory.catalog().await;
    join_all((0..TOKENS).map(|number| {
        let name = format!("token {number}").parse().unwrap();
        let (token, _) = NewToken::fresh(name, "*:*:*".parse().unwrap()).unwrap();
        let expires_at = catalog.now().checked_add(Duration::from_secs(3600));
        let catalog = &catalog;
        async move { catalog.create(NewToken { expires_at, ..token }).await.unwrap() }
    }))
    .await;
    drop(catalog);

    let ids = || -> Vec<u64> {
        let lines = succeed(&["show", &directory.argument(), "--format=jsonl"]);
        lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["id"].as_u64().unwrap()).collect()
    };
    let expected: Vec<_> = (1..=TOKENS).collect();
    assert_eq!(ids(), expected);
    let _server = directory.start(&[]);
    assert_eq!(ids(), expected);
}

#[tokio::test]
async fn tokens_that_exceed_the_size_of_a_message_are_all_shown() {
    const TOKENS: usize = 17;
    let name = "n".repeat(1 << 20);
    let directory = DataDir::new();
    let catalog = directory.catalog().await;
    for number in 0..TOKENS {
        create_in(&catalog, &format!("token {number}"), &format!("db:{name}:read"), None).await;
    }
    drop(catalog);

    let _server = directory.start(&[]);
    let shown = succeed(&["show", &directory.argument(), "--format=jsonl"]);
    assert!(shown.len() > 16 << 20);
    assert_eq!(shown.lines().filter(|line| line.contains(&name)).count(), TOKENS);
}
