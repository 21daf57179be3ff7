//! Finding out why no connection can be made by TLS.
//!
//! With TLS 1.3 a server refuses the certificate of a client after the client's part of the handshake is over. The client of
//! etcd then says no more than that the connection was closed, as if etcd were just starting. So a first connection is made
//! here, which is read until etcd says something.

use std::io::{self, Read};
use std::net::{TcpStream, ToSocketAddrs};
use std::sync::Arc;
use std::time::Duration;

use rustls::crypto::ring::default_provider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, Stream};

use super::credentials::EtcdTls;

/// Returns why etcd and this node do not accept each other's certificates. `None` if they do, or if that cannot be found out.
pub(super) async fn refusal(tls: &EtcdTls, member: &str, limit: Duration) -> Option<rustls::Error> {
    let (config, member) = (Arc::new(config(tls)?), member.to_owned());
    let attempt = move || attempt(config, &member, limit).err().and_then(|error| error_of_tls(&error).cloned());
    tokio::task::spawn_blocking(attempt).await.ok().flatten()
}

/// The error of TLS in another one.
pub(super) fn error_of_tls<'a>(error: &'a (dyn std::error::Error + 'static)) -> Option<&'a rustls::Error> {
    std::iter::successors(Some(error), |&error| match error.downcast_ref::<io::Error>() {
        // Its source is that of the error in it, which this would pass over.
        Some(error) => error.get_ref().map(|error| error as &(dyn std::error::Error + 'static)),
        None => error.source(),
    })
    .find_map(|error| error.downcast_ref())
}

fn attempt(config: Arc<ClientConfig>, member: &str, limit: Duration) -> io::Result<()> {
    let host = member.rsplit_once(':').map_or(member, |(host, _)| host).trim_matches(['[', ']']).to_owned();
    let name = ServerName::try_from(host).map_err(io::Error::other)?;
    let address = member.to_socket_addrs()?.next().ok_or(io::ErrorKind::NotFound)?;
    let mut socket = TcpStream::connect_timeout(&address, limit)?;
    socket.set_read_timeout(Some(limit))?;
    socket.set_write_timeout(Some(limit))?;
    let mut connection = ClientConnection::new(config, name).map_err(io::Error::other)?;
    // The beginning of HTTP/2, or an alert.
    Stream::new(&mut connection, &mut socket).read_exact(&mut [0; 1])?;
    connection.send_close_notify();
    connection.write_tls(&mut socket).map(drop)
}

/// `None` if the certificates cannot be read, of which the client of etcd says more.
fn config(EtcdTls { ca, identity }: &EtcdTls) -> Option<ClientConfig> {
    let certificates = |pem| CertificateDer::pem_slice_iter(pem).collect::<Result<Vec<_>, _>>().ok();
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(certificates(ca)?);
    let config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .ok()?
        .with_root_certificates(roots);
    let mut config = match identity {
        Some((chain, key)) => {
            config.with_client_auth_cert(certificates(chain)?, PrivateKeyDer::from_pem_slice(key).ok()?).ok()?
        }
        None => config.with_no_client_auth(),
    };
    config.alpn_protocols = vec![b"h2".to_vec()];
    Some(config)
}
