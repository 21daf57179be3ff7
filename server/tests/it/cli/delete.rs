//! `delete`

use std::net::TcpListener;

use rustix::process::Signal;

use super::{create, fail, secret, succeed};
use crate::client::Request;
use crate::process::{DataDir, Running, command, finish};

#[test]
fn the_exit_code_depends_on_the_response() {
    let directory = DataDir::new();
    let argument = directory.argument();
    let operator = create(&argument, &["--admin"]);
    let reader = create(&argument, &["--permission=db:a:read", "--name=reader"]);
    let server = directory.start(&[]);

    let (operator, reader) = (secret(&operator), secret(&reader));
    let rejected = "a valid credential is required";
    for (id, token, code, reason) in [
        ("1", reader, 3, "only an admin token may delete tokens"),
        ("0", operator, 3, "the operator token cannot be deleted"),
        ("1", "wrong", 3, rejected),
        ("7", operator, 4, "no token has this ID"),
        ("01", operator, 4, "no token has this ID"),
        ("1&id=2 🦀", operator, 4, "no token has this ID"),
        ("1", operator, 0, ""),
        ("1", operator, 4, "no token has this ID"),
        ("1", reader, 3, rejected),
    ] {
        let error = if reason.is_empty() { String::new() } else { format!("error: {reason}\n") };
        assert_eq!(delete(&server.url(), id, token), (code, String::new(), error), "{id}");
    }
}

#[tokio::test]
async fn a_token_is_deleted_by_its_name_whether_a_server_runs_or_not() {
    let directory = DataDir::new();
    let argument = directory.argument();
    let operator = create(&argument, &["--admin"]);
    let reader = create(&argument, &["--permission=db:a:read", "--name=reader"]);
    let (operator, reader) = (secret(&operator), secret(&reader));
    let by_name = |name: &str, token: &str| {
        finish(command(&["delete", &format!("--token-name={name}"), "--token", token, &argument]))
    };
    let rejected = "a valid credential is required";
    let not_found = "no token has this ID or name";
    let cluster = directory.cluster();
    let check = |again: &str| {
        create(&argument, &["--admin", "--name=döner / 🦀"]);
        for (name, token, code, reason) in [
            ("döner / 🦀", reader, 3, "only an admin token may delete tokens"),
            ("_admin", operator, 3, "the operator token cannot be deleted"),
            ("döner / 🦀", "wrong", 3, rejected),
            ("döner", operator, 4, not_found),
            ("2", operator, 4, not_found),
            ("", operator, 4, not_found),
            ("döner / 🦀", operator, 0, ""),
            ("döner / 🦀", operator, 4, not_found),
            (again, operator, if again == "reader" { 0 } else { 4 }, if again == "reader" { "" } else { not_found }),
        ] {
            let error = if reason.is_empty() { String::new() } else { format!("error: {reason}\n") };
            assert_eq!(by_name(name, token), (code, String::new(), error), "{name}");
        }
    };
    check("x");
    let server = directory.start(&[]);
    let mut client = server.http1(cluster).await;
    assert!(client.send(&Request::delete(12345).bearer(reader)).await.is_insufficient_scope());
    check("reader");
    let answer = client.send(&Request::delete(12345).bearer(reader)).await;
    assert!(answer.status == 401 && !answer.is_insufficient_scope());
    let shown = succeed(&["show", "--format=csv", &argument]);
    assert!(shown.contains("_admin") && !shown.contains("reader") && !shown.contains("döner"), "{shown}");
    drop(client);
    let (status, log) = server.end(Signal::TERM);
    assert!(status.success() && log.contains("deleted a token id=3 by=0"), "{log}");
}

#[test]
fn a_name_is_not_sent_to_another_server() {
    let directory = DataDir::new();
    let operator = create(&directory.argument(), &["--admin"]);
    create(&directory.argument(), &["--admin", "--name=other"]);
    let arguments = ["delete", "--token-name=other", "--token", secret(&operator), &directory.argument()];
    let with_option = command(&[&arguments[..], &["--host=http://127.0.0.1:1"]].concat());
    let mut with_variable = command(&arguments);
    with_variable.env("INFLUXDB3_HOST_URL", "http://127.0.0.1:1");
    for command in [with_option, with_variable] {
        let (code, _, error) = finish(command);
        assert!(code == 2 && error.contains("neither --host nor the variable INFLUXDB3_HOST_URL"), "{code} {error}");
    }
    assert!(succeed(&["show", "--format=csv", &directory.argument()]).contains("other"));
}

#[test]
fn a_name_needs_a_database() {
    let directory = DataDir::new();
    let error = fail(1, &["delete", "--token-name=a", "--token=b", &directory.argument()]);
    assert!(error.contains("has no token database"), "{error}");
    assert!(!directory.path().exists());
}

#[test]
fn a_missing_response_is_distinguished_from_a_rejection() {
    let directory = DataDir::new();
    let operator = create(&directory.argument(), &["--admin"]);
    let server = directory.start(&[]);
    let url = server.url();
    assert!(server.end(Signal::TERM).0.success());
    let (code, out, error) = delete(&url, "1", secret(&operator));
    assert_eq!((code, &*out), (5, ""), "{error}");
    assert!(error.starts_with("error: ") && error.contains("refused"), "{error}");
}

#[test]
fn an_unavailable_server_counts_as_no_response() {
    let directory = DataDir::new();
    let argument = directory.argument();
    let operator = create(&argument, &["--admin"]);
    for number in 1..=40 {
        create(&argument, &["--admin", &format!("--name={number}")]);
    }
    let database = std::fs::metadata(directory.path().join("tokens.db")).unwrap().len();
    let server = Running::start(directory.serve_with_file_size(database));
    // Half of them by name.
    let by_name =
        |name: String| finish(command(&["delete", "--token-name", &name, "--token", secret(&operator), &argument]));
    let mut codes: Vec<_> = (1..=40)
        .map(|id| match id % 2 {
            0 => delete(&server.url(), &id.to_string(), secret(&operator)).0,
            _ => by_name(id.to_string()).0,
        })
        .collect();
    codes.sort();
    codes.dedup();
    assert_eq!(codes, [0, 5]);
}

#[test]
fn an_unrelated_server_is_another_failure() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        use std::io::{Read, Write};
        let (mut stream, _) = listener.accept().unwrap();
        let mut request = [0; 4096];
        assert!(stream.read(&mut request).unwrap() > 0);
        stream.write_all(b"HTTP/1.1 418 I'm a teapot\r\ncontent-length: 12\r\n\r\nhunter2\x1b[2J\n").unwrap();
    });
    let (code, _, error) = delete(&url, "1", "hunter2");
    assert_eq!(code, 1);
    assert!(error.contains("418") && error.contains(r#""[redacted]\u{1b}[2J\n""#), "{error}");
    assert!(!error.contains("hunter2"));
}

#[test]
fn an_invalid_request_exits_with_1_and_wrong_usage_with_2() {
    for (url, token) in
        [("ftp://localhost", "any"), ("http://", "any"), ("no url", "any"), ("http://localhost:1", "a\nb")]
    {
        let (code, out, error) = delete(url, "1", token);
        assert_eq!((code, &*out), (1, ""), "{error}");
        assert!(!error.contains("a\nb"));
    }
    assert_eq!(finish(command(&["delete", "--id=1"])).0, 2);
    assert_eq!(finish(command(&["delete", "--token=any"])).0, 2);
    assert_eq!(finish(command(&["delete", "--id=1", "--token-name=a", "--token=any"])).0, 2);
    assert_eq!(finish(command(&["delete"])).0, 2);
    assert_eq!(finish(command(&[])).0, 2);
}

#[test]
fn the_options_can_be_given_as_variables() {
    let directory = DataDir::new();
    let operator = create(&directory.argument(), &["--admin"]);
    create(&directory.argument(), &["--admin", "--name=other"]);
    let server = directory.start(&[]);
    let mut delete = command(&["delete"]);
    delete.env("INFLUXDB3_AUTH_TOKEN", secret(&operator));
    delete.env("INFLUXDB3_HOST_URL", server.url());
    delete.env("INFLUXDB3_TOKENS_ID", "1");
    assert_eq!(finish(delete), (0, String::new(), String::new()));

    create(&directory.argument(), &["--admin", "--name=other"]);
    let mut delete = command(&["delete", &directory.argument()]);
    delete.env("INFLUXDB3_AUTH_TOKEN", secret(&operator));
    delete.env("INFLUXDB3_TOKENS_TOKEN_NAME", "other");
    assert_eq!(finish(delete), (0, String::new(), String::new()));
}

fn delete(url: &str, id: &str, token: &str) -> (i32, String, String) {
    finish(command(&["delete", "--host", url, "--id", id, "--token", token]))
}
