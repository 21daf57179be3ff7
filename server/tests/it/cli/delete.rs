//! `delete`

use std::io::{Read, Write};
use std::net::TcpListener;

use influxdb3_tokens::TokenId;
use rustix::process::Signal;

use super::{create, secret, selected, succeed};
use crate::client::Request;
use crate::document::{PARAMETER, Token};
use crate::process::{self, DataDir, Running, command, delete_here, finish};

#[test]
fn the_exit_code_depends_on_the_response() {
    let directory = DataDir::new();
    let argument = directory.argument();
    let operator = create(&argument, &["--admin"]);
    let reader = create(&argument, &["--permission=db:a:read", "--name=reader"]);
    let server = directory.start(&[]);

    let token = selected(&reader);
    let (operator, reader) = (secret(&operator), secret(&reader));
    let rejected = "a valid credential is required";
    let not_found = "no token has this ID or name";
    for (text, token, code, reason) in [
        (token.to_string(), reader, 3, "only an admin token may delete tokens"),
        (Token::OPERATOR.to_string(), operator, 3, "the operator token cannot be deleted"),
        (token.to_string(), "wrong", 3, rejected),
        ("7".to_owned(), operator, 4, not_found),
        ("01".to_owned(), operator, 4, not_found),
        (format!("{token}&{PARAMETER}=2 🦀"), operator, 4, not_found),
        (token.to_string(), operator, 0, ""),
        (token.to_string(), operator, 4, not_found),
        (token.to_string(), reader, 3, rejected),
    ] {
        expect((code, reason), delete(&server.url(), &text, token));
    }
}

#[tokio::test]
async fn a_token_is_deleted_on_the_machine_whether_a_server_runs_or_not() {
    let directory = DataDir::new();
    let argument = directory.argument();
    let operator = create(&argument, &["--admin"]);
    let reader = create(&argument, &["--permission=db:a:read", "--name=reader"]);
    let kept = selected(&reader);
    let (operator, reader) = (secret(&operator), secret(&reader));
    let rejected = "a valid credential is required";
    let not_found = "no token has this ID or name";
    let cluster = directory.cluster();
    let check = |delete_reader: bool| {
        let token = selected(&create(&argument, &["--admin", "--name=döner / 🦀"]));
        let mut cases = vec![
            (token, reader, 3, "only an admin token may delete tokens"),
            (Token::OPERATOR, operator, 3, "the operator token cannot be deleted"),
            (token, "wrong", 3, rejected),
            (Token::new(TokenId::from_u64(12345), "döner"), operator, 4, not_found),
            (token, operator, 0, ""),
            (token, operator, 4, not_found),
        ];
        if delete_reader {
            cases.push((kept, operator, 0, ""));
        }
        for (token, secret, code, reason) in cases {
            let mut delete = delete_here(&argument, token);
            delete.args(["--token", secret]);
            expect((code, reason), finish(delete));
        }
    };
    check(false);
    let server = directory.start(&[]);
    let mut client = server.http1(cluster).await;
    assert!(client.send(&Request::delete(12345).bearer(reader)).await.is_insufficient_scope());
    check(true);
    let answer = client.send(&Request::delete(12345).bearer(reader)).await;
    assert!(answer.status == 401 && !answer.is_insufficient_scope());
    let shown = succeed(&["show", "--format=csv", &argument]);
    assert!(shown.contains("_admin") && !shown.contains("reader") && !shown.contains("döner"), "{shown}");
    drop(client);
    let (status, log) = server.end(Signal::TERM);
    assert!(status.success() && log.contains("deleted a token id=3 by=0"), "{log}");
}

#[test]
fn a_deletion_on_the_machine_takes_the_address_of_its_server_and_no_other() {
    let directory = DataDir::new();
    let operator = create(&directory.argument(), &["--admin"]);
    let other = selected(&create(&directory.argument(), &["--admin", "--name=other"]));
    let delete_at = |url: &str| {
        [true, false].map(|as_option| {
            let mut delete = delete_here(&directory.argument(), other);
            delete.args(["--token", secret(&operator)]);
            if as_option {
                delete.arg(format!("--host={url}"));
            } else {
                delete.env("INFLUXDB3_HOST_URL", url);
            }
            finish(delete)
        })
    };
    for (code, _, error) in delete_at("http://127.0.0.1:1") {
        assert!(code == 5 && error.contains("does not run") && error.contains("leave out --host"), "{code} {error}");
    }
    let server = directory.start(&[]);
    for (code, _, error) in delete_at("http://127.0.0.1:1") {
        let address = server.address.to_string();
        assert!(code == 2 && error.contains(&address) && error.contains("leave out --host"), "{code} {error}");
    }
    assert!(succeed(&["show", "--format=csv", &directory.argument()]).contains("other"));
    let [with_option, with_variable] = delete_at(&server.url());
    assert_eq!((with_option.0, with_variable.0), (0, 4), "{with_option:?} {with_variable:?}");
}

#[test]
fn a_deletion_on_the_machine_needs_a_database() {
    let directory = DataDir::new();
    let mut delete = delete_here(&directory.argument(), Token::OPERATOR);
    delete.arg("--token=b");
    let (code, out, error) = finish(delete);
    assert_eq!((code, &*out), (1, ""));
    assert!(error.starts_with("error: ") && error.contains("has no token database"), "{error}");
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
    let tokens: Vec<_> =
        (1..=40).map(|number| selected(&create(&argument, &["--admin", &format!("--name={number}")]))).collect();
    let database = std::fs::metadata(directory.path().join("tokens.db")).unwrap().len();
    let server = Running::start(directory.serve_with_file_size(database));
    // Half of them through the API.
    let mut codes: Vec<_> = tokens
        .iter()
        .enumerate()
        .map(|(index, token)| {
            if index % 2 == 0 {
                return delete(&server.url(), &token.to_string(), secret(&operator)).0;
            }
            let mut delete = delete_here(&argument, *token);
            delete.args(["--token", secret(&operator)]);
            finish(delete).0
        })
        .collect();
    codes.sort();
    codes.dedup();
    assert_eq!(codes, [0, 5]);
}

#[test]
fn an_unrelated_server_is_another_failure() {
    let url = server_that_sends("HTTP/1.1 418 I'm a teapot\r\ncontent-length: 12\r\n\r\nhunter2\x1b[2J\n".to_owned());
    let (code, _, error) = delete(&url, "1", "hunter2");
    assert_eq!(code, 1);
    assert!(error.contains("418") && error.contains(r#""[redacted]\u{1b}[2J\n""#), "{error}");
    assert!(!error.contains("hunter2"));
}

#[test]
fn a_servers_message_is_printed_without_an_effect_on_the_terminal_or_the_credential() {
    let message = format!("\u{1b}]0;title\u{7}\u{9b}31m\u{202e}hunter2\n{}", "x".repeat(100_000));
    let body = serde_json::json!({ "error": message }).to_string();
    let head = format!("HTTP/1.1 401 Unauthorized\r\ncontent-type: application/json\r\ncontent-length: {}", body.len());
    let url = server_that_sends(format!("{head}\r\nwww-authenticate: Bearer\r\n\r\n{body}"));
    let (code, _, error) = delete(&url, "1", "hunter2");
    assert_eq!(code, 3, "{error}");
    let expected = r"error: \u{1b}]0;title\u{7}\u{9b}31m\u{202e}[redacted]\nxxx";
    assert!(error.starts_with(expected) && error.len() < 400, "{error}");
    assert_eq!(error.chars().filter(|c| c.is_control()).collect::<String>(), "\n");
}

#[test]
fn an_impossible_length_is_named() {
    for length in [u64::MAX, u64::MAX - 1] {
        let url = server_that_sends(format!("HTTP/1.1 404 Not Found\r\ncontent-length: {length}\r\n\r\n"));
        let (code, _, error) = delete(&url, "1", "any");
        assert_eq!(code, 5, "{error}");
        assert!(error.contains("its Content-Length is impossible"), "{error}");
    }
}

/// Starts a server that sends this response to the first request, and returns its address.
fn server_that_sends(response: String) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut request = [0; 4096];
        assert!(stream.read(&mut request).unwrap() > 0);
        // The client may have read enough.
        let _ = stream.write_all(response.as_bytes());
    });
    url
}

#[test]
fn wrong_usage_exits_with_2() {
    for (url, token) in [
        ("ftp://localhost", "any"),
        ("http://", "any"),
        ("no url", "any"),
        ("nonsense", "any"),
        ("localhost:8181", "any"),
        ("http://localhost:65536", "any"),
        ("http://localhost:1", "a\nb"),
    ] {
        let (code, out, error) = delete(url, "1", token);
        assert_eq!((code, &*out), (2, ""), "{error}");
        assert!(error.starts_with("error: --") && !error.contains("a\nb"), "{error}");
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
    expect((0, ""), finish(delete));

    create(&directory.argument(), &["--admin", "--name=other"]);
    let mut delete = command(&["delete", &directory.argument()]);
    delete.env("INFLUXDB3_AUTH_TOKEN", secret(&operator));
    delete.env("INFLUXDB3_TOKENS_TOKEN_NAME", "other");
    expect((0, ""), finish(delete));
}

/// Checks the exit code of a command, and that it says what it did, or this reason why not.
fn expect((code, reason): (i32, &str), (actual, out, error): (i32, String, String)) {
    if reason.is_empty() {
        assert!(actual == code && out.starts_with("Deleted token ") && error.is_empty(), "{actual} {out} {error}");
    } else {
        assert_eq!((actual, out, error), (code, String::new(), format!("error: {reason}\n")));
    }
}

fn delete(url: &str, text: &str, secret: &str) -> (i32, String, String) {
    let mut delete = process::delete(url, text);
    delete.args(["--token", secret]);
    finish(delete)
}
