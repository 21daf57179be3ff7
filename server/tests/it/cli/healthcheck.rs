//! `healthcheck`.

use rustix::process::Signal;

use crate::process::{DataDir, command, finish};

#[test]
fn a_running_server_is_healthy_and_a_stopped_one_is_not() {
    let directory = DataDir::new();
    let check = || finish(command(&["healthcheck", &directory.argument()]));
    let socket = directory.path().join("control.sock");
    let (shown, socket) = (directory.path().display().to_string(), socket.display().to_string());
    let unreachable =
        |reason: &str| (1, String::new(), format!("error: no server can be reached on {shown}: {socket}: {reason}\n"));
    assert_eq!(check(), unreachable("No such file or directory (os error 2)"));

    let server = directory.start(&[]);
    assert_eq!(check(), (0, String::new(), String::new()));
    server.end(Signal::KILL);
    // The socket of a killed server stays.
    assert_eq!(check(), unreachable("Connection refused (os error 111)"));
}

#[test]
fn a_server_that_does_not_answer_is_not_healthy() {
    let directory = DataDir::new();
    std::fs::create_dir(directory.path()).unwrap();
    // Nothing accepts its connections.
    let _listener = std::os::unix::net::UnixListener::bind(directory.path().join("control.sock")).unwrap();
    let answered = finish(command(&["healthcheck", &directory.argument()]));
    assert_eq!(
        answered,
        (
            1,
            String::new(),
            "error: the server did not answer within 5s; if its tokens are in etcd, etcd may not answer\n".to_owned()
        )
    );
}
