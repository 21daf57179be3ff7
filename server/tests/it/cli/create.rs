//! `create`

use std::path::Path;
use std::time::SystemTime;

use chrono::{DateTime, TimeDelta, Utc};
use influxdb3_tokens::Secret;
use rustix::process::Signal;

use super::{create, fail, mode, secret, succeed};
use crate::client::Request;
use crate::process::{DataDir, command, finish};

#[test]
fn the_text_shows_the_token_and_how_to_send_it() {
    let directory = DataDir::new();
    let text = succeed(&["create", "--admin", &directory.argument()]);
    let token = text.lines().find_map(|line| line.strip_prefix("Token: ")).unwrap();
    token.parse::<Secret>().unwrap();
    assert!(text.starts_with("The token \"_admin\" (ID 0) was created.\n"), "{text}");
    assert!(text.contains(&format!("HTTP Requests Header: Authorization: Bearer {token}\n")), "{text}");
    assert!(text.contains("\nNo server uses the directory "), "{text}");

    let _server = directory.start(&[]);
    let text = succeed(&["create", "--admin", "--name=ci", &directory.argument()]);
    assert!(!text.contains("No server uses the directory "), "{text}");
}

#[test]
fn the_json_is_the_documents_admin_token_object() {
    let directory = DataDir::new();
    let directory = directory.argument();
    let operator = create(&directory, &["--admin"]);
    assert_eq!((operator.id, operator.name.as_deref()), (Some(0), Some("_admin")));
    assert_eq!(operator.expiry, Some(serde_json::Value::Null));
    let digest = secret(&operator).parse::<Secret>().unwrap().digest();
    assert_eq!(operator.hash, Some(digest.to_string()));
    let now = DateTime::<Utc>::from(SystemTime::now());
    assert!((now - operator.created_at.unwrap()).abs() < TimeDelta::hours(1));

    let other = create(&directory, &["--permission=db:a,b:read,write", "--name=döner 🦀", "--expiry=30d"]);
    assert_eq!((other.id, other.name.as_deref()), (Some(1), Some("döner 🦀")));
    let expiry: DateTime<Utc> = serde_json::from_value(other.expiry.unwrap()).unwrap();
    assert_eq!(expiry - other.created_at.unwrap(), TimeDelta::days(30));
}

#[tokio::test]
async fn a_token_is_accepted_at_once_whether_a_server_runs_or_not() {
    let directory = DataDir::new();
    let before = create(&directory.argument(), &["--admin"]);
    let cluster = directory.cluster();
    let server = directory.start(&[]);
    let while_it_runs = create(&directory.argument(), &["--admin", "--name=second"]);
    assert_eq!((before.id, while_it_runs.id), (Some(0), Some(1)));
    let mut client = server.http1(cluster).await;
    for token in [&before, &while_it_runs] {
        assert_eq!(client.send(&Request::delete(12345).bearer(secret(token))).await.status, 404);
    }
    drop(client);
    assert!(server.end(Signal::TERM).0.success());
    assert_eq!(create(&directory.argument(), &["--admin", "--name=third"]).id, Some(2));
}

#[test]
fn an_error_has_the_same_text_with_and_without_a_server() {
    let directory = DataDir::new();
    let argument = directory.argument();
    create(&argument, &["--admin"]);
    create(&argument, &["--admin", "--name=ci"]);
    let errors = || {
        let operator_exists = fail(1, &["create", "--admin", &argument]);
        let name_taken = fail(1, &["create", "--admin", "--name=ci", &argument]);
        let too_late = fail(1, &["create", "--admin", "--name=x", "--expiry=9000y", &argument]);
        [operator_exists, name_taken, too_late]
    };
    let without = errors();
    assert!(without[0].contains("the operator token exists") && without[0].contains("--regenerate"), "{without:?}");
    assert_eq!(without[1], "error: another token has this name\n");
    assert!(without[2].contains("after the year 9999"), "{without:?}");
    let _server = directory.start(&[]);
    assert_eq!(errors(), without);
}

#[tokio::test]
async fn a_regenerated_operator_token_has_another_secret_whether_a_server_runs_or_not() {
    let directory = DataDir::new();
    let argument = directory.argument();
    assert!(fail(1, &["create", "--admin", "--regenerate", &argument]).contains("has no token database"));
    create(&argument, &["--admin", "--name=first"]);
    assert_eq!(fail(1, &["create", "--admin", "--regenerate", &argument]), "error: no operator token exists\n");
    let mut tokens = vec![create(&argument, &["--admin"])];
    tokens.push(create(&argument, &["--admin", "--regenerate"]));
    let cluster = directory.cluster();
    let server = directory.start(&[]);
    let mut client = server.http1(cluster).await;
    let text = succeed(&["create", "--admin", "--name=_admin", "--regenerate", &argument]);
    assert!(text.starts_with("The token \"_admin\" (ID 0) was regenerated.\n"), "{text}");
    let printed = text.lines().find_map(|line| line.strip_prefix("Token: ")).unwrap().to_owned();
    for (secret, status) in tokens.iter().map(secret).map(|secret| (secret, 401)).chain([(&*printed, 404)]) {
        assert_eq!(client.send(&Request::delete(12345).bearer(secret)).await.status, status);
    }
    tokens.push(create(&argument, &["--admin", "--regenerate"]));
    assert_eq!(client.send(&Request::delete(12345).bearer(&printed)).await.status, 401);
    let [first, .., last] = &tokens[..] else { panic!() };
    assert_eq!(client.send(&Request::delete(12345).bearer(secret(last))).await.status, 404);
    assert_eq!((last.id, &last.name, last.created_at), (Some(0), &first.name, first.created_at));
    assert_eq!(last.expiry, Some(serde_json::Value::Null));
    assert!(succeed(&["show", "--format=csv", &argument]).contains(last.hash.as_ref().unwrap()));
    drop(client);
    let (status, log) = server.end(Signal::TERM);
    assert!(status.success() && log.contains("regenerated the secret of the operator token"), "{log}");
}

/// The file that the operator token came from still has its first secret.
#[tokio::test]
async fn a_token_file_does_not_bring_a_regenerated_secret_back() {
    let directory = DataDir::new();
    let (file, renamed) = (directory.beside("admin.json"), directory.beside("renamed.json"));
    for (name, file) in [("_admin", &file), ("renamed", &renamed)] {
        succeed(&["create", "--admin", "--name", name, "--offline", "--output-file", file.to_str().unwrap()]);
    }
    let contents: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
    let first = contents["token"].as_str().unwrap();
    std::fs::write(&renamed, serde_json::json!({"token": first, "name": "renamed"}).to_string()).unwrap();
    let serve = |file: &Path| directory.start(&["--admin-token-file", file.to_str().unwrap()]);
    assert!(serve(&file).end(Signal::TERM).0.success());
    let current = create(&directory.argument(), &["--admin", "--regenerate"]);
    let cluster = directory.cluster();
    for file in [&file, &renamed] {
        let server = serve(file);
        let mut client = server.http1(cluster).await;
        assert_eq!(client.send(&Request::delete(12345).bearer(first)).await.status, 401);
        assert_eq!(client.send(&Request::delete(12345).bearer(secret(&current))).await.status, 404);
        drop(client);
        assert!(server.end(Signal::TERM).0.success());
    }
}

#[test]
fn wrong_arguments_exit_with_2_and_change_nothing() {
    let directory = DataDir::new();
    for arguments in [
        &["--name=x"][..],
        &["--admin", "--permission=db:a:read", "--name=x"],
        &["--permission=db:a:read"],
        &["--permission=db:a:fly", "--name=x"],
        &["--permission=*:*:*", "--name=x"],
        &["--permission=db:a:read  db:b", "--name=x"],
        &["--admin", "--name="],
        &["--admin", "--name=a\nb"],
        &["--admin", "--expiry=soon"],
        &["--admin", "--name=x", "--expiry=0s"],
        &["--admin", "--name=x", "--expiry=999us"],
        &["--admin", "--expiry=-1d"],
        &["--admin", "--format=xml"],
        &["--admin", "--offline"],
        &["--admin", "--output-file=x"],
        &["--permission=db:a:read", "--name=x", "--output-file=x"],
        &["--permission=db:a:read", "--name=_admin"],
        &["--admin", "--expiry=1d"],
        &["--admin", "--name=_admin", "--expiry=1d"],
        &["--regenerate"],
        &["--permission=db:a:read", "--name=x", "--regenerate"],
        &["--admin", "--name=x", "--regenerate"],
        &["--admin", "--regenerate", "--expiry=1d"],
        &["--admin", "--regenerate", "--offline", "--output-file=x"],
        &["--admin", "--regenerate", "--output-file=x"],
        &["--admin", "--unknown"],
    ] {
        fail(2, &[&["create", &directory.argument()], arguments].concat());
    }
    assert!(!directory.path().exists());
}

#[test]
fn a_variable_with_the_value_false_counts_as_an_option_not_given() {
    let directory = DataDir::new();
    let with = |admin: &str, arguments: &[&str]| {
        let mut create =
            command(&[&["create", "--format=json", "--name=x", &directory.argument()], arguments].concat());
        create.env("INFLUXDB3_TOKENS_ADMIN", admin).env("INFLUXDB3_TOKENS_OFFLINE", "0");
        finish(create)
    };
    assert_eq!(with("false", &[]).0, 2);
    assert_eq!(with("1", &["--permission=db:a:read"]).0, 2);
    assert!(!directory.path().exists());
    assert_eq!(with("false", &["--permission=db:a:read"]).0, 0);
    assert!(succeed(&["show", "--format=csv", &directory.argument()]).contains("db:a:read"));
}

#[test]
fn an_offline_admin_token_has_its_own_file() {
    let directory = DataDir::new();
    let file = directory.beside("admin.json");
    let arguments = ["create", "--admin", "--offline", "--output-file", file.to_str().unwrap(), &directory.argument()];
    let printed = succeed(&arguments);
    assert_eq!(mode(&file), 0o600);
    let first = std::fs::read_to_string(&file).unwrap();
    let token: serde_json::Value = serde_json::from_str(&first).unwrap();
    token["token"].as_str().unwrap().parse::<Secret>().unwrap();
    assert_eq!(token["name"], "_admin");
    assert!(!printed.contains("apiv3_"), "{printed}");

    assert!(fail(1, &arguments).contains("it exists already"));
    assert_eq!(std::fs::read_to_string(&file).unwrap(), first);
    assert!(!directory.path().exists());
}

#[test]
fn offline_permission_tokens_share_a_file() {
    let directory = DataDir::new();
    let file = directory.beside("permission.json");
    let offline = |name: &'static str| {
        let output = file.to_str().unwrap();
        vec!["create", "--permission=db:a:read", "--offline", "--output-file", output, "--name", name]
    };
    succeed(&offline("a"));
    succeed(&[&offline("b")[..], &["--permission=system:*:read", "--expiry=1h"]].concat());
    assert_eq!(mode(&file), 0o600);
    let contents = std::fs::read_to_string(&file).unwrap();
    let tokens: serde_json::Value = serde_json::from_str(&contents).unwrap();
    assert_eq!(tokens["tokens"][0]["name"], "a");
    assert_eq!(tokens["tokens"][1]["permissions"], serde_json::json!(["db:a:read", "system:*:read"]));
    assert!(tokens["tokens"][1]["expiry_millis"].is_u64());

    assert!(fail(1, &offline("b")).contains("a token of the name \"b\" already"));
    std::fs::write(&file, "{}").unwrap();
    assert!(fail(1, &offline("c")).contains("permission.json: `tokens` is missing"));
    let left: Vec<_> = std::fs::read_dir(file.parent().unwrap()).unwrap().collect();
    assert_eq!(left.len(), 1, "{left:?}");
}
