//! Certificates that are replaced while the server runs.

use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use rustix::process::Signal;
use rustls::pki_types::CertificateDer;
use rustls::{ALL_VERSIONS, ClientConfig, HandshakeKind};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::sleep;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::certificates::{Authority, Signed, options, write};
use crate::limits::within;
use crate::process::{DataDir, Running};

/// A connection over HTTP/1.1.
pub(super) struct Connection(TlsStream<TcpStream>);

impl Connection {
    pub(super) async fn open(server: &Running, config: &ClientConfig) -> Self {
        Self::try_open(server, config).await.unwrap()
    }

    pub(super) async fn try_open(server: &Running, config: &ClientConfig) -> io::Result<Self> {
        let stream = TcpStream::connect(server.address).await.unwrap();
        let connector = TlsConnector::from(Arc::new(config.clone()));
        let name = "127.0.0.1".try_into().unwrap();
        within("a handshake", connector.connect(name, stream)).await.map(Self)
    }

    /// Sends a request, and returns the beginning of the response.
    async fn request(&mut self) -> String {
        self.0.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
        let mut response = [0; 4096];
        let count = within("a response", self.0.read(&mut response)).await.unwrap();
        String::from_utf8_lossy(&response[..count.min(12)]).into_owned()
    }

    pub(super) fn certificate(&self) -> CertificateDer<'static> {
        self.0.get_ref().1.peer_certificates().unwrap()[0].clone()
    }
}

/// Waits until new connections get this certificate.
async fn until_presented(server: &Running, config: &ClientConfig, signed: &Signed) {
    let presented = async {
        while Connection::open(server, config).await.certificate() != signed.der() {
            sleep(Duration::from_millis(50)).await;
        }
    };
    within("the server to present the new certificate", presented).await;
}

fn start(directory: &DataDir, folder: &Path) -> Running {
    directory.start(&options(folder).each_ref().map(String::as_str))
}

/// A client that trusts one authority and has a certificate that another signed.
fn presenting(server: &Authority, clients: &Authority) -> ClientConfig {
    server.presenting(&clients.client(), ALL_VERSIONS)
}

#[tokio::test]
async fn a_replaced_certificate_is_used_for_new_connections_and_open_ones_stay() {
    let (authority, directory) = (Authority::new(), DataDir::new());
    let (first, second) = (authority.server(), authority.server());
    let folder = directory.beside("files");
    first.write(&folder);
    let server = start(&directory, &folder);
    let config = authority.trusting();
    let mut open = Connection::open(&server, &config).await;
    assert_eq!(open.request().await, "HTTP/1.1 404");
    second.write(&folder);
    until_presented(&server, &config, &second).await;
    assert_eq!((open.request().await, open.certificate()), ("HTTP/1.1 404".to_owned(), first.der()));
    drop(open);
    assert!(server.end(Signal::TERM).0.success());
}

#[tokio::test]
async fn a_session_is_resumed_unless_the_certificate_changed_or_clients_present_one() {
    let (authority, directory) = (Authority::new(), DataDir::new());
    let folder = directory.beside("files");
    authority.server().write(&folder);
    let server = start(&directory, &folder);
    let config = authority.trusting();
    let kind = async |server: &Running, config: &ClientConfig| {
        let mut connection = Connection::open(server, config).await;
        // The tickets come with the response.
        assert_eq!(connection.request().await, "HTTP/1.1 404");
        connection.0.get_ref().1.handshake_kind()
    };
    assert_eq!(kind(&server, &config).await, Some(HandshakeKind::Full));
    assert_eq!(kind(&server, &config).await, Some(HandshakeKind::Resumed));
    let replaced = authority.server();
    replaced.write(&folder);
    server.signaller()(Signal::HUP);
    until_presented(&server, &authority.trusting(), &replaced).await;
    assert_eq!(kind(&server, &config).await, Some(HandshakeKind::Full));
    drop(server);

    let ca = authority.write(&folder, "clients.pem");
    let files = options(&folder);
    let server = directory.start(&[&files[0], &files[1], &format!("--tls-client-ca={ca}")]);
    let config = presenting(&authority, &authority);
    for _ in 0..2 {
        assert_eq!(kind(&server, &config).await, Some(HandshakeKind::Full));
    }
}

#[tokio::test]
async fn a_certificate_behind_links_is_followed_as_kubernetes_swaps_them() {
    let (authority, directory) = (Authority::new(), DataDir::new());
    let signed = [authority.server(), authority.server(), authority.server()];
    let folder = directory.beside("secret");
    signed[0].write(&folder.join("..version0"));
    symlink("..version0", folder.join("..data")).unwrap();
    for file in ["tls.crt", "tls.key"] {
        symlink(format!("..data/{file}"), folder.join(file)).unwrap();
    }
    let server = start(&directory, &folder);
    let config = authority.trusting();
    until_presented(&server, &config, &signed[0]).await;
    for (version, signed) in signed.iter().enumerate().skip(1) {
        signed.write(&folder.join(format!("..version{version}")));
        symlink(format!("..version{version}"), folder.join("..data_tmp")).unwrap();
        fs::rename(folder.join("..data_tmp"), folder.join("..data")).unwrap();
        fs::remove_dir_all(folder.join(format!("..version{}", version - 1))).unwrap();
        until_presented(&server, &config, signed).await;
    }
}

#[tokio::test]
async fn files_that_cannot_be_used_leave_the_previous_certificate_in_use() {
    let (authority, directory) = (Authority::new(), DataDir::new());
    let (first, second) = (authority.server(), authority.server());
    let folder = directory.beside("files");
    first.write(&folder);
    let server = start(&directory, &folder);
    let config = authority.trusting();
    let signal = server.signaller();
    for (file, content, reason) in [
        ("tls.crt", "", "no certificate"),
        ("tls.crt", &*second.certificate, "it is not the key of the first certificate"),
    ] {
        write(&folder.join(file), content);
        signal(Signal::HUP);
        server.until_logged(reason).await;
        assert!(Connection::open(&server, &config).await.certificate() == first.der());
    }
    fs::remove_file(folder.join("tls.key")).unwrap();
    // Without a signal.
    server.until_logged("tls.key: No such file").await;
    assert!(Connection::open(&server, &config).await.certificate() == first.der());
    write(&folder.join("tls.key"), &second.key);
    until_presented(&server, &config, &second).await;
    let (_, log) = server.end(Signal::TERM);
    let lines = log.lines().filter(|line| line.contains("ERROR")).count();
    assert!(lines <= 4, "one line for each change: {log}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_connection_is_lost_while_certificates_are_replaced() {
    let (authority, directory) = (Authority::new(), DataDir::new());
    let folder = directory.beside("files");
    let mut signed = authority.server();
    signed.write(&folder);
    let server = Arc::new(start(&directory, &folder));
    let config = authority.trusting();
    let (ends, answered) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let clients: Vec<_> = (0..4)
        .map(|_| {
            let (server, config) = (Arc::clone(&server), config.clone());
            let (ends, answered) = (Arc::clone(&ends), Arc::clone(&answered));
            tokio::spawn(async move {
                let mut kept = Connection::open(&server, &config).await;
                while !ends.load(Ordering::Relaxed) {
                    assert_eq!(Connection::open(&server, &config).await.request().await, "HTTP/1.1 404");
                    assert_eq!(kept.request().await, "HTTP/1.1 404");
                    answered.fetch_add(2, Ordering::Relaxed);
                }
            })
        })
        .collect();
    let signal = server.signaller();
    for _ in 0..10 {
        signed = authority.server();
        signed.write(&folder);
        signal(Signal::HUP);
        until_presented(&server, &config, &signed).await;
    }
    let before = answered.load(Ordering::Relaxed);
    let goes_on = async {
        while answered.load(Ordering::Relaxed) < before + 8 {
            sleep(Duration::from_millis(10)).await;
        }
    };
    within("more answers", goes_on).await;
    ends.store(true, Ordering::Relaxed);
    for client in clients {
        within("a client to end", client).await.unwrap();
    }
}

#[tokio::test]
async fn the_authorities_of_clients_are_replaced_too() {
    let (authority, directory) = (Authority::new(), DataDir::new());
    let (first, second) = (Authority::new(), Authority::new());
    let folder = directory.beside("files");
    authority.server().write(&folder);
    let ca = first.write(&folder, "clients.pem");
    let files = options(&folder);
    let server = directory.start(&[&files[0], &files[1], &format!("--tls-client-ca={ca}")]);
    let (old, new) = (presenting(&authority, &first), presenting(&authority, &second));
    let mut kept = Connection::open(&server, &old).await;
    assert_eq!(kept.request().await, "HTTP/1.1 404");
    second.write(&folder, "clients.pem");
    server.signaller()(Signal::HUP);
    let accepted = async {
        loop {
            // Over TLS 1.3, a refused client learns it with the first response.
            let mut connection = Connection::open(&server, &new).await;
            connection.0.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
            if connection.0.read(&mut [0; 100]).await.is_ok_and(|count| count > 0) {
                break;
            }
        }
    };
    within("the new authority", accepted).await;
    assert_eq!(kept.request().await, "HTTP/1.1 404");
    // The session that `old` has begun is not resumed.
    let mut refused = Connection::open(&server, &old).await;
    let _ = refused.0.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await;
    assert!(within("the refusal", refused.0.read(&mut [0; 100])).await.is_err());
}
