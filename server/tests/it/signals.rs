//! Signals that do not stop the server, and the warning of the address that it listens on.

use http_body_util::Empty;
use hyper::Request;
use rustix::process::Signal;

use crate::ops::send;
use crate::process::{DataDir, Running, command};

#[tokio::test]
async fn a_hangup_does_not_end_a_server_without_tls() {
    let directory = DataDir::new();
    let server = directory.start(&[]);
    let signal = server.signaller();
    signal(Signal::HUP);
    server.until_logged("without TLS, there is no certificate of the server to read again").await;
    signal(Signal::HUP);
    let request = Request::get("/").body(Empty::new()).unwrap();
    assert_eq!(send(server.address, request).await.status(), 404);
    assert!(server.end(Signal::TERM).0.success());
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
