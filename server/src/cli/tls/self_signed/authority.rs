//! The authority that signs the certificate for this machine.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use rcgen::{
    BasicConstraints, CertificateParams, CidrSubnet, DistinguishedName, DnType, ExtendedKeyUsagePurpose,
    GeneralSubtree, IsCa, Issuer, KeyPair, KeyUsagePurpose, NameConstraints, SanType,
};

use super::issued::Issued;
use super::{DAY, read, write};
use crate::cli::Failure;

/// Its name in certificates.
pub(super) const NAME: &str = "influxdb3-tokens on this machine";

/// How long it is valid.
const AUTHORITY_VALID: Duration = Duration::from_secs(3650 * DAY);

/// Its certificate, which clients trust.
pub(super) fn certificate(folder: &Path) -> PathBuf {
    folder.join("ca.pem")
}

fn key(folder: &Path) -> PathBuf {
    folder.join("ca-key.pem")
}

/// An authority whose files are in a folder.
pub(super) struct Authority(Issuer<'static, KeyPair>);

impl Authority {
    /// Makes one that can sign for these names only, and writes its files.
    pub(super) fn make(folder: &Path, names: &[String]) -> Result<Self, Failure> {
        let mut params = params(Vec::new(), NAME, AUTHORITY_VALID)?;
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let permitted = CertificateParams::new(names)?.subject_alt_names.iter().filter_map(subtree).collect();
        params.name_constraints =
            Some(NameConstraints { permitted_subtrees: permitted, excluded_subtrees: Vec::new() });
        let made = KeyPair::generate()?;
        write(&key(folder), &made.serialize_pem())?;
        write(&certificate(folder), &params.self_signed(&made)?.pem())?;
        Ok(Self::with(made)?)
    }

    /// The one of this folder, unless its key is missing, or it ends before `until`.
    pub(super) fn read(folder: &Path, until: SystemTime) -> Result<Option<Self>, Failure> {
        // Older versions forgot the key.
        if !key(folder).exists() {
            return Ok(None);
        }
        let key = KeyPair::from_pem(&read(&key(folder))?)?;
        let certificate = Issued::read(&certificate(folder))?;
        let is_usable = certificate.is_some_and(|of| of.ends >= until && of.has_key(key.public_key_raw()));
        Ok(if is_usable { Some(Self::with(key)?) } else { None })
    }

    fn with(key: KeyPair) -> Result<Self, rcgen::Error> {
        Ok(Self(Issuer::new(params(Vec::new(), NAME, AUTHORITY_VALID)?, key)))
    }

    /// A certificate for a server with these names, in PEM, which is valid for this long.
    pub(super) fn sign(&self, names: Vec<String>, key: &KeyPair, valid: Duration) -> Result<String, rcgen::Error> {
        let mut params = params(names, "influxdb3-tokens", valid)?;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        Ok(params.signed_by(key, &self.0)?.pem())
    }
}

fn params(names: Vec<String>, subject: &str, valid: Duration) -> Result<CertificateParams, rcgen::Error> {
    let mut params = CertificateParams::new(names)?;
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, subject);
    params.not_before = SystemTime::now().into();
    params.not_after = params.not_before + valid;
    Ok(params)
}

/// What an authority that signs for this name may sign.
fn subtree(name: &SanType) -> Option<GeneralSubtree> {
    match name {
        SanType::DnsName(name) => Some(GeneralSubtree::DnsName(name.to_string())),
        SanType::IpAddress(address) => {
            let bits = if address.is_ipv4() { 32 } else { 128 };
            Some(GeneralSubtree::IpAddress(CidrSubnet::from_addr_prefix(*address, bits)))
        }
        _ => None,
    }
}
