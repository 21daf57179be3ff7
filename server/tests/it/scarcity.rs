//! A server copes with a shortage of file descriptors or addresses.

use std::net::Ipv4Addr;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use influxdb3_tokens_server::listen;
use rustix::process::Signal;
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;

use crate::client::Request;
use crate::limits::within;
use crate::process::{DataDir, Running, command, finish};

#[tokio::test]
async fn a_server_that_ran_out_of_file_descriptors_recovers() {
    let directory = DataDir::new();
    let operator = directory.operator().await;
    let cluster = directory.cluster();
    let log = directory.beside("log");
    let server = Running::start(with_file_descriptors(40, &log, &directory.serve(&["--log-filter=error"])));

    let mut connections = Vec::new();
    for _ in 0..60 {
        connections.push(TcpStream::connect(server.address).await.unwrap());
    }
    until_logged(&log, "cannot accept connections").await;
    let control = UnixStream::connect(directory.path().join("control.sock")).unwrap();
    until_logged(&log, "the control socket cannot accept").await;

    // The server tries to accept ten times a second, and says only once that it cannot.
    tokio::time::sleep(Duration::from_millis(500)).await;
    let logged = std::fs::read_to_string(&log).unwrap();
    for message in ["cannot accept connections", "the control socket cannot accept"] {
        assert_eq!(logged.matches(message).count(), 1, "{logged}");
    }

    drop((connections, control));
    let mut client = server.http1(cluster).await;
    assert_eq!(client.send(&Request::delete(12345).bearer(&operator)).await.status, 404);
    let (code, _, error) = finish(command(&["show", &directory.argument()]));
    assert_eq!(code, 0, "{error}");
    drop(client);
    assert!(server.end(Signal::TERM).0.success());
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

/// The same command with this many file descriptors, and with its log in a file.
fn with_file_descriptors(count: u32, log: &Path, usual: &Command) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", "ulimit -n \"$0\"; log=$1; shift; exec \"$@\" 2>\"$log\"", &count.to_string()]);
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
