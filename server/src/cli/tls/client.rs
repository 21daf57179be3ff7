//! Which certificates the commands accept from a server.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use clap::builder::FalseyValueParser;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};

use crate::cli::{Failure, warn};

/// Options of a command that calls a server over HTTPS.
#[derive(Args, Clone, Debug, Default)]
pub(in crate::cli) struct TlsClientOptions {
    /// File with certificates in PEM. A server that one of them signed is trusted, as one with a certificate that the
    /// system trusts
    #[arg(long, env = "INFLUXDB3_TLS_CA", value_name = "FILE")]
    tls_ca: Option<PathBuf>,

    /// Accept any certificate. Anyone on the way to the server can then read the token
    #[arg(long, env = "INFLUXDB3_TLS_NO_VERIFY", value_parser = FalseyValueParser::new())]
    tls_no_verify: bool,
}

impl TlsClientOptions {
    /// The configuration of TLS for these options, or `None` if they ask for nothing but the system's certificates.
    /// Prints a warning if any certificate is accepted.
    pub(in crate::cli) fn config(&self) -> Result<Option<ClientConfig>, Failure> {
        if self.tls_no_verify {
            warn("--tls-no-verify accepts any certificate, so anyone on the way to the server can read the token");
            return Ok(Some(unverified()?));
        }
        self.tls_ca.as_deref().map(trusting).transpose()
    }
}

/// Trusts the certificates of a file, and those of the system.
fn trusting(file: &Path) -> Result<ClientConfig, Failure> {
    let in_file = |reason: &str| Failure::from(format!("{}: {reason}", file.display()));
    let pem = std::fs::read(file).map_err(|error| in_file(&error.to_string()))?;
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    let certificates = certificates.map_err(|error| in_file(&format!("it is not PEM: {error}")))?;
    if certificates.is_empty() {
        return Err(in_file("it contains no certificate in PEM"));
    }
    let mut roots = RootCertStore::empty();
    // The system may have none, and some that rustls cannot use.
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    for certificate in certificates {
        roots.add(certificate).map_err(|error| in_file(&format!("a certificate cannot be used: {error}")))?;
    }
    let builder = ClientConfig::builder_with_provider(provider()).with_safe_default_protocol_versions()?;
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}

/// Accepts any certificate.
fn unverified() -> Result<ClientConfig, Failure> {
    let provider = provider();
    let verifier = Arc::new(AnyCertificate(Arc::clone(&provider)));
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    Ok(builder.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth())
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
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
            TlsClientOptions { tls_ca: Some(file.clone()), tls_no_verify: false }.config()
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
        let missing = TlsClientOptions { tls_ca: Some(folder.path().join("missing")), tls_no_verify: false };
        assert!(missing.config().unwrap_err().to_string().contains("missing: "));
        assert!(TlsClientOptions::default().config().unwrap().is_none());
    }
}
