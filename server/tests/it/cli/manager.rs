//! `serve` under a service manager.

use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::Duration;

use rustix::process::Signal;

use crate::process::{DataDir, Running};

/// Starts a server that is told of this socket, and returns what arrives there.
fn told(directory: &DataDir, name: &str, socket: &UnixDatagram) -> String {
    let mut serve = directory.serve(&[]);
    serve.env("NOTIFY_SOCKET", name);
    let server = Running::start(serve);
    socket.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    let mut received = [0; 64];
    let length = socket.recv(&mut received).expect("the server says that it listens");
    assert!(server.end(Signal::TERM).0.success());
    String::from_utf8(received[..length].to_vec()).unwrap()
}

#[test]
fn the_service_manager_is_told_that_the_server_listens() {
    let directory = DataDir::new();
    let path = directory.beside("notify");
    let socket = UnixDatagram::bind(&path).unwrap();
    assert_eq!(told(&directory, path.to_str().unwrap(), &socket), "READY=1\n");
}

#[test]
fn an_abstract_socket_of_the_service_manager_is_reached_in_spite_of_the_sandbox() {
    let directory = DataDir::new();
    let name = format!("influxdb3-tokens-{}", std::process::id());
    let socket = UnixDatagram::bind_addr(&SocketAddr::from_abstract_name(&name).unwrap()).unwrap();
    assert_eq!(told(&directory, &format!("@{name}"), &socket), "READY=1\n");
}

#[test]
fn a_service_manager_that_is_gone_does_not_stop_the_server() {
    let directory = DataDir::new();
    let mut serve = directory.serve(&[]);
    serve.env("NOTIFY_SOCKET", directory.beside("missing"));
    let server = Running::start(serve);
    let (status, _) = server.end(Signal::TERM);
    assert!(status.success());
}
