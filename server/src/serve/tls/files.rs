//! The files of TLS: certificate, key, and the authorities of client certificates.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::crypto::ring::{Ticketer, default_provider};
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};
use rustls::{InconsistentKeys, RootCertStore, ServerConfig, SupportedProtocolVersion, version};
use zeroize::Zeroizing;

use super::certificate::Certificate;
use super::stamp::Stamp;

/// The largest file that is read, in bytes. A bundle of all public authorities has a quarter of it.
const LARGEST: u64 = 1 << 20;

/// The files that a server's TLS is made from, all in PEM, and its settings.
///
/// ```no_run
/// use influxdb3_tokens_server::{Tls, TlsFiles, TlsVersion};
///
/// let files = TlsFiles::new("fullchain.pem", "privkey.pem").minimum_version(TlsVersion::Tls13);
/// let tls = Tls::from_files(files)?;
/// # Ok::<(), influxdb3_tokens_server::TlsError>(())
/// ```
#[derive(Clone, Debug)]
pub struct TlsFiles {
    certificate: PathBuf,
    key: PathBuf,
    client_ca: Option<PathBuf>,
    minimum_version: TlsVersion,
}

/// A version of TLS.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum TlsVersion {
    /// TLS 1.2 (RFC 5246).
    #[default]
    Tls12,
    /// TLS 1.3 (RFC 8446).
    Tls13,
}

/// Why files cannot be used for TLS. Its text contains paths, and nothing of the key.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// A file cannot be read.
    #[error("{}", .0.display())]
    Unreadable(PathBuf, #[source] io::Error),
    /// A file is larger than a mebibyte.
    #[error("{}: it is larger than 1 MiB", .0.display())]
    TooLarge(PathBuf),
    /// A file is not PEM.
    #[error("{}: it is not PEM", .0.display())]
    Malformed(PathBuf, #[source] pem::Error),
    /// A file contains no certificate.
    #[error("{}: it contains no certificate in PEM", .0.display())]
    NoCertificate(PathBuf),
    /// The file of the key contains none.
    #[error("{}: it contains no private key in PEM", .0.display())]
    NoKey(PathBuf),
    /// The key is encrypted.
    #[error(
        "{}: the private key is encrypted, and the server cannot ask for its passphrase; decrypt it, as with \
         `openssl pkey -in FILE -out NEW`", .0.display()
    )]
    EncryptedKey(PathBuf),
    /// The key is another one than that of the certificate.
    #[error("{}: it is not the key of the first certificate in {}", .key.display(), .certificate.display())]
    KeyMismatch {
        /// The file of the certificate.
        certificate: PathBuf,
        /// The file of the key.
        key: PathBuf,
    },
    /// A certificate or key is of a kind that rustls cannot use.
    #[error("{}: it cannot be used", .0.display())]
    Unusable(PathBuf, #[source] Box<dyn std::error::Error + Send + Sync>),
}

impl TlsFiles {
    /// A certificate, followed by those that link it to an authority, and its private key: PKCS#8, PKCS#1 or SEC1, and not
    /// encrypted.
    pub fn new(certificate: impl Into<PathBuf>, key: impl Into<PathBuf>) -> Self {
        let (certificate, key) = (certificate.into(), key.into());
        Self { certificate, key, client_ca: None, minimum_version: TlsVersion::default() }
    }

    /// Requires each client to present a certificate that one of the authorities in this file signed. The handshake of any
    /// other client fails. Sessions are not resumed then, so that each connection proves its certificate.
    #[must_use]
    pub fn client_ca(self, file: impl Into<PathBuf>) -> Self {
        Self { client_ca: Some(file.into()), ..self }
    }

    /// Sets the oldest version that the server accepts; by default, TLS 1.2.
    #[must_use]
    pub fn minimum_version(self, minimum_version: TlsVersion) -> Self {
        Self { minimum_version, ..self }
    }

    /// The paths of all files.
    pub fn paths(&self) -> impl Iterator<Item = &Path> {
        [&self.certificate, &self.key].into_iter().chain(&self.client_ca).map(PathBuf::as_path)
    }

    pub(super) fn stamp(&self) -> Stamp {
        Stamp::of(self.paths())
    }

    /// Reads and checks the files.
    pub(super) fn load(&self) -> Result<(ServerConfig, Option<Certificate>), TlsError> {
        let unusable =
            |file: &Path, error: Box<dyn std::error::Error + Send + Sync>| TlsError::Unusable(file.to_owned(), error);
        let chain = certificates(&self.certificate)?;
        let key = key(&self.key)?;
        let certificate = chain.first().and_then(Certificate::of);
        let provider = Arc::new(default_provider());
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(self.minimum_version.and_newer())
            .map_err(|error| unusable(&self.certificate, error.into()))?;
        let builder = match &self.client_ca {
            None => builder.with_no_client_auth(),
            Some(file) => {
                let mut roots = RootCertStore::empty();
                for certificate in certificates(file)? {
                    roots.add(certificate).map_err(|error| unusable(file, error.into()))?;
                }
                let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build();
                builder.with_client_cert_verifier(verifier.map_err(|error| unusable(file, error.into()))?)
            }
        };
        let mut config = builder.with_single_cert(chain, key).map_err(|error| match error {
            rustls::Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => {
                TlsError::KeyMismatch { certificate: self.certificate.clone(), key: self.key.clone() }
            }
            rustls::Error::InvalidCertificate(_) => unusable(&self.certificate, error.into()),
            error => unusable(&self.key, error.into()),
        })?;
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        if self.client_ca.is_some() {
            // A session would outlive the certificate that began it, and its authority in the file.
            config.session_storage = Arc::new(NoServerSessionStorage {});
            config.send_tls13_tickets = 0;
        } else {
            // Tickets, so that the server keeps nothing of a client that has gone.
            config.ticketer = Ticketer::new().map_err(|error| unusable(&self.key, error.into()))?;
        }
        Ok((config, certificate))
    }
}

/// The supported versions, from the newest.
static VERSIONS: [&SupportedProtocolVersion; 2] = [&version::TLS13, &version::TLS12];

impl TlsVersion {
    fn and_newer(self) -> &'static [&'static SupportedProtocolVersion] {
        match self {
            Self::Tls12 => &VERSIONS,
            Self::Tls13 => &VERSIONS[..1],
        }
    }
}

/// Reads the certificates of a file, at least one.
fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let content = content(file)?;
    let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&content).collect();
    match read {
        Ok(certificates) if certificates.is_empty() => Err(TlsError::NoCertificate(file.to_owned())),
        Ok(certificates) => Ok(certificates),
        Err(error) => Err(TlsError::Malformed(file.to_owned(), error)),
    }
}

/// Reads the first private key of a file.
fn key(file: &Path) -> Result<PrivateKeyDer<'static>, TlsError> {
    let content = content(file)?;
    let has = |text: &[u8]| content.windows(text.len()).any(|window| window == text);
    // The second is the form of OpenSSL before PKCS#8, whose label is that of a key in clear.
    if has(b"-----BEGIN ENCRYPTED PRIVATE KEY-----") || has(b"Proc-Type: 4,ENCRYPTED") {
        return Err(TlsError::EncryptedKey(file.to_owned()));
    }
    // The text of the error may repeat a line of the file.
    PrivateKeyDer::from_pem_slice(&content).map_err(|_| TlsError::NoKey(file.to_owned()))
}

fn content(file: &Path) -> Result<Zeroizing<Vec<u8>>, TlsError> {
    // In one piece, because a vector that grows leaves copies of the key behind.
    let mut content = Zeroizing::new(Vec::with_capacity(64 << 10));
    let read = open(file).and_then(|opened| opened.take(LARGEST + 1).read_to_end(&mut content));
    match read {
        Ok(count) if count as u64 > LARGEST => Err(TlsError::TooLarge(file.to_owned())),
        Ok(_) => Ok(content),
        Err(error) => Err(TlsError::Unreadable(file.to_owned(), error)),
    }
}

/// Opens a regular file. With a named pipe, opening would wait until another program writes to it.
fn open(file: &Path) -> io::Result<File> {
    if !file.metadata()?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a regular file"));
    }
    File::open(file)
}
