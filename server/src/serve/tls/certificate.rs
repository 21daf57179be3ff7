//! What the log says of a certificate.

use std::time::SystemTime;

use rustls::pki_types::CertificateDer;
use sha2::{Digest, Sha256};
use x509_cert::Certificate as Parsed;
use x509_cert::der::Decode;
use x509_cert::ext::pkix::SubjectAltName;
use x509_cert::ext::pkix::name::GeneralName;

/// A certificate, as people tell it from others.
#[derive(Clone, Debug)]
pub(super) struct Certificate {
    /// Its subject, or its host names if it has none.
    pub(super) subject: String,
    /// The SHA-256 of its bytes, in hexadecimal, as `openssl x509 -fingerprint -sha256` prints it.
    pub(super) fingerprint: String,
    pub(super) begins: SystemTime,
    pub(super) ends: SystemTime,
}

impl Certificate {
    /// `None` if the parser, which is stricter than rustls, does not accept it.
    pub(super) fn of(der: &CertificateDer<'_>) -> Option<Self> {
        let parsed = Parsed::from_der(der).ok()?;
        let certificate = parsed.tbs_certificate();
        let subject = certificate.subject();
        let fingerprint: Vec<_> = Sha256::digest(der).iter().map(|byte| format!("{byte:02X}")).collect();
        Some(Self {
            subject: if subject.is_empty() { host_names(&parsed) } else { subject.to_string() },
            fingerprint: fingerprint.join(":"),
            begins: certificate.validity().not_before.to_system_time(),
            ends: certificate.validity().not_after.to_system_time(),
        })
    }
}

fn host_names(certificate: &Parsed) -> String {
    let names = certificate.tbs_certificate().get_extension::<SubjectAltName>().ok().flatten();
    let names = names.into_iter().flat_map(|(_, SubjectAltName(names))| names);
    let hosts = names.filter_map(|name| match name {
        GeneralName::DnsName(name) => Some(name.as_str().to_owned()),
        _ => None,
    });
    hosts.collect::<Vec<_>>().join(", ")
}
