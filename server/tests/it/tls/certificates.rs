//! Authorities and their certificates.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
};
use rustls::client::WantsClientCert;
use rustls::crypto::ring::default_provider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ALL_VERSIONS, ClientConfig, ConfigBuilder, RootCertStore, SupportedProtocolVersion};

/// Signs certificates.
pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pub(crate) pem: String,
}

/// A certificate and its key, in PEM.
pub(crate) struct Signed {
    pub(crate) certificate: String,
    pub(crate) key: String,
}

impl Authority {
    pub(crate) fn new() -> Self {
        Self::with(|_| ())
    }

    pub(crate) fn with(change: impl FnOnce(&mut CertificateParams)) -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        params.distinguished_name.push(DnType::CommonName, "an authority of a test");
        change(&mut params);
        let key = KeyPair::generate().unwrap();
        let pem = params.self_signed(&key).unwrap().pem();
        Self { issuer: Issuer::new(params, key), pem }
    }

    /// A certificate for 127.0.0.1 and `localhost`.
    pub(crate) fn server(&self) -> Signed {
        self.sign(&["127.0.0.1", "localhost"], |_| ())
    }

    /// A certificate for a client.
    pub(crate) fn client(&self) -> Signed {
        self.sign(&[], |params| params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth])
    }

    pub(crate) fn sign(&self, names: &[&str], change: impl FnOnce(&mut CertificateParams)) -> Signed {
        let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut params = CertificateParams::new(names).unwrap();
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        change(&mut params);
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        Signed { certificate: certificate.pem(), key: key.serialize_pem() }
    }

    /// Writes the certificate of the authority, and returns its path.
    pub(crate) fn write(&self, folder: &Path, name: &str) -> String {
        write(&folder.join(name), &self.pem)
    }

    /// A client that trusts this authority alone.
    pub(crate) fn trusting(&self) -> ClientConfig {
        trusting(&self.pem)
    }

    /// The same with a certificate of its own, over one of these versions of TLS.
    pub(super) fn presenting(&self, signed: &Signed, versions: &[&'static SupportedProtocolVersion]) -> ClientConfig {
        let key = PrivateKeyDer::from_pem_slice(signed.key.as_bytes()).unwrap();
        trusting_builder(&self.pem, versions).with_client_auth_cert(vec![signed.der()], key).unwrap()
    }
}

/// A client that trusts the authority with this certificate alone.
pub(super) fn trusting(pem: &str) -> ClientConfig {
    trusting_builder(pem, ALL_VERSIONS).with_no_client_auth()
}

fn trusting_builder(
    pem: &str,
    versions: &[&'static SupportedProtocolVersion],
) -> ConfigBuilder<ClientConfig, WantsClientCert> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(pem.as_bytes()).unwrap()).unwrap();
    ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_protocol_versions(versions)
        .unwrap()
        .with_root_certificates(roots)
}

impl Signed {
    /// Writes `tls.crt` and `tls.key`.
    pub(crate) fn write(&self, folder: &Path) {
        fs::create_dir_all(folder).unwrap();
        write(&folder.join("tls.crt"), &self.certificate);
        write(&folder.join("tls.key"), &self.key);
    }

    pub(crate) fn der(&self) -> CertificateDer<'static> {
        CertificateDer::from_pem_slice(self.certificate.as_bytes()).unwrap()
    }
}

/// Writes a file as programs do that renew certificates: the new file takes the place of the old one.
pub(crate) fn write(path: &Path, content: &str) -> String {
    let new = PathBuf::from(format!("{}.new", path.display()));
    fs::write(&new, content).unwrap();
    fs::set_permissions(&new, PermissionsExt::from_mode(0o600)).unwrap();
    fs::rename(&new, path).unwrap();
    path.to_str().unwrap().to_owned()
}

/// The options for the files that [`Signed::write`] writes.
pub(crate) fn options(folder: &Path) -> [String; 2] {
    let option = |option, file| format!("--tls-{option}={}", folder.join(file).display());
    [option("cert", "tls.crt"), option("key", "tls.key")]
}
