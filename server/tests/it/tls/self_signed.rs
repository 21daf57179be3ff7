//! The certificate that a server makes for its machine, and renews.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use rcgen::{CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, Issuer, KeyPair};
use rustix::process::Signal;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use super::certificates::{trusting, write};
use super::reload::Connection;
use crate::process::{DataDir, Running, delete, finish};

/// The folder of the files.
struct Folder(PathBuf);

impl Folder {
    fn of(directory: &DataDir) -> Self {
        Self(directory.path().join("tls"))
    }

    fn read(&self, file: &str) -> String {
        fs::read_to_string(self.0.join(file)).unwrap()
    }

    fn certificate(&self) -> CertificateDer<'static> {
        CertificateDer::from_pem_slice(self.read("cert.pem").as_bytes()).unwrap()
    }

    /// Replaces the certificate by one that ends in so many days.
    fn age(&self, days: u64) {
        let mut authority = CertificateParams::new(Vec::new()).unwrap();
        authority.distinguished_name = DistinguishedName::new();
        authority.distinguished_name.push(DnType::CommonName, "influxdb3-tokens on this machine");
        let issuer = Issuer::new(authority, KeyPair::from_pem(&self.read("ca-key.pem")).unwrap());
        let names = ["localhost", "127.0.0.1"].map(str::to_owned);
        let mut params = CertificateParams::new(names).unwrap();
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.not_after = (SystemTime::now() + Duration::from_secs(days * 24 * 3600)).into();
        let key = KeyPair::from_pem(&self.read("key.pem")).unwrap();
        write(&self.0.join("cert.pem"), &params.signed_by(&key, &issuer).unwrap().pem());
    }
}

fn start(directory: &DataDir) -> Running {
    directory.start(&["--tls-self-signed"])
}

#[test]
fn a_server_makes_a_certificate_for_its_machine_once() {
    let directory = DataDir::new();
    let folder = Folder::of(&directory);
    let delete = |server: &Running, arguments: &[&str]| {
        let mut delete = delete(&server.url(), 7);
        delete.args(arguments).env("INFLUXDB3_AUTH_TOKEN", "apiv3_unknown");
        finish(delete).0
    };
    let mut made = Vec::new();
    for _ in 0..2 {
        let server = start(&directory);
        assert_eq!(delete(&server, &["--tls-ca", folder.0.join("ca.pem").to_str().unwrap()]), 3);
        assert_eq!(delete(&server, &[]), 5);
        server.end(Signal::TERM);
        made.push(["ca.pem", "cert.pem"].map(|file| folder.read(file)));
        for key in ["key.pem", "ca-key.pem"] {
            assert_eq!(fs::metadata(folder.0.join(key)).unwrap().permissions().mode() & 0o777, 0o600);
        }
    }
    assert!(made[0] == made[1]);
}

#[tokio::test]
async fn a_certificate_that_ends_soon_is_renewed_at_the_start_and_its_clients_need_nothing_new() {
    let directory = DataDir::new();
    let folder = Folder::of(&directory);
    start(&directory).end(Signal::TERM);
    let (ca, key) = (folder.read("ca.pem"), folder.read("key.pem"));
    folder.age(40);
    let old = folder.certificate();
    start(&directory).end(Signal::TERM);
    assert!(folder.certificate() == old, "40 days are enough");

    folder.age(20);
    let old = folder.certificate();
    let server = start(&directory);
    let presented = Connection::open(&server, &trusting(&ca)).await.certificate();
    assert!(presented != old && presented == folder.certificate());
    assert!((folder.read("ca.pem"), folder.read("key.pem")) == (ca, key));
    let (_, log) = server.end(Signal::TERM);
    assert!(log.contains("renewed the certificate") && !log.contains("expires soon"), "{log}");
}

#[tokio::test]
async fn a_running_server_renews_its_certificate() {
    let directory = DataDir::new();
    let folder = Folder::of(&directory);
    let server = start(&directory);
    let ca = folder.read("ca.pem");
    folder.age(20);
    let old = folder.certificate();
    server.signaller()(Signal::HUP);
    server.until_logged("renewed the certificate").await;
    server.until_logged("read the certificate for new connections").await;
    assert!(Connection::open(&server, &trusting(&ca)).await.certificate() != old);
}

#[tokio::test]
async fn a_new_authority_signs_if_the_key_of_the_old_one_is_lost() {
    let directory = DataDir::new();
    let folder = Folder::of(&directory);
    start(&directory).end(Signal::TERM);
    let ca = folder.read("ca.pem");
    folder.age(20);
    fs::remove_file(folder.0.join("ca-key.pem")).unwrap();
    let server = start(&directory);
    assert!(folder.read("ca.pem") != ca);
    Connection::open(&server, &trusting(&folder.read("ca.pem"))).await;
    let (_, log) = server.end(Signal::TERM);
    assert!(log.contains("the clients need its file"), "{log}");
}

#[tokio::test]
async fn the_authority_can_sign_for_this_machine_only() {
    let directory = DataDir::new();
    let folder = Folder::of(&directory);
    let server = start(&directory);
    let config = trusting(&folder.read("ca.pem"));
    Connection::open(&server, &config).await;
    // As somebody would who has stolen the key.
    let mut authority = CertificateParams::new(Vec::new()).unwrap();
    authority.distinguished_name = DistinguishedName::new();
    authority.distinguished_name.push(DnType::CommonName, "influxdb3-tokens on this machine");
    let issuer = Issuer::new(authority, KeyPair::from_pem(&folder.read("ca-key.pem")).unwrap());
    let params = CertificateParams::new(vec!["bank.example".to_owned(), "127.0.0.1".to_owned()]).unwrap();
    let key = KeyPair::from_pem(&folder.read("key.pem")).unwrap();
    write(&folder.0.join("cert.pem"), &params.signed_by(&key, &issuer).unwrap().pem());
    server.signaller()(Signal::HUP);
    server.until_logged("read the certificate for new connections").await;
    assert!(Connection::try_open(&server, &config).await.is_err());
}
