//! `audit`

use serde_json::{Value, json};

use super::{create, fail, secret, selected, succeed};
use crate::process::{DataDir, delete, delete_here, finish};

const COLUMNS: [&str; 7] = ["time", "change", "id", "name", "by", "by_name", "origin"];

#[test]
fn each_format_shows_all_changes_with_and_without_a_server() {
    let directory = DataDir::new();
    let argument = directory.argument();
    let operator = create(&argument, &["--admin"]);
    let first = create(&argument, &["--admin", "--name==1+1 | 🦀"]);
    let server = directory.start(&[]);
    let second = create(&argument, &["--permission=db:a:read", "--name=used again"]);
    let operator_2 = create(&argument, &["--admin", "--regenerate"]);
    let mut by_id = delete(&server.url(), selected(&second));
    by_id.args(["--token", secret(&first)]);
    let mut by_name = delete_here(&argument, selected(&first));
    by_name.args(["--token", secret(&operator_2)]);
    for command in [by_id, by_name] {
        assert_eq!(finish(command).0, 0);
    }
    create(&argument, &["--permission=db:a:read", "--name=used again"]);

    let audit = |format: &str| succeed(&["audit", &argument, "--format", format]);
    let shown = || ["pretty", "json", "jsonl", "csv"].map(audit);
    let with = shown();
    drop(server);
    assert_eq!(shown(), with);
    for text in &with {
        assert!([&operator, &first, &second, &operator_2].iter().all(|token| !text.contains(secret(token))), "{text}");
    }

    let [pretty, json, jsonl, csv] = &with;
    let user = format!("command of user {}", rustix::process::getuid().as_raw());
    let mut changes: Vec<Value> = serde_json::from_str(json).unwrap();
    assert_eq!(jsonl.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()).collect::<Vec<_>>(), changes);
    for change in &mut changes {
        let time = change["time"].take();
        assert!(time.as_str().unwrap().parse::<chrono::DateTime<chrono::Utc>>().is_ok());
    }
    let expected = [
        json!(["created", 0, "_admin", null, null, user]),
        json!(["created", 1, "=1+1 | 🦀", null, null, user]),
        json!(["created", 2, "used again", null, null, user]),
        json!(["regenerated", 0, "_admin", null, null, user]),
        json!(["deleted", 2, "used again", 1, "=1+1 | 🦀", "127.0.0.1"]),
        json!(["deleted", 1, "=1+1 | 🦀", 0, "_admin", user]),
        json!(["created", 3, "used again", null, null, user]),
    ];
    let values = |change: &Value| COLUMNS[1..].iter().map(|column| change[*column].clone()).collect::<Vec<_>>();
    assert_eq!(changes.iter().map(values).map(Value::from).collect::<Vec<_>>(), expected);

    assert_eq!(pretty.lines().count(), 2 + expected.len());
    let mut reader = csv::Reader::from_reader(csv.as_bytes());
    assert_eq!(reader.headers().unwrap(), COLUMNS.to_vec());
    let rows: Vec<_> = reader.records().map(Result::unwrap).collect();
    assert_eq!((&rows[0][4], &rows[1][3], &rows[4][5]), ("", "'=1+1 | 🦀", "'=1+1 | 🦀"));
}

#[test]
fn only_changes_since_a_time_are_shown() {
    let directory = DataDir::new();
    let argument = directory.argument();
    create(&argument, &["--admin"]);
    let since = |since: &str| succeed(&["audit", &argument, "--format=json", "--since", since]);
    for _ in 0..2 {
        assert_eq!(since("1h").matches("_admin").count(), 1);
        assert_eq!(since("1970-01-01T00:00:00Z").matches("_admin").count(), 1);
        assert_eq!(since("9999-12-31T23:00:00Z"), "[]\n");
    }
    assert!(fail(2, &["audit", &argument, "--since=yesterday"]).contains("2026-01-31T12:00:00Z"));
    assert!(fail(1, &["audit", &DataDir::new().argument()]).contains("has no token database"));
}

#[test]
fn the_tokens_of_files_are_recorded_and_the_use_of_a_token_survives_the_server() {
    let directory = DataDir::new();
    let argument = directory.argument();
    let file = directory.beside("tokens.json");
    let file = file.to_str().unwrap();
    succeed(&["create", "--permission=db:a:read", "--name=of a file", "--offline", "--output-file", file]);
    let server = directory.start(&["--permission-tokens-file", file]);
    let operator = create(&argument, &["--admin"]);
    let unused = create(&argument, &["--admin", "--name=unused"]);
    let mut denied = delete(&server.url(), selected(&operator));
    denied.args(["--token", secret(&operator)]);
    assert_eq!(finish(denied).0, 3);
    drop(server.end(rustix::process::Signal::TERM));

    let audit = succeed(&["audit", &argument, "--format=json"]);
    let changes: Vec<Value> = serde_json::from_str(&audit).unwrap();
    assert_eq!((&changes[0]["name"], &changes[0]["origin"]), (&json!("of a file"), &json!("token file")));

    let tokens: Vec<Value> = serde_json::from_str(&succeed(&["show", &argument, "--format=json"])).unwrap();
    let last_used =
        |id: Option<i64>| tokens.iter().find(|token| token["id"].as_i64() == id).unwrap()["last_used"].clone();
    let used = last_used(operator.id);
    assert!(used.as_str().is_some_and(|used| used.ends_with(":00Z")), "{used}");
    assert_eq!(last_used(unused.id), Value::Null);
}
