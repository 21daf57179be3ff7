//! The files of a server's certificate and key.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use rustix::process::Signal;

use super::certificates::{Authority, options, write};
use crate::process::{DataDir, command, finish};

#[test]
fn a_server_does_not_start_with_files_that_it_cannot_use() {
    let authority = Authority::new();
    let (server, other) = (authority.server(), authority.server());
    let encrypted = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIIB\n-----END ENCRYPTED PRIVATE KEY-----\n";
    let older = "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\nMIIB\n-----END RSA PRIVATE KEY-----\n";
    let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    for (certificate, key, file, reason) in [
        (&*server.certificate, &*other.key, "tls.key", "it is not the key of the first certificate in"),
        (&server.certificate, encrypted, "tls.key", "encrypted"),
        (&server.certificate, older, "tls.key", "encrypted"),
        (&server.certificate, &server.certificate, "tls.key", "no private key"),
        (&server.certificate, "", "tls.key", "no private key"),
        (&server.certificate, "-----BEGIN PRIVATE KEY-----\nhunter2\n", "tls.key", "no private key"),
        (&server.key, &server.key, "tls.crt", "no certificate"),
        ("", &server.key, "tls.crt", "no certificate"),
        (broken, &server.key, "tls.crt", "cannot be used"),
    ] {
        let directory = DataDir::new();
        write(&directory.beside("tls.crt"), certificate);
        write(&directory.beside("tls.key"), key);
        let files = options(&directory.beside(""));
        let (code, _, error) = finish(directory.serve(&[&files[0], &files[1]]));
        let line = error.lines().find(|line| line.starts_with("error: ")).unwrap_or_default();
        assert!(code == 1 && line.contains(file) && line.contains(reason), "{reason}: {error}");
        assert!(!error.contains("hunter2"), "{error}");
    }
    let directory = DataDir::new();
    let files = options(&directory.beside(""));
    let (code, _, error) = finish(directory.serve(&[&files[0], &files[1]]));
    assert!(code == 1 && error.contains("tls.crt: No such file"), "{error}");
    // A named pipe would be waited for.
    assert!(finish(pipe(&directory.beside("tls.crt"))).0 == 0);
    let (code, _, error) = finish(directory.serve(&[&files[0], &files[1]]));
    assert!(code == 1 && error.contains("tls.crt: it is not a regular file"), "{error}");
}

fn pipe(file: &Path) -> Command {
    let mut command = Command::new("mkfifo");
    command.arg(file);
    command
}

#[test]
fn a_certificate_without_its_key_is_wrong_usage() {
    for (argument, missing) in [("--tls-cert=a", "--tls-key"), ("--tls-key=a", "--tls-cert")] {
        let (code, _, error) = finish(command(&["serve", argument]));
        assert!(code == 2 && error.contains(missing), "{error}");
    }
    let mut by_variable = command(&["serve"]);
    by_variable.env("INFLUXDB3_TLS_CERT", "a");
    assert_eq!(finish(by_variable).0, 2);
}

#[test]
fn the_log_says_which_certificate_is_used_and_warns_of_one_that_clients_reject() {
    let authority = Authority::new();
    let year = |year| rcgen::date_time_ymd(year, 1, 1);
    let now = std::time::SystemTime::now();
    let [soon, late] = [1, 100].map(|days| now + std::time::Duration::from_secs(days * 24 * 3600));
    for (begins, ends, warning) in [
        (year(2001), year(2002), "the certificate has expired"),
        (year(2101), year(2102), "the certificate is not valid yet"),
        (year(2001), soon.into(), "the certificate expires soon"),
        (year(2001), late.into(), ""),
    ] {
        let directory = DataDir::new();
        let signed = authority.sign(&["127.0.0.1"], |params| {
            params.distinguished_name.push(rcgen::DnType::OrganizationName, "red\u{1b}[31m");
            (params.not_before, params.not_after) = (begins, ends);
        });
        signed.write(&directory.beside(""));
        let server = directory.start(&options(&directory.beside("")).each_ref().map(String::as_str));
        let (_, log) = server.end(Signal::TERM);
        let digest = {
            use sha2::{Digest, Sha256};
            Sha256::digest(signed.der()).iter().map(|byte| format!("{byte:02X}")).collect::<Vec<_>>().join(":")
        };
        assert!(log.contains(&digest) && log.contains("expires=") && !log.contains('\u{1b}'), "{log}");
        let warnings: Vec<_> =
            log.lines().filter(|line| line.contains("WARN") && line.contains("certificate")).collect();
        match warning {
            "" => assert!(warnings.is_empty(), "{log}"),
            _ => assert!(warnings.len() == 1 && warnings[0].contains(warning), "{log}"),
        }
    }
}

#[test]
fn a_key_that_every_user_can_read_is_warned_of() {
    let directory = DataDir::new();
    Authority::new().server().write(&directory.beside(""));
    let files = options(&directory.beside(""));
    for (mode, warns) in [(0o600, false), (0o640, false), (0o644, true)] {
        fs::set_permissions(directory.beside("tls.key"), PermissionsExt::from_mode(mode)).unwrap();
        let (_, log) = directory.start(&[&files[0], &files[1]]).end(Signal::TERM);
        assert_eq!(log.contains("every user of this machine can read the private key"), warns, "{mode:o}: {log}");
    }
}
