//! `delete`

use std::net::TcpListener;

use rustix::process::Signal;

use super::{create, secret};
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
    let mut codes: Vec<_> = (1..=40).map(|id| delete(&server.url(), &id.to_string(), secret(&operator)).0).collect();
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
        stream.write_all(b"HTTP/1.1 418 I'm a teapot\r\ncontent-length: 5\r\n\r\nshort").unwrap();
    });
    let (code, _, error) = delete(&url, "1", "any");
    assert_eq!(code, 1);
    assert!(error.contains("418") && error.contains("short"), "{error}");
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
}

fn delete(url: &str, id: &str, token: &str) -> (i32, String, String) {
    finish(command(&["delete", "--host", url, "--id", id, "--token", token]))
}
