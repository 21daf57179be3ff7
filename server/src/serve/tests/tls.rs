//! Limits of connections with TLS.

use std::io::ErrorKind;
use std::sync::Arc;
use std::time::Duration;

use rcgen::{CertificateParams, KeyPair};
use rustls::crypto::ring::default_provider;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream, duplex};
use tokio::time::{Instant, sleep};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::{
    HTTP1_REQUEST, HTTP2_REQUEST, HTTP2_START, HTTP2_START_WITHOUT_WINDOW, TestServer, limits, server, within_an_hour,
};
use crate::serve::Limits;
use crate::serve::connection::connect_tls;

/// The beginning of a handshake: a record of 512 bytes, of which one is there.
const HANDSHAKE: &[u8] = b"\x16\x03\x01\x02\x00\x01";

/// A server of the name `localhost`, and a client that trusts it.
struct Tls {
    server: Arc<ServerConfig>,
    client: TlsConnector,
}

impl Tls {
    fn new() -> Self {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        let certificate = CertificateDer::from(params.self_signed(&key).unwrap());
        let provider = Arc::new(default_provider());
        let mut roots = RootCertStore::empty();
        roots.add(certificate.clone()).unwrap();
        let server = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate], PrivateKeyDer::Pkcs8(key.serialize_der().into()))
            .unwrap();
        let client = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        Self { server: Arc::new(server), client: Arc::new(client).into() }
    }

    /// A connection on which nothing has been sent.
    async fn open(&self, server: &TestServer) -> DuplexStream {
        server.connections.room().await;
        let (client, stream) = duplex(1 << 16);
        let connected = server.connections.admit([192, 0, 2, 1].into()).unwrap();
        let peer = ([192, 0, 2, 1], 4711).into();
        connect_tls(stream, peer, connected, server, Arc::clone(&self.server));
        client
    }

    /// A connection after the handshake.
    async fn connect(&self, server: &TestServer) -> TlsStream<DuplexStream> {
        let stream = self.open(server).await;
        within_an_hour(self.client.connect("localhost".try_into().unwrap(), stream)).await.unwrap()
    }
}

/// Sends this, and returns after how many seconds the connection ends, and whether TLS says that it ends.
async fn end_after<S: AsyncRead + AsyncWrite + Unpin>(client: &mut S, sent: &[u8]) -> (u64, bool) {
    let begun = Instant::now();
    client.write_all(sent).await.unwrap();
    client.flush().await.unwrap();
    let ended = within_an_hour(client.read_to_end(&mut Vec::new())).await;
    if let Err(error) = &ended {
        assert_eq!(error.kind(), ErrorKind::UnexpectedEof);
    }
    (begun.elapsed().as_secs(), ended.is_ok())
}

#[tokio::test(start_paused = true)]
async fn a_handshake_that_does_not_end_is_closed_after_10_seconds() {
    let tls = Tls::new();
    for begun in [&b""[..], &HANDSHAKE[..1], HANDSHAKE] {
        let mut client = tls.open(&server(Limits::default()).await).await;
        assert_eq!(end_after(&mut client, begun).await.0, 10, "{}", begun.escape_ascii());
    }
    let mut client = tls.open(&server(limits(|limits| limits.handshake_timeout = Duration::from_secs(3))).await).await;
    assert_eq!(end_after(&mut client, HANDSHAKE).await.0, 3);
}

#[tokio::test(start_paused = true)]
async fn a_connection_without_a_request_is_closed_30_seconds_after_the_handshake() {
    let (tls, server) = (Tls::new(), server(Limits::default()).await);
    for sent in [&b""[..], HTTP2_START] {
        let mut client = tls.connect(&server).await;
        assert_eq!(end_after(&mut client, sent).await, (30, false), "{}", sent.escape_ascii());
    }
    let mut client = tls.connect(&server).await;
    assert_eq!(end_after(&mut client, b"GET / HT").await.0, 10, "at less than 50 bytes a second");
}

#[tokio::test(start_paused = true)]
async fn an_idle_connection_ends_with_close_notify() {
    let (tls, server) = (Tls::new(), server(Limits::default()).await);
    let mut client = tls.connect(&server).await;
    assert_eq!(end_after(&mut client, HTTP1_REQUEST).await, (75, true));
    // A ping is not answered.
    let mut client = tls.connect(&server).await;
    assert_eq!(end_after(&mut client, &[HTTP2_START, HTTP2_REQUEST].concat()).await.0, 50);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_does_not_read_is_disconnected_after_20_seconds() {
    let (tls, server) = (Tls::new(), server(Limits::default()).await);
    let mut client = tls.connect(&server).await;
    let begun = Instant::now();
    within_an_hour(async { while client.write_all(HTTP1_REQUEST).await.is_ok() && client.flush().await.is_ok() {} })
        .await;
    assert_eq!(begun.elapsed().as_secs(), 20);
}

#[tokio::test(start_paused = true)]
async fn a_drain_ends_connections_with_close_notify_and_handshakes_at_once() {
    let (tls, server) = (Tls::new(), server(Limits::default()).await);
    let mut handshake = tls.open(&server).await;
    handshake.write_all(HANDSHAKE).await.unwrap();
    let mut unused = tls.connect(&server).await;
    // One that rests, and one that hyper has.
    let mut used = Vec::new();
    for _ in 0..2 {
        let mut client = tls.connect(&server).await;
        client.write_all(HTTP1_REQUEST).await.unwrap();
        assert!(client.read(&mut [0; 1024]).await.unwrap() > 0);
        used.push(client);
        sleep(Duration::from_millis(if used.len() == 1 { 2000 } else { 100 })).await;
    }

    let begun = Instant::now();
    let drain = server.connections.drain();
    let clients = async {
        assert_eq!(end_after(&mut handshake, b"").await, (0, true));
        assert!(end_after(&mut unused, b"").await.1);
        for mut client in used {
            assert!(end_after(&mut client, b"").await.1);
        }
    };
    within_an_hour(futures::future::join(drain, clients)).await;
    assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());
}

#[tokio::test(start_paused = true)]
async fn encrypted_bytes_count_as_memory_until_they_are_decrypted() {
    let (tls, server) = (Tls::new(), server(Limits::default()).await);
    let memory = || server.connections.memory();
    let mut handshake = tls.open(&server).await;
    handshake.write_all(b"\x16\x03\x01\x3f\x00\x01\x00\x3e\x00").await.unwrap();
    handshake.write_all(&[0; 10_000]).await.unwrap();
    sleep(Duration::from_secs(1)).await;
    assert!(memory() > 18_000, "{}", memory());
    drop(handshake);
    sleep(Duration::from_secs(1)).await;
    assert_eq!(memory(), 0);

    let mut client = tls.connect(&server).await;
    let before = memory();
    // The beginning of a record of 16,384 bytes.
    client.get_mut().0.write_all(&[&b"\x17\x03\x03\x40\x00"[..], &[0; 10_000]].concat()).await.unwrap();
    sleep(Duration::from_secs(1)).await;
    assert!(memory() >= before + 10_000, "{} after {before}", memory());
}

#[tokio::test(start_paused = true)]
async fn a_client_that_does_not_read_counts_with_what_tls_keeps_for_it() {
    let (tls, server) = (Tls::new(), server(Limits::default()).await);
    let mut client = tls.connect(&server).await;
    let begin = [HTTP2_START_WITHOUT_WINDOW, HTTP2_REQUEST].concat();
    client.write_all(&begin).await.unwrap();
    sleep(Duration::from_secs(1)).await;
    let before = server.connections.memory();
    // Pings are answered over a connection, whatever its window is.
    let ping = b"\0\0\x08\x06\0\0\0\0\0aaaaaaaa";
    let flood = async { while client.write_all(&ping.repeat(100)).await.is_ok() && client.flush().await.is_ok() {} };
    let looked = async {
        sleep(Duration::from_secs(10)).await;
        server.connections.memory()
    };
    let (_, memory) = within_an_hour(futures::future::join(flood, looked)).await;
    assert!(memory >= before + (16 << 10), "{memory} after {before}");
}

#[tokio::test(start_paused = true)]
async fn a_request_without_tls_is_answered_without_tls() {
    let (tls, server) = (Tls::new(), server(Limits::default()).await);
    for request in [HTTP1_REQUEST, HTTP2_START, b"GET", b"DELETE / HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n"]
    {
        let mut client = tls.open(&server).await;
        client.write_all(request).await.unwrap();
        let mut response = Vec::new();
        within_an_hour(client.read_to_end(&mut response)).await.unwrap();
        let response = String::from_utf8(response).unwrap();
        assert!(response.starts_with("HTTP/1.1 400 Bad Request\r\n"), "{response}");
        assert!(response.contains("cluster-uuid: ") && response.contains("use https"), "{response}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_neither_tls_nor_http_is_refused_by_tls() {
    let (tls, server) = (Tls::new(), server(Limits::default()).await);
    for sent in [
        &b"\0\0\0\0\0\0"[..],
        b"get / HTTP/1.1\r\n\r\n",
        b"\x16\x03\x01\0\x04\xff\0\0\0",
        b"\x15\x03\x03\0\x02\x02\x28",
    ] {
        let mut client = tls.open(&server).await;
        client.write_all(sent).await.unwrap();
        let mut response = Vec::new();
        // Before the limit of time, which is that of a handshake.
        let begun = Instant::now();
        let _ = within_an_hour(client.read_to_end(&mut response)).await;
        assert!(begun.elapsed() < Duration::from_secs(1), "{}", sent.escape_ascii());
        assert!(response.is_empty() || response.starts_with(b"\x15\x03"), "{}", response.escape_ascii());
    }
}
