//! A server copes with a shortage of file descriptors or addresses.

use std::net::Ipv4Addr;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use influxdb3_tokens::TokenId;
use influxdb3_tokens_server::listen;
use rustix::process::Signal;
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;

use crate::client::Request;
use crate::document::{DELETED, Token};
use crate::limits::within;
use crate::ops::{OPS_BIND, get, text};
use crate::process::{DataDir, Running, command, finish};

#[tokio::test]
async fn connections_leave_descriptors_for_the_rest_of_the_server() {
    let directory = DataDir::new();
    let operator = directory.operator().await;
    let cluster = directory.cluster();
    let log = directory.beside("log");
    let usual = directory.serve(&["--log-filter=warn"]);
    let server = Running::start(with_file_descriptors("-n", 40, &log, &usual));

    let mut connections = Vec::new();
    for _ in 0..100 {
        connections.push(TcpStream::connect(server.address).await.unwrap());
    }
    until_logged(&log, "closed connections at limits").await;
    // While they stay, a deletion is committed, and the control socket answers.
    let mut client = server.http1(cluster).await;
    let (code, _, error) =
        finish(command(&["create", "--name", "new", "--permission", "db:a:read", &directory.argument()]));
    assert_eq!(code, 0, "{error}");
    assert_eq!(client.send(&Request::delete(12345).bearer(&operator)).await.status, 404);
    assert_eq!(
        client.send(&Request::delete(Token::new(TokenId::from_u64(1), "new")).bearer(&operator)).await.status,
        DELETED
    );
    drop((client, connections));
    assert!(server.end(Signal::TERM).0.success());
    assert!(!std::fs::read_to_string(&log).unwrap().contains("cannot accept"));
}

#[tokio::test]
async fn the_server_takes_as_many_descriptors_as_it_may() {
    let directory = DataDir::new();
    let operator = directory.operator().await;
    let cluster = directory.cluster();
    let log = directory.beside("log");
    let server = Running::start(with_file_descriptors("-Sn", 64, &log, &directory.serve(&[])));
    let mut clients = Vec::new();
    for _ in 0..100 {
        clients.push(server.http1(cluster).await);
    }
    for client in &mut clients {
        assert_eq!(client.send(&Request::delete(12345).bearer(&operator)).await.status, 404);
    }
}

#[tokio::test]
async fn both_listeners_together_leave_descriptors_for_the_rest_of_the_server() {
    let directory = DataDir::new();
    let operator = directory.operator().await;
    let cluster = directory.cluster();
    let log = directory.beside("log");
    let usual = directory.serve(&[OPS_BIND, "--log-filter=warn"]);
    let server = Running::start(with_file_descriptors("-n", 260, &log, &usual));

    let mut connections = Vec::new();
    for address in [server.operations(), server.address] {
        for _ in 0..150 {
            connections.push(TcpStream::connect(address).await.unwrap());
        }
    }
    let mut client = server.http1(cluster).await;
    assert_eq!(client.send(&Request::delete(12345).bearer(&operator)).await.status, 404);
    assert_eq!(text(get(server.operations(), "/health").await), "OK");
    let (code, _, error) =
        finish(command(&["create", "--name", "new", "--permission", "db:a:read", &directory.argument()]));
    assert_eq!(code, 0, "{error}");
    drop((client, connections));
    assert!(server.end(Signal::TERM).0.success());
    assert!(!std::fs::read_to_string(&log).unwrap().contains("cannot accept"));
}

/// If the server closed a connection, the address of the connection stays in use for a while.
#[tokio::test]
async fn a_server_can_be_started_again_at_once_on_the_same_address() {
    let listener = listen((Ipv4Addr::LOCALHOST, 0).into()).unwrap();
    let address = listener.local_addr().unwrap();
    let mut client = TcpStream::connect(address).await.unwrap();
    drop(within("the connection", listener.accept()).await.unwrap());
    assert_eq!(within("the end of the connection", client.read(&mut [0])).await.unwrap(), 0);
    drop((client, listener));
    listen(address).unwrap();
}

/// The same command with this limit of file descriptors, set by this option of `ulimit`, and with its log in a file.
fn with_file_descriptors(option: &str, count: u32, log: &Path, usual: &Command) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", "ulimit $0 \"$1\"; log=$2; shift 2; exec \"$@\" 2>\"$log\"", option, &count.to_string()]);
    command.arg(log).arg(usual.get_program()).args(usual.get_args());
    for (name, value) in usual.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    command
}

async fn until_logged(log: &Path, message: &str) {
    let logged = async {
        while !std::fs::read_to_string(log).unwrap().contains(message) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    within(format_args!("the log to say {message:?}"), logged).await;
}
