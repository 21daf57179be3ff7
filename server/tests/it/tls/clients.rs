//! Clients over TLS: curl, the commands, and the contract kit.

use std::process::Command;

use rustix::process::Signal;

use super::certificates::{Authority, options, write};
use crate::process::{DataDir, Running, command, delete, finish};

/// A server with a certificate, and the file of the authority that signed it.
struct Served {
    directory: DataDir,
    server: Running,
    ca: String,
}

fn serve(authority: &Authority, arguments: &[&str]) -> Served {
    let directory = DataDir::new();
    authority.server().write(&directory.beside(""));
    let ca = authority.write(&directory.beside(""), "ca.pem");
    let files = options(&directory.beside(""));
    let server = directory.start(&[&[&*files[0], &files[1]], arguments].concat());
    Served { directory, server, ca }
}

impl Served {
    /// What curl prints for the head of a response, and its version of HTTP; or else why it failed.
    fn curl(&self, arguments: &[&str]) -> Result<String, String> {
        self.curl_at(&self.server.url(), arguments)
    }

    fn curl_at(&self, url: &str, arguments: &[&str]) -> Result<String, String> {
        let mut curl = Command::new("curl");
        curl.args(["--silent", "--show-error", "--max-time", "50", "--noproxy", "*", "--cacert", &self.ca]);
        curl.args(["--output", "/dev/null", "--write-out", "%{http_version} %{http_code}"]).args(arguments).arg(url);
        match finish(curl) {
            (0, out, _) => Ok(out),
            (_, _, error) => Err(error),
        }
    }
}

#[test]
fn curl_gets_an_answer_over_each_version_of_http_and_tls() {
    let served = serve(&Authority::new(), &[]);
    for tls in [&["--tlsv1.3"][..], &["--tlsv1.2", "--tls-max", "1.2"]] {
        for (http, version) in [("--http1.1", "1.1"), ("--http2", "2"), ("--no-alpn", "1.1")] {
            let answer = served.curl(&[tls, &[http]].concat());
            assert_eq!(answer.as_deref(), Ok(&*format!("{version} 404")), "{tls:?} {http}");
        }
    }
    // Two requests of one connection.
    let url = served.server.url();
    let (code, out, _) = finish({
        let mut curl = Command::new("curl");
        curl.args([
            "--silent",
            "--noproxy",
            "*",
            "--cacert",
            &served.ca,
            "--write-out",
            "%{num_connects},",
            &url,
            &url,
        ]);
        curl.args(["--output", "/dev/null", "--output", "/dev/null"]);
        curl
    });
    assert_eq!((code, &*out), (0, "1,0,"));
    let (status, log) = served.server.end(Signal::TERM);
    assert!(status.success() && !log.contains("ERROR"), "{log}");
}

#[test]
fn an_older_version_than_the_minimum_is_refused() {
    let served = serve(&Authority::new(), &["--tls-minimum-version=tls-1.3"]);
    served.curl(&["--tls-max", "1.2"]).unwrap_err();
    assert_eq!(served.curl(&["--tlsv1.3"]).as_deref(), Ok("2 404"));
    let served = serve(&Authority::new(), &[]);
    served.curl(&["--tlsv1.0", "--tls-max", "1.1", "--ciphers", "DEFAULT@SECLEVEL=0"]).unwrap_err();
}

#[test]
fn http_without_tls_is_answered_with_400() {
    let served = serve(&Authority::new(), &[]);
    let url = served.server.url().replace("https", "http");
    assert_eq!(served.curl_at(&url, &[]).as_deref(), Ok("1.1 400"));
}

#[test]
fn a_client_certificate_is_required_with_the_option() {
    let (authority, other) = (Authority::new(), Authority::new());
    let root = DataDir::new();
    let clients = Authority::new();
    let client_ca = format!("--tls-client-ca={}", clients.write(&root.beside(""), "clients.pem"));
    let served = serve(&authority, &[&client_ca, "--log-filter=info,influxdb3_tokens_server=debug"]);
    let certificate = |authority: &Authority, name: &str| {
        authority.client().write(&root.beside(name));
        let at = |file| root.beside(name).join(file).to_str().unwrap().to_owned();
        [at("tls.crt"), at("tls.key")]
    };
    let [good, key] = certificate(&clients, "good");
    for tls in ["1.2", "1.3"] {
        for arguments in [&["--http1.1"][..], &["--http2"]] {
            let arguments = [&["--tls-max", tls, "--cert", &good, "--key", &key], arguments].concat();
            assert!(served.curl(&arguments).unwrap().ends_with(" 404"), "{arguments:?}");
        }
        served.curl(&["--tls-max", tls]).unwrap_err();
        for (authority, name) in [(&other, "stranger"), (&authority, "server")] {
            let [bad, key] = certificate(authority, name);
            served.curl(&["--tls-max", tls, "--cert", &bad, "--key", &key]).unwrap_err();
        }
    }
    let delete = |arguments: &[&str]| {
        let mut delete = delete(&served.server.url(), 7);
        delete.args(["--tls-ca", &served.ca]).args(arguments).env("INFLUXDB3_AUTH_TOKEN", "apiv3_unknown");
        finish(delete)
    };
    assert_eq!(delete(&["--tls-client-cert", &good, "--tls-client-key", &key]).0, 3);
    assert_eq!(delete(&["--tls-client-cert", &good]).0, 2);
    let (code, _, error) = delete(&["--tls-client-cert", &good, "--tls-client-key", &good]);
    assert!(code == 1 && error.contains("no private key"), "{error}");
    assert_eq!(delete(&[]).0, 5);

    let (_, log) = served.server.end(Signal::TERM);
    let failures = log.lines().filter(|line| line.contains("a TLS handshake failed")).collect::<Vec<_>>();
    assert!(failures.len() >= 6, "{log}");
    assert!(failures.iter().all(|line| line.contains("DEBUG") && line.contains("peer=127.0.0.1:")), "{log}");
}

#[test]
fn the_commands_trust_the_certificates_of_a_file_or_any() {
    let authority = Authority::new();
    let served = serve(&authority, &[]);
    let delete = |arguments: &[&str]| {
        let mut delete = delete(&served.server.url(), 7);
        delete.args(arguments).env("INFLUXDB3_AUTH_TOKEN", "apiv3_unknown");
        delete
    };
    const UNAUTHORIZED: i32 = 3;
    const NO_RESPONSE: i32 = 5;
    let (code, _, error) = finish(delete(&["--tls-ca", &served.ca]));
    assert_eq!((code, error.contains("credential")), (UNAUTHORIZED, true), "{error}");
    let mut by_variable = delete(&[]);
    by_variable.env("INFLUXDB3_TLS_CA", &served.ca);
    assert_eq!(finish(by_variable).0, UNAUTHORIZED);

    let (code, _, error) = finish(delete(&[]));
    assert!(code == NO_RESPONSE && error.contains("UnknownIssuer"), "{code}: {error}");
    let other = Authority::new().write(&served.directory.beside(""), "other.pem");
    assert_eq!(finish(delete(&["--tls-ca", &other])).0, NO_RESPONSE);
    let (code, _, error) = finish(delete(&["--tls-ca", "missing.pem"]));
    assert!(code == 1 && error.contains("missing.pem"), "{code}: {error}");

    let (code, _, error) = finish(delete(&["--tls-no-verify"]));
    assert!(code == UNAUTHORIZED && error.contains("warning: --tls-no-verify"), "{code}: {error}");
    let mut by_variable = delete(&[]);
    by_variable.env("INFLUXDB3_TLS_NO_VERIFY", "true");
    assert_eq!(finish(by_variable).0, UNAUTHORIZED);
    let mut by_variable = delete(&[]);
    by_variable.env("INFLUXDB3_TLS_NO_VERIFY", "false");
    assert_eq!(finish(by_variable).0, NO_RESPONSE);
}

#[test]
fn a_certificate_for_another_host_is_only_accepted_unverified() {
    let authority = Authority::new();
    let directory = DataDir::new();
    authority.sign(&["elsewhere.test"], |_| ()).write(&directory.beside(""));
    let ca = authority.write(&directory.beside(""), "ca.pem");
    let server = directory.start(&options(&directory.beside("")).each_ref().map(String::as_str));
    let delete = |arguments: &[&str]| {
        let mut delete = delete(&server.url(), 7);
        delete.args(arguments).env("INFLUXDB3_AUTH_TOKEN", "apiv3_unknown");
        finish(delete).0
    };
    assert_eq!((delete(&["--tls-ca", &ca]), delete(&["--tls-no-verify"])), (5, 3));
}

#[tokio::test]
async fn the_contract_holds_over_https() {
    let served = {
        let authority = Authority::new();
        let directory = DataDir::new();
        let operator = directory.operator().await;
        authority.server().write(&directory.beside(""));
        write(&directory.beside("operator"), &operator);
        let ca = authority.write(&directory.beside(""), "ca.pem");
        let server = directory.start(&options(&directory.beside("")).each_ref().map(String::as_str));
        Served { directory, server, ca }
    };
    let operator = std::fs::read_to_string(served.directory.beside("operator")).unwrap();
    let program = env!("CARGO_BIN_EXE_influxdb3-tokens");
    let provision = format!("{program} create --format json {}", served.directory.argument());
    for http2 in [&[][..], &["--http2"]] {
        let mut check = command(&["contract", "--host", &served.server.url(), "--tls-ca", &served.ca]);
        check.args(["--provision", &provision]).args(http2).env("INFLUXDB3_AUTH_TOKEN", &operator);
        let (code, out, error) = finish(check);
        assert_eq!(code, 0, "{out}{error}");
    }
}
