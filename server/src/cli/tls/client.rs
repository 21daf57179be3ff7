//! Which certificates the commands accept from a server.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use clap::builder::BoolishValueParser;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use zeroize::Zeroizing;

use crate::cli::{Failure, warn};

/// Options of a command that calls a server over HTTPS.
#[derive(Args, Clone, Debug, Default)]
pub(in crate::cli) struct TlsClientOptions {
    /// File with certificates in PEM. A server that one of them signed is trusted, as one with a certificate that the
    /// system trusts
    #[arg(long, env = "INFLUXDB3_TLS_CA", value_name = "FILE")]
    tls_ca: Option<PathBuf>,

    /// Accept any certificate. Anyone on the way to the server can then read the token
    #[arg(long, env = "INFLUXDB3_TLS_NO_VERIFY", value_parser = BoolishValueParser::new())]
    tls_no_verify: bool,

    /// File with a certificate in PEM to present, for a server that requires one
    #[arg(long, env = "INFLUXDB3_TLS_CLIENT_CERT", value_name = "FILE", requires = "tls_client_key")]
    tls_client_cert: Option<PathBuf>,

    /// File with its private key in PEM, not encrypted
    #[arg(long, env = "INFLUXDB3_TLS_CLIENT_KEY", value_name = "FILE", requires = "tls_client_cert")]
    tls_client_key: Option<PathBuf>,
}

impl TlsClientOptions {
    /// The configuration of TLS for these options, or `None` if they ask for nothing but the system's certificates.
    /// Prints a warning if any certificate is accepted.
    pub(in crate::cli) fn config(&self) -> Result<Option<ClientConfig>, Failure> {
        if self.tls_ca.is_none() && !self.tls_no_verify && self.tls_client_cert.is_none() {
            return Ok(None);
        }
        let provider = Arc::new(ring::default_provider());
        let builder =
            ClientConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions()?;
        let builder = if self.tls_no_verify {
            warn("--tls-no-verify accepts any certificate, so anyone on the way to the server can read the token");
            builder.dangerous().with_custom_certificate_verifier(Arc::new(AnyCertificate(provider)))
        } else {
            builder.with_root_certificates(self.trusted()?)
        };
        let (Some(certificate), Some(key)) = (&self.tls_client_cert, &self.tls_client_key) else {
            return Ok(Some(builder.with_no_client_auth()));
        };
        // The error of the parser may repeat a line of the file.
        let parsed = PrivateKeyDer::from_pem_slice(&Zeroizing::new(read(key)?));
        let parsed = parsed.map_err(|_| in_file(key, "it contains no private key in PEM that is not encrypted"))?;
        let config = builder.with_client_auth_cert(certificates(certificate)?, parsed);
        config.map(Some).map_err(|error| in_file(key, &error.to_string()))
    }

    /// The certificates of the file, and those of the system.
    fn trusted(&self) -> Result<RootCertStore, Failure> {
        let mut roots = RootCertStore::empty();
        // The system may have none, and some that rustls cannot use.
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        if let Some(file) = &self.tls_ca {
            for certificate in certificates(file)? {
                let added = roots.add(certificate);
                added.map_err(|error| in_file(file, &format!("a certificate cannot be used: {error}")))?;
            }
        }
        Ok(roots)
    }
}

/// Reads the certificates of a file, at least one.
fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, Failure> {
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&read(file)?).collect();
    match certificates {
        Ok(certificates) if certificates.is_empty() => Err(in_file(file, "it contains no certificate in PEM")),
        certificates => certificates.map_err(|error| in_file(file, &format!("it is not PEM: {error}"))),
    }
}

fn read(file: &Path) -> Result<Vec<u8>, Failure> {
    std::fs::read(file).map_err(|error| in_file(file, &error.to_string()))
}

fn in_file(file: &Path, reason: &str) -> Failure {
    format!("{}: {reason}", file.display()).into()
}

/// Accepts any certificate whose key the server has.
#[derive(Debug)]
struct AnyCertificate(Arc<CryptoProvider>);

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signature, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signature, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_trusted_certificates_must_contain_one() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("ca.pem");
        let config = |content: &str| {
            std::fs::write(&file, content).unwrap();
            TlsClientOptions { tls_ca: Some(file.clone()), ..TlsClientOptions::default() }.config()
        };
        for (content, reason) in [
            ("", "no certificate"),
            ("no PEM at all", "no certificate"),
            ("-----BEGIN CERTIFICATE-----\n", "not PEM"),
            ("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "cannot be used"),
        ] {
            let error = config(content).unwrap_err().to_string();
            assert!(error.contains("ca.pem") && error.contains(reason), "{error}");
        }
        let missing = TlsClientOptions { tls_ca: Some(folder.path().join("missing")), ..TlsClientOptions::default() };
        assert!(missing.config().unwrap_err().to_string().contains("missing: "));
        assert!(TlsClientOptions::default().config().unwrap().is_none());
    }
}
