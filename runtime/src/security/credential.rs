//! Credentials as security schemes carry them.

use std::borrow::Cow;
use std::fmt;

use bytes::Bytes;

/// A credential that a request carries under a security scheme.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Credential<'r> {
    /// The token of [`SecurityKind::Bearer`](super::SecurityKind::Bearer).
    Bearer(Cow<'r, str>),
    /// The user name and password of [`SecurityKind::Basic`](super::SecurityKind::Basic).
    Basic {
        /// The text before the first colon.
        username: Cow<'r, str>,
        /// The text after it.
        password: Cow<'r, str>,
    },
    /// The key of [`SecurityKind::ApiKey`](super::SecurityKind::ApiKey), decoded.
    ApiKey(Cow<'r, str>),
    /// The certificate of [`SecurityKind::MutualTls`](super::SecurityKind::MutualTls).
    Certificate(&'r PeerCertificate),
}

impl fmt::Debug for Credential<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Credential::Bearer(_) => "Bearer([redacted])",
            Credential::Basic { .. } => "Basic([redacted])",
            Credential::ApiKey(_) => "ApiKey([redacted])",
            Credential::Certificate(_) => "Certificate([redacted])",
        })
    }
}

/// The certificate with which the client of a TLS connection has authenticated itself.
///
/// The code that accepts TLS connections verifies the certificate, as with rustls' `WebPkiClientVerifier`, and inserts it
/// into the extensions of each request of the connection. A client cannot set extensions. Clones share the bytes.
///
/// ```
/// use openapi_stub_runtime::security::PeerCertificate;
///
/// # let der = vec![0x30];
/// # let mut request = http::Request::new(());
/// // With tokio-rustls, `der` is the first of `stream.get_ref().1.peer_certificates()`.
/// let certificate = PeerCertificate::from_der(der);
/// request.extensions_mut().insert(certificate.clone());
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct PeerCertificate(Bytes);

impl PeerCertificate {
    /// The verified end-entity certificate, as DER (RFC 5280).
    pub fn from_der(der: impl Into<Bytes>) -> Self {
        Self(der.into())
    }

    /// The certificate as DER.
    pub fn der(&self) -> &[u8] {
        &self.0
    }
}

/// Omits the contents, which may name a person.
impl fmt::Debug for PeerCertificate {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("PeerCertificate").field("length", &self.0.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_credential_is_not_printed() {
        let certificate = PeerCertificate::from_der("hunter2");
        for credential in [
            Credential::Bearer("hunter2".into()),
            Credential::Basic { username: "hunter2".into(), password: "hunter2".into() },
            Credential::ApiKey("hunter2".into()),
            Credential::Certificate(&certificate),
        ] {
            let printed = format!("{credential:?}");
            assert!(printed.contains("[redacted]") && !printed.contains("hunter2"), "{printed}");
        }
        assert_eq!(format!("{certificate:?}"), "PeerCertificate { length: 7, .. }");
    }
}
