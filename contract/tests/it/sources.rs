//! Sources of tokens: files and commands.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use chrono::{TimeDelta, Utc};
use influxdb3_token_contract::{CannotRun, CommandTokens, FileTokens, Outcome, Report};
use influxdb3_tokens::Catalog;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::server::Right;
use crate::creation::create;

/// A new token, as an entry of a file of tokens.
async fn object(catalog: &Catalog, name: &str, permissions: &str, expires_in: Option<Duration>) -> Value {
    let (token, secret) = create(catalog, name, permissions, expires_in).await;
    let mut object = json!({"id": token.id.as_u64(), "name": name, "token": secret});
    if permissions != "*:*:*" {
        object["permissions"] = json!([permissions]);
    }
    if let Some(duration) = expires_in {
        object["expiry"] = json!(Utc::now() + TimeDelta::from_std(duration).unwrap());
    }
    object
}

/// As many tokens of each kind as a check needs.
async fn objects(catalog: &Catalog) -> Vec<Value> {
    let mut objects = vec![object(catalog, "expired", "*:*:*", Some(Duration::from_millis(1))).await];
    for number in 0..40 {
        objects.push(object(catalog, &format!("admin {number}"), "*:*:*", None).await);
    }
    for number in 0..3 {
        objects.push(object(catalog, &format!("limited {number}"), "db:a:read", None).await);
    }
    objects
}

fn file(text: &str) -> (TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("tokens.json");
    std::fs::write(&file, text).unwrap();
    (directory, file)
}

async fn check(right: &Arc<Right>, text: &str) -> Report {
    let (_directory, file) = file(text);
    let contract = right.contract(&format!("http://{}", right.serve(None).await));
    contract.tokens(FileTokens::read(&file).unwrap()).run(|_| ()).await.unwrap()
}

#[tokio::test]
async fn a_file_supplies_every_token_that_a_check_needs() {
    for concatenated in [false, true] {
        let right = Right::in_memory().await;
        let objects = objects(&right.catalog).await;
        let texts: Vec<String> = objects.iter().map(|object| format!("{object:#}\n")).collect();
        let text = if concatenated { texts.concat() } else { format!("[{}]", texts.join(",")) };
        let report = check(&right, &text).await;
        assert!(report.holds() && report.is_complete(), "{:#?}", report.cases);
        assert_eq!(report.left_behind, [""; 0]);
    }
}

#[tokio::test]
async fn cases_whose_tokens_a_file_lacks_are_not_covered() {
    let right = Right::in_memory().await;
    let mut objects = objects(&right.catalog).await;
    objects.retain(|object| object.get("permissions").is_none() && object.get("expiry").is_none());
    let report = check(&right, &Value::Array(objects).to_string()).await;
    assert!(report.holds() && !report.is_complete());
    assert!(report.responses.iter().all(|response| response.reached));
    let of = |name| &report.cases.iter().find(|case| case.name == name).unwrap().outcome;
    for name in ["effects/not-permitted", "credentials/BearerAuthentication/expired"] {
        let Outcome::NotCovered { reason } = of(name) else { panic!("{name}") };
        assert_eq!(reason, "no such token is left in the file");
    }
    assert!(matches!(of("effects/deleted"), Outcome::Passed));
}

#[test]
fn the_error_about_an_invalid_file_does_not_show_its_contents() {
    for (text, reason) in [
        ("apiv3_secret", "nor a sequence of what `create --format json` prints"),
        ("[{\"token\": \"apiv3_secret\"", "not a JSON array of tokens"),
        ("[\"apiv3_secret\"]", "a token is not a JSON object"),
        ("{\"token\": [\"apiv3_secret\"]}", "has no text as its `token`"),
        ("7", "a token is not a JSON object"),
    ] {
        let (_directory, file) = file(text);
        let error = FileTokens::read(&file).unwrap_err().to_string();
        assert!(error.contains(reason), "{error}");
        assert!(!error.contains("secret"), "{error}");
    }
}

/// The result of a check with tokens of this command.
async fn with_command(command: &str) -> Result<Report, CannotRun> {
    let right = Right::in_memory().await;
    let contract = right.contract(&format!("http://{}", right.serve(None).await));
    contract.tokens(CommandTokens::new(command)).run(|_| ()).await
}

const SECRET: &str = "apiv3_Zm9vYmFyYmF6cXV4Zm9vYmFyYmF6cXV4Zm9v";

#[tokio::test]
async fn cases_whose_tokens_a_command_cannot_create_are_not_covered() {
    for (command, expected) in [
        (
            format!("echo {SECRET}; echo no, not '{SECRET}': ask again >&2; exit 3; :"),
            "the command for tokens ended with exit status: 3: no, not [redacted]: ask again",
        ),
        // The vendor's command prints errors so, and its exit code is 0.
        (
            format!("printf '\\n\\033[31mFailed\\033[0m to create token, error: {SECRET}\\nmore\\n'; :"),
            "the command for tokens printed no JSON, but: \\u{1b}[31mFailed\\u{1b}[0m to create token, error: [redacted]",
        ),
        ("true; :".to_owned(), "the command for tokens printed no JSON, but: nothing"),
    ] {
        assert_not_covered(&command, expected).await;
    }
}

async fn assert_not_covered(command: &str, expected: &str) {
    let report = with_command(command).await.unwrap();
    assert!(report.holds() && !report.is_complete());
    let reasons = report.cases.iter().filter_map(|case| match &case.outcome {
        Outcome::NotCovered { reason } => Some(&**reason),
        _ => None,
    });
    let reasons: Vec<&str> = reasons.collect();
    assert!(!reasons.is_empty());
    let expected = [expected, "there are no tokens to look at"];
    assert!(reasons.iter().all(|reason| expected.contains(reason)), "{reasons:?}");
    assert!(!format!("{report:?}{}", report.to_junit()).contains(SECRET));
}

#[tokio::test]
async fn a_command_that_does_not_work_ends_the_check() {
    for (command, reason) in [
        ("influxdb3-no-such-command", "ended with exit status: 127"),
        ("/dev/null", "ended with exit status: 126"),
        ("kill -9 $$;", "signal: 9"),
        (&*format!("echo '[\"{SECRET}\"]'; :"), "is not a JSON object"),
        (&*format!("echo '{{\"token\": \"{SECRET}\"}}'; :"), "a token lacks `id`, by which the document deletes it"),
        ("echo '{\"id\": 1}'; :", "has no text as its `token`"),
        (
            &*format!("echo '{{\"id\": 1, \"token\": \"{SECRET}\", \"expiry\": \"soon\"}}'; :"),
            "neither null nor a date-time",
        ),
    ] {
        let error = with_command(command).await.unwrap_err();
        assert!(matches!(error, CannotRun::Tokens(_)), "{command}: {error:?}");
        let text = format!("{error} {error:?}");
        assert!(text.contains(reason) && !text.contains(SECRET), "{command}: {text}");
    }
}
