//! `serve`

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;

use influxdb3_tokens::TokenId;
use rustix::process::Signal;

use super::{create, fail, mode, secret, set_mode, succeed};
use crate::client::Request;
use crate::creation;
use crate::document::{DELETED, Token};
use crate::limits::LIMIT;
use crate::process::{DataDir, Running, command, finish};

#[tokio::test]
async fn a_signal_stops_the_server_with_success_and_removes_the_control_socket() {
    for signal in [Signal::TERM, Signal::INT] {
        let directory = DataDir::new();
        let server = directory.start(&[]);
        let socket = directory.path().join("control.sock");
        assert_eq!((mode(&socket), mode(&directory.path())), (0o600, 0o700));
        let (status, printed) = server.end(signal);
        assert_eq!(status.code(), Some(0), "{printed}");
        assert!(printed.contains("stopped"), "{printed}");
        assert!(!socket.exists());
    }
}

#[tokio::test]
async fn token_files_are_applied_once() {
    let directory = DataDir::new();
    let (admin, permission) = (directory.beside("admin.json"), directory.beside("permission.json"));
    let (admin, permission) = (admin.to_str().unwrap(), permission.to_str().unwrap());
    succeed(&["create", "--admin", "--offline", "--output-file", admin]);
    for name in ["--name=a", "--name=b"] {
        succeed(&["create", "--permission=db:a:read", name, "--offline", "--output-file", permission]);
    }
    let files = ["--admin-token-file", admin, "--permission-tokens-file", permission];
    let file: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(admin).unwrap()).unwrap();
    let operator = file["token"].as_str().unwrap();

    let server = directory.start(&files);
    // The last column changes, because the operator token is used below.
    let shown = || {
        let printed = succeed(&["show", "--format=csv", &directory.argument()]);
        printed.lines().map(|line| line.rsplit_once(',').unwrap().0.to_owned()).collect::<Vec<_>>()
    };
    let first = shown();
    assert_eq!(first.len(), 1 + 3);
    server.end(Signal::TERM);

    let cluster = directory.cluster();
    let server = directory.start(&files);
    assert_eq!(shown(), first);
    let mut client = server.http1(cluster).await;
    assert_eq!(client.send(&Request::delete(12345).bearer(operator)).await.status, 404);
    drop(client);
    server.end(Signal::TERM);
    let _server = directory.start(&[]);
    assert_eq!(shown(), first);
}

#[tokio::test]
async fn a_deleted_token_of_a_file_stays_deleted_at_the_next_start() {
    let directory = DataDir::new();
    let operator = directory.operator().await;
    let file = directory.beside("permission.json");
    let file = file.to_str().unwrap();
    succeed(&["create", "--permission=db:a:read", "--name=ci", "--offline", "--output-file", file]);
    let cluster = directory.cluster();

    let server = directory.start(&["--permission-tokens-file", file]);
    let mut client = server.http1(cluster).await;
    assert_eq!(
        client.send(&Request::delete(Token::new(TokenId::from_u64(1), "ci")).bearer(&operator)).await.status,
        DELETED
    );
    drop(client);
    server.end(Signal::TERM);

    let server = directory.start(&["--permission-tokens-file", file]);
    assert!(!succeed(&["show", "--format=csv", &directory.argument()]).contains("ci"));
    let (_, printed) = server.end(Signal::TERM);
    assert!(printed.contains("was deleted, and stays so"), "{printed}");
}

#[test]
fn a_second_server_cannot_use_the_same_directory() {
    let directory = DataDir::new();
    let server = directory.start(&[]);
    let (code, out, error) = finish(directory.serve(&[]));
    assert_eq!((code, &*out), (1, ""));
    assert!(error.contains("tokens.db is in use: another server or command has it open"), "{error}");
    // The first server is not affected.
    create(&directory.argument(), &["--admin"]);
    assert!(server.end(Signal::TERM).0.success());
}

#[test]
fn an_address_in_use_is_an_error_and_leaves_nothing_behind() {
    let (first, second) = (DataDir::new(), DataDir::new());
    let server = first.start(&[]);
    let address = format!("--http-bind={}", server.address);
    let error = fail(1, &["serve", &second.argument(), &address, "--log-filter=off"]);
    assert!(error.contains(&server.address.to_string()), "{error}");
    assert!(!second.path().join("control.sock").exists());
    create(&second.argument(), &["--admin"]);
    assert!(second.start(&[]).end(Signal::TERM).0.success());
}

#[test]
fn the_socket_of_a_killed_server_is_replaced() {
    let directory = DataDir::new();
    let socket = directory.path().join("control.sock");
    assert_eq!(directory.start(&[]).end(Signal::KILL).0.code(), None);
    assert!(socket.exists());
    // No server answers at the socket, so the command opens the database itself.
    assert_eq!(create(&directory.argument(), &["--admin"]).id, Some(0));
    let server = directory.start(&[]);
    UnixStream::connect(&socket).unwrap();
    assert_eq!(create(&directory.argument(), &["--admin", "--name=other"]).id, Some(1));
    assert!(server.end(Signal::TERM).0.success());
}

#[test]
fn an_invalid_request_on_the_control_socket_closes_its_connection_but_not_the_server() {
    let directory = DataDir::new();
    let server = directory.start(&[]);
    for request in
        [&b"\n"[..], b"request\n", b"{}\n", b"{\"create\":{}}\n", b"\xff\0\n", b"{\"show\":{\"after\":-1}}\n"]
    {
        let mut stream = UnixStream::connect(directory.path().join("control.sock")).unwrap();
        stream.write_all(request).unwrap();
        stream.set_read_timeout(Some(LIMIT)).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert_eq!(answer, "");
    }
    create(&directory.argument(), &["--admin"]);
    assert!(server.end(Signal::TERM).0.success());
}

#[test]
fn a_directory_that_is_open_to_other_users_is_an_error() {
    let directory = DataDir::new();
    std::fs::create_dir(directory.path()).unwrap();
    set_mode(&directory.path(), 0o755);
    let (code, _, error) = finish(directory.serve(&[]));
    assert_eq!(code, 1);
    assert!(error.contains("is open to other users (mode 755)"), "{error}");
}

#[test]
fn a_directory_whose_path_is_too_long_for_a_socket_is_refused_before_it_is_created() {
    let directory = DataDir::new();
    let long = directory.beside(&"long".repeat(30));
    let argument = format!("--data-dir={}", long.display());
    for arguments in [&["serve"][..], &["create", "--admin"], &["show"]] {
        let error = fail(2, &[arguments, &[&*argument]].concat());
        assert!(error.contains("no Unix socket can have a path in this directory"), "{error}");
        assert!(!long.exists());
    }
}

#[test]
fn a_command_does_not_follow_a_symbolic_link_to_the_control_socket_of_another_directory() {
    let (directory, other) = (DataDir::new(), DataDir::new());
    let server = other.start(&[]);
    assert!(directory.start(&[]).end(Signal::TERM).0.success());
    std::os::unix::fs::symlink(other.path().join("control.sock"), directory.path().join("control.sock")).unwrap();
    let error = fail(1, &["create", "--admin", &directory.argument()]);
    assert!(error.contains("control.sock: this is not a socket"), "{error}");
    assert!(server.end(Signal::TERM).0.success());
}

#[tokio::test]
async fn a_deletion_is_refused_while_the_database_is_removed_and_nobody_else_can_use_the_directory() {
    let directory = DataDir::new();
    let operator = directory.operator().await;
    let (token, _) = creation::create(&directory.catalog().await, "a", "db:a:read", None).await;
    let cluster = directory.cluster();
    let server = directory.start(&[]);
    let mut client = server.http1(cluster).await;
    let (database, away) = (directory.path().join("tokens.db"), directory.path().join("away"));
    std::fs::rename(&database, &away).unwrap();

    let delete = Request::delete(token).bearer(&operator);
    for _ in 0..2 {
        assert_eq!(client.send(&delete).await.status, 503);
    }
    let (code, _, error) = finish(directory.serve(&[]));
    assert_eq!(code, 1);
    assert!(error.contains("tokens.db is in use"), "{error}");
    assert!(!database.exists());

    std::fs::rename(&away, &database).unwrap();
    assert_eq!(client.send(&delete).await.status, DELETED);
    drop(client);
    let (status, printed) = server.end(Signal::TERM);
    assert!(status.success());
    assert!(printed.contains("was removed or replaced while it is open"), "{printed}");
}

#[tokio::test]
async fn the_options_can_be_given_as_variables() {
    let directory = DataDir::new();
    let file = directory.beside("admin.json");
    succeed(&["create", "--admin", "--offline", "--output-file", file.to_str().unwrap()]);
    let mut serve = command(&["serve"]);
    serve.env("INFLUXDB3_DB_DIR", directory.path());
    serve.env("INFLUXDB3_HTTP_BIND_ADDR", "127.0.0.1:0");
    serve.env("INFLUXDB3_ADMIN_TOKEN_FILE", &file);
    serve.env("INFLUXDB3_LOG_FILTER", "debug");
    serve.env("INFLUXDB3_LOG_FORMAT", "json");
    let server = Running::start(serve);

    let mut show = command(&["show"]);
    show.env("INFLUXDB3_DB_DIR", directory.path()).env("INFLUXDB3_TOKENS_SHOW_FORMAT", "jsonl");
    let (code, out, _) = finish(show);
    assert_eq!((code, out.lines().count()), (0, 1));
    let mut create = command(&["create"]);
    create.env("INFLUXDB3_DB_DIR", directory.path()).env("INFLUXDB3_TOKENS_CREATE_FORMAT", "json");
    create.env("INFLUXDB3_TOKENS_PERMISSION", "db:a:read system:*:read").env("INFLUXDB3_TOKENS_NAME", "a");
    let (code, out, error) = finish(create);
    assert_eq!((code, &*error), (0, ""));
    let token: influxdb3_token_api::models::AdminTokenObject = serde_json::from_str(&out).unwrap();
    assert!(secret(&token).starts_with("apiv3_"));

    let (status, printed) = server.end(Signal::TERM);
    assert!(status.success());
    for line in printed.lines() {
        let entry: serde_json::Value = serde_json::from_str(line).unwrap();
        assert!(entry["level"].is_string(), "{line}");
    }
}
