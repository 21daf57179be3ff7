use std::time::Duration;

use influxdb3_tokens_server::TlsFiles;
use tokio::time::sleep;

use super::*;

const RENEWED: [&str; 4] = ["localhost", "127.0.0.1", "::1", "tokens.test"];

fn made() -> (tempfile::TempDir, SelfSigned) {
    let directory = tempfile::tempdir().unwrap();
    let made = SelfSigned::new(directory.path().join("tls"), "tokens.test");
    made.make_if_missing().unwrap();
    (directory, made)
}

fn content(made: &SelfSigned) -> [String; 4] {
    ["cert.pem", "key.pem", "ca.pem", "ca-key.pem"].map(|file| read(&made.folder.join(file)).unwrap())
}

fn days(count: u64) -> SystemTime {
    SystemTime::now() + Duration::from_secs(count * DAY)
}

#[test]
fn a_certificate_is_renewed_30_days_before_its_end_with_its_key_and_its_names() {
    let (_directory, made) = made();
    let before = content(&made);
    assert!(!made.renew(days(366)).unwrap());
    assert!(content(&made) == before);
    assert!(made.renew(days(368)).unwrap());
    let after = content(&made);
    assert!(after[0] != before[0] && after[1..] == before[1..]);
    assert_eq!(Issued::read(&made.certificate()).unwrap().unwrap().names, RENEWED);
}

#[test]
fn an_authority_that_would_end_before_the_certificate_is_replaced() {
    let (_directory, made) = made();
    let before = content(&made);
    assert!(made.renew(days(3650 - 397 + 1)).unwrap());
    let after = content(&made);
    assert!(after[2] != before[2] && after[3] != before[3]);
    // Another server's authority, whose key is not the one beside it.
    std::fs::write(made.folder.join("ca.pem"), &before[2]).unwrap();
    assert!(made.renew(days(368)).unwrap());
    assert!(content(&made)[2] != before[2]);
}

#[test]
fn the_certificate_of_another_authority_is_left_alone() {
    let (_directory, made) = made();
    let key = KeyPair::from_pem(&read(&made.key()).unwrap()).unwrap();
    let other = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).unwrap().self_signed(&key).unwrap();
    for text in [other.pem(), String::new()] {
        std::fs::write(made.certificate(), &text).unwrap();
        assert!(!made.renew(days(1_000_000)).unwrap());
        assert_eq!(read(&made.certificate()).unwrap(), text);
    }
}

#[tokio::test(start_paused = true)]
async fn a_running_server_looks_at_its_certificate_each_hour() {
    let (_directory, made) = made();
    let files = TlsFiles::new(made.certificate(), made.key());
    let tls = Tls::from_files(files).unwrap();
    let ends = tls.not_after().unwrap();
    let renewing = tokio::spawn(made.clone().renew_regularly(tls.clone()));
    sleep(Duration::from_secs(60)).await;
    assert_eq!(tls.not_after(), Some(ends));
    // One that ends soon takes its place.
    let key = KeyPair::from_pem(&read(&made.key()).unwrap()).unwrap();
    let authority = Authority::read(&made.folder, SystemTime::now()).unwrap().unwrap();
    let soon = authority.sign(RENEWED.map(str::to_owned).to_vec(), &key, RENEW_BEFORE / 2).unwrap();
    write(&made.certificate(), &soon).unwrap();
    tls.reload().unwrap();
    assert!(tls.not_after().unwrap() < ends);
    sleep(CHECK).await;
    assert!(tls.not_after().unwrap() >= ends);
    renewing.abort();
}
