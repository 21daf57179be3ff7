//! Signals that do not stop the server, and the warning of the address that it listens on.

use http_body_util::Empty;
use hyper::Request;
use rustix::process::Signal;

#[cfg(all(target_os = "linux", feature = "etcd"))]
use crate::blocking::block;
#[cfg(all(target_os = "linux", feature = "etcd"))]
use crate::limits::within;
use crate::ops::send;
use crate::process::{DataDir, Running, command};

#[tokio::test]
async fn a_hangup_does_not_end_a_server_without_tls() {
    let directory = DataDir::new();
    let server = directory.start(&[]);
    let signal = server.signaller();
    signal(Signal::HUP);
    server.until_logged("the server runs without TLS, and has no certificate to read again").await;
    signal(Signal::HUP);
    let request = Request::get("/").body(Empty::new()).unwrap();
    assert_eq!(send(server.address, request).await.status(), 404);
    assert!(server.end(Signal::TERM).0.success());
}

/// It reads a certificate from a pipe, so the test knows where it is: before its runtime, which obeys the signal, exists.
#[cfg(all(target_os = "linux", feature = "etcd"))]
#[tokio::test]
async fn a_hangup_does_not_end_a_server_that_is_starting() {
    use std::io::Write;

    let directory = DataDir::new();
    let pipe = directory.beside("ca.pem");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let ca = format!("--etcd-ca={}", pipe.display());
    let mut serve = directory.serve(&["--store=etcds://127.0.0.1:1", &ca]);
    let process = serve.stderr(std::process::Stdio::piped()).spawn().unwrap();
    let id = rustix::process::Pid::from_child(&process);
    // Opening it waits until the server reads it.
    let opening = tokio::task::spawn_blocking(move || std::fs::OpenOptions::new().write(true).open(pipe));
    let mut pipe = within("the server to read the pipe", opening).await.unwrap().unwrap();
    rustix::process::kill_process(id, Signal::HUP).unwrap();
    pipe.write_all(b"no certificate").unwrap();
    drop(pipe);
    let ended = block("the server to end", move || process.wait_with_output().unwrap(), || ());
    let printed = String::from_utf8(ended.stderr).unwrap();
    assert_eq!(ended.status.code(), Some(1), "{}: {printed}", ended.status);
    assert!(printed.contains("it contains no certificates in PEM"), "{printed}");
}

#[test]
fn plain_http_that_others_can_reach_is_warned_about() {
    for (arguments, warns) in [
        (&["--http-bind=127.0.0.1:0"][..], false),
        (&["--http-bind=0.0.0.0:0"], true),
        (&["--http-bind=0.0.0.0:0", "--tls-self-signed"], false),
    ] {
        let directory = DataDir::new();
        let server = Running::start(command(&[&["serve", &directory.argument()], arguments].concat()));
        let (status, printed) = server.end(Signal::TERM);
        assert!(status.success(), "{printed}");
        assert_eq!(printed.contains("without TLS, anyone on the way"), warns, "{printed}");
    }
}
