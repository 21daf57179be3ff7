//! Certificates of clients and of servers that are not valid, or not any more.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use http::Request;
use http_body_util::Empty;
use hyper::body::Bytes;
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rcgen::{BasicConstraints, CertificateParams, ExtendedKeyUsagePurpose, IsCa, KeyPair, date_time_ymd};
use rustls::{ALL_VERSIONS, ClientConfig};
use tokio::net::TcpStream;
use tokio::time::sleep;
use tokio_rustls::TlsConnector;

use super::certificates::{Authority, Signed, options};
use crate::limits::within;
use crate::ops::{OPS_BIND, get, text};
use crate::process::{DataDir, Running};

type Error = Box<dyn std::error::Error + Send + Sync>;

const PROTOCOLS: [&str; 2] = ["http/1.1", "h2"];

/// A connection over one version of HTTP.
enum Connection {
    One(http1::SendRequest<Empty<Bytes>>),
    Two(http2::SendRequest<Empty<Bytes>>),
}

impl Connection {
    async fn open(server: &Running, config: &ClientConfig, protocol: &str) -> Result<Self, Error> {
        let mut config = config.clone();
        config.alpn_protocols = vec![protocol.into()];
        let stream = TcpStream::connect(server.address).await?;
        let connecting = TlsConnector::from(Arc::new(config)).connect("127.0.0.1".try_into()?, stream);
        let stream = within("a handshake", connecting).await?;
        assert_eq!(stream.get_ref().1.alpn_protocol(), Some(protocol.as_bytes()));
        if protocol == "h2" {
            let (sender, driver) = http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await?;
            tokio::spawn(driver);
            return Ok(Self::Two(sender));
        }
        let (sender, driver) = http1::handshake(TokioIo::new(stream)).await?;
        tokio::spawn(driver);
        Ok(Self::One(sender))
    }

    /// The status of the response to a request. Over TLS 1.3, a refused client learns it here.
    async fn status(&mut self) -> Result<u16, Error> {
        let request = |target: String| Request::get(target).header("host", "x").body(Empty::new()).unwrap();
        let response = match self {
            Self::One(sender) => within("a response", sender.send_request(request("/".into()))).await?,
            Self::Two(sender) => within("a response", sender.send_request(request("https://x/".into()))).await?,
        };
        Ok(response.status().as_u16())
    }
}

/// The status of the response to a request over a new connection.
async fn status(server: &Running, config: &ClientConfig, protocol: &str) -> Result<u16, Error> {
    Connection::open(server, config, protocol).await?.status().await
}

/// A server whose clients must present a certificate of this authority.
fn serve(directory: &DataDir, server: &Authority, clients: &Authority) -> Running {
    let folder = directory.beside("files");
    server.server().write(&folder);
    let ca = clients.write(&folder, "clients.pem");
    let files = options(&folder);
    let ca = format!("--tls-client-ca={ca}");
    directory.start(&[&files[0], &files[1], &ca, "--log-filter=info,influxdb3_tokens_server=debug"])
}

/// A certificate for a client with these changes.
fn client(authority: &Authority, change: impl FnOnce(&mut CertificateParams)) -> Signed {
    authority.sign(&[], |params| {
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        change(params);
    })
}

/// A certificate for a client that no authority signed.
fn self_signed() -> Signed {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    let key = KeyPair::generate().unwrap();
    Signed { certificate: params.self_signed(&key).unwrap().pem(), key: key.serialize_pem() }
}

#[tokio::test]
async fn a_client_certificate_that_is_not_valid_is_refused_and_the_log_says_why() {
    let (authority, clients, directory) = (Authority::new(), Authority::new(), DataDir::new());
    let server = serve(&directory, &authority, &clients);
    let year = |year| date_time_ymd(year, 1, 1);
    // All authorities of these tests have one name.
    let imitation = Authority::new();
    for (signed, reason) in [
        (client(&clients, |params| params.not_after = year(2001)), "certificate expired"),
        (client(&clients, |params| params.not_before = year(2101)), "not valid yet"),
        (self_signed(), "UnknownIssuer"),
        (client(&imitation, |_| ()), "BadSignature"),
        (client(&clients, |params| params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth]), "usage"),
        (client(&clients, |params| params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained)), "CaUsedAsEndEntity"),
    ] {
        for version in ALL_VERSIONS {
            let config = authority.presenting(&signed, &[version]);
            for protocol in PROTOCOLS {
                let before = server.log().len();
                status(&server, &config, protocol).await.unwrap_err();
                let logged = async {
                    while !server.log()[before..].contains("a TLS handshake failed") {
                        sleep(Duration::from_millis(10)).await;
                    }
                };
                within("the refusal in the log", logged).await;
                let log = &server.log()[before..];
                assert!(log.contains(reason), "{reason} over {version:?} and {protocol}: {log}");
            }
        }
    }
    let unlimited = client(&clients, |params| params.extended_key_usages.clear());
    for signed in [clients.client(), unlimited] {
        for version in ALL_VERSIONS {
            let config = authority.presenting(&signed, &[version]);
            for protocol in PROTOCOLS {
                assert_eq!(status(&server, &config, protocol).await.unwrap(), 404);
            }
        }
    }
}

/// The operator chose to trust the file, so nothing in it expires.
#[tokio::test]
async fn an_authority_of_clients_that_has_expired_is_still_trusted() {
    let (authority, directory) = (Authority::new(), DataDir::new());
    let clients = Authority::with(|params| params.not_after = date_time_ymd(2001, 1, 1));
    let server = serve(&directory, &authority, &clients);
    let config = authority.presenting(&clients.client(), ALL_VERSIONS);
    assert_eq!(status(&server, &config, "h2").await.unwrap(), 404);
}

#[tokio::test]
async fn a_connection_outlives_the_certificate_of_its_client_and_no_other_begins() {
    let (authority, clients, directory) = (Authority::new(), Authority::new(), DataDir::new());
    let server = serve(&directory, &authority, &clients);
    // The first lifetime in which this machine opens both.
    let mut opened = None;
    for seconds in [2, 4, 8, 16, 32] {
        let ends = SystemTime::now() + Duration::from_secs(seconds);
        let config = authority.presenting(&client(&clients, |params| params.not_after = ends.into()), ALL_VERSIONS);
        let mut connections = Vec::new();
        for protocol in PROTOCOLS {
            if let Ok(mut connection) = Connection::open(&server, &config, protocol).await
                && connection.status().await.is_ok()
            {
                connections.push(connection);
            }
        }
        if connections.len() == PROTOCOLS.len() {
            opened = Some((config, connections));
            break;
        }
    }
    let (config, connections) = opened.expect("a certificate lasts until its connections are open");
    for protocol in PROTOCOLS {
        let expired = async {
            while status(&server, &config, protocol).await.is_ok() {
                sleep(Duration::from_millis(50)).await;
            }
        };
        within("the certificate to expire", expired).await;
    }
    server.until_logged("certificate expired").await;
    for mut connection in connections {
        assert_eq!(connection.status().await.unwrap(), 404);
    }
}

#[tokio::test]
async fn a_server_says_that_its_certificate_has_expired_and_keeps_its_connections() {
    let (authority, directory) = (Authority::new(), DataDir::new());
    let folder = directory.beside("files");
    let ends = SystemTime::now() + Duration::from_secs(3);
    authority.sign(&["127.0.0.1"], |params| params.not_after = ends.into()).write(&folder);
    let files = options(&folder);
    let server = directory.start(&[&files[0], &files[1], OPS_BIND]);
    let before = Connection::open(&server, &authority.trusting(), "h2").await;
    // Although the log has just said that it expires soon.
    server.until_logged("the certificate has expired").await;
    let metrics = text(get(server.operations(), "/metrics").await);
    let seconds = ends.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
    let series = "influxdb3_tokens_certificate_not_after_timestamp_seconds";
    assert!(metrics.contains(&format!("\n{series} {seconds}\n")), "{metrics}");
    // It is still valid in the second in which it ends. Each time another configuration, because a client does not verify
    // a session again that it resumes.
    let refused = async {
        while let Ok(_accepted) = Connection::open(&server, &authority.trusting(), "h2").await {
            sleep(Duration::from_millis(50)).await;
        }
    };
    within("a client to refuse the certificate", refused).await;
    // Unless the machine was so slow that it had expired already.
    if let Ok(mut connection) = before {
        assert_eq!(connection.status().await.unwrap(), 404);
    }
    let log = server.log();
    assert_eq!(log.matches("the certificate has expired").count(), 1, "{log}");
}
