//! A certificate in a file.

use std::net::IpAddr;
use std::path::Path;
use std::time::SystemTime;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use x509_cert::Certificate;
use x509_cert::der::Decode;
use x509_cert::ext::pkix::SubjectAltName;
use x509_cert::ext::pkix::name::GeneralName;

use super::read;
use crate::cli::Failure;

/// What a renewal needs to know of a certificate.
pub(super) struct Issued {
    pub(super) ends: SystemTime,
    /// The hosts and addresses that it is for.
    pub(super) names: Vec<String>,
    issuer: String,
    /// The bits of its public key.
    key: Vec<u8>,
}

impl Issued {
    /// `None` if the file has no certificate.
    pub(super) fn read(file: &Path) -> Result<Option<Self>, Failure> {
        let Ok(der) = CertificateDer::from_pem_slice(read(file)?.as_bytes()) else { return Ok(None) };
        Ok(Certificate::from_der(&der).ok().map(|certificate| {
            let certificate = certificate.tbs_certificate();
            let names = certificate.get_extension::<SubjectAltName>().ok().flatten();
            Self {
                ends: certificate.validity().not_after.to_system_time(),
                names: names.into_iter().flat_map(|(_, SubjectAltName(names))| names).filter_map(text).collect(),
                issuer: certificate.issuer().to_string(),
                key: certificate.subject_public_key_info().subject_public_key.raw_bytes().to_vec(),
            }
        }))
    }

    /// Whether an authority of this name signed it.
    pub(super) fn is_of(&self, issuer: &str) -> bool {
        self.issuer.strip_prefix("CN=") == Some(issuer)
    }

    pub(super) fn has_key(&self, key: &[u8]) -> bool {
        self.key == key
    }
}

fn text(name: GeneralName) -> Option<String> {
    match name {
        GeneralName::DnsName(name) => Some(name.as_str().to_owned()),
        GeneralName::IpAddress(address) => {
            let address = address.as_bytes();
            let v4 = <[u8; 4]>::try_from(address).map(IpAddr::from);
            v4.or_else(|_| <[u8; 16]>::try_from(address).map(IpAddr::from)).ok().map(|address| address.to_string())
        }
        _ => None,
    }
}
