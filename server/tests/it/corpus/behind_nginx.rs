//! The corpus through nginx. It reads each request in its own way, and forwards what it understands.
//!
//! Both must agree on the number of requests: what the server answers, nginx must have asked.

use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::{StreamExt, stream};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy};
use tokio::net::{TcpStream, UnixListener, UnixStream};

use super::AT_ONCE;
use super::case::cases;
use crate::document::DELETED;
use crate::limits::within;
use crate::nginx::{self, Nginx};
use crate::running::Server;

#[tokio::test]
#[allow(clippy::print_stderr, reason = "the test says that it checks nothing")]
async fn nginx_in_front_and_the_server_agree_on_every_request() {
    if !nginx::is_installed() {
        eprintln!("nginx is not installed, so this test checks nothing");
        return;
    }
    let server = Server::in_memory().await;
    let operator = server.operator().await;
    let directory = tempfile::tempdir().unwrap();
    let answered = Relay::start(&directory, &server);
    let nginx = Nginx::start(directory.path(), &configuration(directory.path())).await;
    let socket = nginx.socket();
    let run = async |mut case: super::case::Case| {
        // Nginx keeps a connection that the server would end.
        case.closes = false;
        let (token, _) = server.token("db:d:read").await;
        let stream = UnixStream::connect(socket).await.unwrap();
        // Nginx may reset the connection.
        let _ = case.send(stream, &token.to_string(), &operator).await;
        (case.name, token)
    };
    let deletions: Vec<_> = stream::iter(cases()).map(run).buffer_unordered(AT_ONCE).collect().await;

    // Nginx writes a line once it has answered. It may find a fault in a body after the server has answered the head.
    let log = || fs::read_to_string(directory.path().join("access.log")).unwrap();
    let asked = || {
        let forwarded = |line: &&str| line.split(' ').nth(1) != Some("-");
        let answered = |line: &&str| !line.starts_with('-') && !line.starts_with("502");
        let log = log();
        let forwarded: Vec<_> = log.lines().filter(forwarded).collect();
        forwarded.iter().copied().filter(answered).count()..=forwarded.len()
    };
    within("nginx and the server to agree", async {
        for _ in 0..100 {
            if asked().contains(&answered.count()) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("nginx asked {:?}, the server answered {}", asked(), answered.count());
    })
    .await;
    assert!(asked().start() > &100 && asked().count() < 20, "{}", log());
    let encoded: String = crate::document::PARAMETER.bytes().map(|byte| format!("%{byte:02x}")).collect();
    let log = log().replace(&encoded, crate::document::PARAMETER);
    for (name, token) in deletions {
        let line = format!("{}?{}={token}", crate::document::PATH, crate::document::PARAMETER);
        let selects = |entry: &str| {
            entry.split_once(&line).is_some_and(|(_, behind)| !behind.starts_with(|next: char| next.is_ascii_digit()))
        };
        let deleted = log.lines().filter(|entry| entry.starts_with(&DELETED.to_string()) && selects(entry)).count();
        assert_eq!(deleted, usize::from(!server.catalog.live().contains(token.id)), "{name}");
    }
}

/// Carries bytes between nginx and the server, and keeps what the server sends on each connection.
#[derive(Clone, Default)]
struct Relay {
    received: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl Relay {
    fn start(directory: &TempDir, server: &Server) -> Self {
        let relay = Self::default();
        let listener = UnixListener::bind(directory.path().join("server.sock")).unwrap();
        let (address, shared) = (server.address, relay.clone());
        tokio::spawn(async move {
            while let Ok((nginx, _)) = listener.accept().await {
                let server = TcpStream::connect(address).await.unwrap();
                tokio::spawn(shared.clone().carry(nginx, server));
            }
        });
        relay
    }

    async fn carry(self, nginx: UnixStream, server: TcpStream) {
        let (mut from_nginx, mut to_nginx) = nginx.into_split();
        let (mut from_server, mut to_server) = server.into_split();
        let requests = async {
            let _ = copy(&mut from_nginx, &mut to_server).await;
            let _ = to_server.shutdown().await;
        };
        let responses = async {
            let place = {
                let mut received = self.received.lock().unwrap();
                received.push(Vec::new());
                received.len() - 1
            };
            let mut space = vec![0; 1 << 16];
            while let Ok(read @ 1..) = from_server.read(&mut space).await {
                self.received.lock().unwrap()[place].extend_from_slice(&space[..read]);
                if to_nginx.write_all(&space[..read]).await.is_err() {
                    break;
                }
            }
        };
        // Nginx closes its side when it is done.
        tokio::join!(requests, responses);
    }

    /// How many responses the server has sent. No body has this text.
    fn count(&self) -> usize {
        let received = self.received.lock().unwrap();
        let count = |bytes: &Vec<u8>| bytes.windows(9).filter(|nine| nine == b"HTTP/1.1 ").count();
        received.iter().map(count).sum()
    }
}

/// Nginx keeps connections to the server, which smuggling needs, and looks at as little as it can.
fn configuration(path: &Path) -> String {
    let path = path.display();
    format!(
        "log_format asked '$upstream_status $upstream_addr $request';
        access_log {path}/access.log asked;
        large_client_header_buffers 4 32k; underscores_in_headers on; ignore_invalid_headers off;
        merge_slashes off;
        client_header_timeout 5s; client_body_timeout 5s; keepalive_timeout 5s; lingering_close off;
        upstream server {{ server unix:{path}/server.sock; keepalive 4; }}
        server {{
            listen unix:{path}/nginx.sock;
            location / {{
                proxy_pass http://server;
                proxy_http_version 1.1; proxy_set_header Connection ''; proxy_set_header Host $http_host;
                proxy_request_buffering off; proxy_ignore_client_abort on; proxy_next_upstream off;
                proxy_read_timeout 5s;
            }}
        }}"
    )
}
