//! The log never changes what a request does, however standard error fails.

use std::fs::File;
use std::io::{PipeReader, Read, Write, pipe};
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Resource, Rlimit, Signal, kill_process, prlimit};
use uuid::Uuid;

use crate::blocking::{block, kill};
use crate::client::{Http1, Request};
use crate::creation::create;
use crate::document::{DELETED, PATH, Token};
use crate::limits::{LIMIT, within};
use crate::process::{DataDir, Running};

/// A data directory with an operator token and others.
struct World {
    directory: DataDir,
    operator: String,
    tokens: Vec<Token>,
    cluster: Uuid,
}

impl World {
    async fn new() -> Self {
        let directory = DataDir::new();
        let operator = directory.operator().await;
        let mut tokens = Vec::new();
        for name in ["a", "b", "c"] {
            tokens.push(create(&directory.catalog().await, name, "db:a:read", None).await.0);
        }
        let cluster = directory.cluster();
        Self { directory, operator, tokens, cluster }
    }

    /// The command that serves and logs everything.
    fn serve(&self) -> Command {
        self.directory.serve(&["--log-filter=debug"])
    }

    async fn delete(&self, client: &mut Http1, token: usize) -> u16 {
        client.send(&Request::delete(self.tokens[token]).bearer(&self.operator)).await.status.as_u16()
    }

    /// Deletes two tokens. Between them, a commit fails.
    async fn expect_right_answers(&self, server: &Running) {
        let mut client = server.http1(self.cluster).await;
        assert_eq!(self.delete(&mut client, 0).await, DELETED);
        assert_eq!(self.delete(&mut client, 0).await, 404);
        limit_file_size(server, Some(0));
        assert_eq!(self.delete(&mut client, 1).await, 503);
        assert_eq!(self.delete(&mut client, 1).await, 503);
        limit_file_size(server, None);
        assert_eq!(self.delete(&mut client, 1).await, DELETED);
        assert_eq!(client.send(&Request::delete(self.tokens[2]).bearer("wrong")).await.status, 401);
    }
}

/// Sets the size that a file of the server may grow to.
fn limit_file_size(server: &Running, bytes: Option<u64>) {
    prlimit(Some(server.id()), Resource::Fsize, Rlimit { current: bytes, maximum: None }).unwrap();
}

#[tokio::test]
async fn a_log_on_a_full_disk_or_a_closed_pipe_changes_no_answer() {
    for format in ["text", "logfmt", "json"] {
        let full = File::options().write(true).open("/dev/full").unwrap();
        let nobody_reads = pipe().unwrap().1;
        for stderr in [Stdio::from(full), Stdio::from(nobody_reads)] {
            let world = World::new().await;
            let mut serve = world.serve();
            serve.args(["--log-format", format]);
            let server = Running::start_into(serve, stderr);
            world.expect_right_answers(&server).await;
            let (status, _) = server.end(Signal::TERM);
            assert_eq!(status.code(), Some(0));
        }
    }
}

#[tokio::test]
async fn a_server_without_standard_error_gives_the_same_answers() {
    let world = World::new().await;
    let serve = world.serve();
    let mut closed = Command::new("sh");
    closed.args(["-c", "exec \"$0\" \"$@\" 2>&-"]).arg(serve.get_program()).args(serve.get_args());
    let server = Running::start(closed);
    world.expect_right_answers(&server).await;
    assert_eq!(server.end(Signal::TERM).0.code(), Some(0));
}

/// No signal ends the server, although the default for one of them (SIGXFSZ) would.
#[tokio::test]
async fn at_the_limit_of_a_files_size_a_deletion_gets_503_and_the_log_says_why_once_it_can() {
    let world = World::new().await;
    let server = Running::start(world.serve());
    world.expect_right_answers(&server).await;
    let (status, log) = server.end(Signal::TERM);
    assert_eq!(status.code(), Some(0), "{log}");
    // The log is such a file too.
    let failures = ["cannot begin a transaction", "cannot write a change", "a commit failed", "unavailable"];
    assert!(failures.iter().any(|failure| log.contains(failure)), "{log}");
    assert!(log.ends_with(" stopped\n"), "{log}");
    assert!(log.lines().all(|line| line.starts_with("20")), "{log}");
}

#[tokio::test]
async fn lines_that_nobody_reads_are_dropped_and_counted_and_the_count_is_logged() {
    let world = World::new().await;
    let (reader, writer) = pipe().unwrap();
    let server = Running::start_into(world.serve(), writer);
    let requests = refuse_many(&world, &server).await;
    world.expect_right_answers(&server).await;

    let log = drain(reader);
    let mut drained = String::new();
    // The server reports what it dropped without being asked to log anything else.
    while !drained.contains("log lines were dropped") {
        drained += &log.recv_timeout(LIMIT).unwrap();
    }
    let mut client = server.http1(world.cluster).await;
    assert_eq!(world.delete(&mut client, 2).await, DELETED);
    let (status, _) = server.end(Signal::TERM);
    assert_eq!(status.code(), Some(0));
    while let Ok(more) = log.recv_timeout(LIMIT) {
        drained += &more;
    }

    let after = drained.rsplit_once("log lines were dropped").unwrap().1;
    assert!(after.contains("deleted a token"), "{after}");
    let last = drained.lines().last().unwrap();
    let dropped: usize = last.rsplit_once("the log is incomplete dropped_in_all=").unwrap().1.parse().unwrap();
    let answered = drained.matches(" answered ").count();
    assert!(answered < requests && answered + dropped >= requests, "{answered} of {requests}, {dropped} dropped");
    assert!(drained.lines().all(|line| line.starts_with("20")), "a line is torn");
}

#[tokio::test]
async fn a_pipe_that_nobody_reads_holds_up_neither_requests_nor_the_end_of_the_server() {
    let world = World::new().await;
    let (_reader, writer) = pipe().unwrap();
    let mut serve = world.serve();
    serve.arg("--log-format=json");
    let server = Running::start_into(serve, writer);
    refuse_many(&world, &server).await;
    world.expect_right_answers(&server).await;
    assert_eq!(server.end(Signal::TERM).0.code(), Some(0));
}

/// Makes so many requests that their lines fill the pipe and the queue. Returns their number.
async fn refuse_many(world: &World, server: &Running) -> usize {
    const AT_ONCE: usize = 200;
    const ROUNDS: usize = 80;
    let request = format!("DELETE {PATH} HTTP/1.1\r\nhost: tokens.test\r\nx-span-id: {}\r\n\r\n", "x".repeat(64));
    let mut client = server.http1(world.cluster).await;
    for _ in 0..ROUNDS {
        client.write(request.repeat(AT_ONCE).as_bytes()).await.unwrap();
        for _ in 0..AT_ONCE {
            assert_eq!(client.receive("DELETE").await.unwrap().status, 401);
        }
    }
    AT_ONCE * ROUNDS
}

/// Reads everything from now on, in another thread.
fn drain(mut reader: PipeReader) -> Receiver<String> {
    let (read, is_read) = channel();
    thread::spawn(move || {
        let mut bytes = vec![0; 1 << 16];
        loop {
            match reader.read(&mut bytes).unwrap() {
                0 => break,
                count if read.send(String::from_utf8_lossy(&bytes[..count]).into_owned()).is_err() => break,
                _ => {}
            }
        }
    });
    is_read
}

#[tokio::test]
async fn a_full_pipe_as_standard_output_holds_up_nothing() {
    let world = World::new().await;
    let (_reader, mut writer) = pipe().unwrap();
    let flags = rustix::fs::fcntl_getfl(&writer).unwrap();
    rustix::fs::fcntl_setfl(&writer, flags | rustix::fs::OFlags::NONBLOCK).unwrap();
    while writer.write(&[b'x'; 512]).is_ok() {}
    rustix::fs::fcntl_setfl(&writer, flags).unwrap();
    let log = world.directory.beside("log");
    let mut serve = world.serve();
    serve.stdout(writer).stderr(File::create(&log).unwrap());
    let mut server = serve.spawn().unwrap();
    let id = Pid::from_child(&server);
    let address = async {
        loop {
            let log = std::fs::read_to_string(&log).unwrap();
            match log.split_once(" serving address=").and_then(|(_, rest)| rest.split_once(' ')) {
                Some((address, _)) => break address.parse().unwrap(),
                None => tokio::time::sleep(Duration::from_millis(10)).await,
            }
        }
    };
    let mut client = Http1::connect(within("the server to listen", address).await, world.cluster).await;
    assert_eq!(world.delete(&mut client, 0).await, DELETED);
    kill_process(id, Signal::TERM).unwrap();
    let status = block("the server to end", move || server.wait().unwrap(), || kill(id));
    assert_eq!(status.code(), Some(0));
}
