//! A certificate for this machine, to try HTTPS with.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};

use crate::cli::Failure;

/// How long the certificate is valid. Browsers accept no longer time.
const VALID: Duration = Duration::from_secs(397 * 24 * 3600);

/// Makes `cert.pem` and `key.pem` in a folder, and `ca.pem` for the clients, unless it has all three. Returns the paths of
/// the first two.
///
/// An authority signs the certificate, because not every client trusts a certificate that signs itself. The key of the
/// authority is forgotten, so nothing else can be signed with it.
pub(super) fn make_unless_present(folder: &Path, host: &str) -> Result<(PathBuf, PathBuf), Failure> {
    if let Some(present) = present(folder) {
        return Ok(present);
    }
    let [certificate, key, ca] = files(folder);
    let made = make(host)?;
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(|error| at(folder, &error))?;
    for (file, content) in [(&key, made.key), (&certificate, made.certificate), (&ca, made.ca)] {
        write(file, &content).map_err(|error| at(file, &error))?;
    }
    Ok((certificate, key))
}

/// The certificate and the key of a folder that has all three files.
pub(super) fn present(folder: &Path) -> Option<(PathBuf, PathBuf)> {
    let files = files(folder);
    let is_complete = files.iter().all(|file| file.exists());
    let [certificate, key, _] = files;
    is_complete.then_some((certificate, key))
}

fn files(folder: &Path) -> [PathBuf; 3] {
    ["cert.pem", "key.pem", "ca.pem"].map(|name| folder.join(name))
}

struct Made {
    certificate: String,
    key: String,
    ca: String,
}

fn make(host: &str) -> Result<Made, rcgen::Error> {
    let mut ca = params(Vec::new(), "influxdb3-tokens on this machine")?;
    ca.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    ca.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let ca_key = KeyPair::generate()?;
    let ca_pem = ca.self_signed(&ca_key)?.pem();

    let mut names = vec!["localhost".to_owned(), "127.0.0.1".to_owned(), "::1".to_owned()];
    if !names.iter().any(|name| name == host) {
        names.push(host.to_owned());
    }
    let mut server = params(names, "influxdb3-tokens")?;
    server.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    server.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    server.use_authority_key_identifier_extension = true;
    let key = KeyPair::generate()?;
    let certificate = server.signed_by(&key, &Issuer::new(ca, ca_key))?;
    Ok(Made { certificate: certificate.pem(), key: key.serialize_pem(), ca: ca_pem })
}

fn params(names: Vec<String>, subject: &str) -> Result<CertificateParams, rcgen::Error> {
    let mut params = CertificateParams::new(names)?;
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, subject);
    params.not_before = SystemTime::now().into();
    params.not_after = params.not_before + VALID;
    Ok(params)
}

/// Writes a file that only this user can read.
fn write(file: &Path, content: &str) -> std::io::Result<()> {
    let mut opened = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(file)?;
    opened.write_all(content.as_bytes())
}

fn at(path: &Path, error: &std::io::Error) -> Failure {
    format!("{}: {error}", path.display()).into()
}
