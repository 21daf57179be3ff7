//! `show`

use std::time::Duration;

use futures::future::join_all;
use influxdb3_tokens::NewToken;
use serde_json::Value;

use super::confirmation::on_terminal;
use super::{create, fail, secret, succeed};
use crate::creation::create as create_in;
use crate::process::{DataDir, command};

const COLUMNS: [&str; 9] =
    ["id", "name", "hash", "created_at", "description", "created_by_token_id", "expiry", "permissions", "last_used"];

#[test]
fn each_format_shows_all_tokens_without_secrets_with_and_without_a_server() {
    let directory = DataDir::new();
    let argument = directory.argument();
    let created = [
        create(&argument, &["--admin"]),
        create(&argument, &["--permission=db:a,b:read system:*:read", "--name=with \"quotes\", commas | 🦀"]),
        create(&argument, &["--admin", "--name=short", "--expiry=1h", "--description=for an hour, or less"]),
    ];
    let show = |format: &str| succeed(&["show", &argument, "--format", format]);
    let shown = || ["pretty", "json", "jsonl", "csv"].map(show);
    let without = shown();
    let _server = directory.start(&[]);
    assert_eq!(shown(), without);
    for text in &without {
        assert!(!text.contains("apiv3_"), "{text}");
        assert!(created.iter().all(|token| !text.contains(&secret(token)[6..22])), "{text}");
        assert!(created.iter().all(|token| text.contains(&token.hash.as_ref().unwrap()[..8])), "{text}");
    }

    let [pretty, json, jsonl, csv] = &without;
    assert_eq!(pretty.lines().count(), 2 + 3);
    let cells = |line: &str| line.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect::<Vec<_>>();
    // No token was created by another, and the last use is for a wide table.
    let names: Vec<_> = COLUMNS[..8].iter().filter(|name| **name != "created_by_token_id").collect();
    assert!(cells(pretty.lines().next().unwrap()).iter().eq(names), "{pretty}");
    let wide = succeed(&["show", "tokens", "--wide", &argument]);
    assert_eq!(cells(wide.lines().next().unwrap()), COLUMNS);
    let hash = |text: &str| cells(text.lines().nth(2).unwrap())[2].clone();
    assert_eq!((hash(pretty).chars().count(), Some(hash(&wide))), (9, created[0].hash.clone()));
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
    assert_eq!((&rows[0][4], &rows[0][6], &rows[0][7]), ("", "", "*:*:*"));
    assert_eq!(&rows[2][4], "for an hour, or less");
    assert!(rows[2][6].parse::<chrono::DateTime<chrono::Utc>>().is_ok());
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

#[test]
fn a_table_without_descriptions_fits_a_hundred_columns() {
    let directory = DataDir::new();
    create(&directory.argument(), &["--admin"]);
    create(&directory.argument(), &["--admin", "--name=deployment", "--expiry=30d"]);
    create(&directory.argument(), &["--permission=db:sensors:read,write", "--name=gateway"]);
    let widest = |arguments: &[&str]| {
        let shown = succeed(&[&["show", &*directory.argument()], arguments].concat());
        shown.lines().map(|line| line.chars().count()).max().unwrap()
    };
    assert!(widest(&[]) <= 100 && widest(&["--wide"]) > 100);
}

#[test]
fn a_table_on_a_terminal_is_not_wider_than_it() {
    let directory = DataDir::new();
    let text = "a description that is longer than a line of the terminal on which the table is shown";
    create(&directory.argument(), &["--admin", "--name=deployment", "--description", text]);
    let shown = on_terminal(80, command(&["show", &directory.argument()]));
    assert!(shown.lines().all(|line| line.chars().count() <= 80), "{shown}");
    assert!(shown.lines().count() > 4 && shown.contains("deployment"), "{shown}");
    assert!(succeed(&["show", &directory.argument()]).contains(text));
}
