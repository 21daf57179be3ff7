//! The address of a server on the command line: a wrong one, and one with a password.

use std::io::{Read, Write};
use std::net::TcpListener;

use super::confirmation::answer;
use super::{create, secret};
use crate::document::Token;
use crate::process::{DataDir, command, delete, delete_here, finish};

#[test]
fn a_scheme_that_the_server_does_not_speak_is_an_error_that_names_the_other() {
    let directory = DataDir::new();
    let operator = create(&directory.argument(), &["--admin"]);
    let error = |url: &str| {
        let mut delete = delete(url, 7);
        delete.args(["--token", secret(&operator), "--tls-no-verify"]);
        let (code, out, error) = finish(delete);
        assert!(code != 0 && out.is_empty(), "{error}");
        error
    };
    let plain = directory.start(&[]);
    let address = plain.address;
    let shown = error(&format!("https://{address}"));
    assert!(shown.contains(&format!("does not speak TLS on this port; use --host http://{address}")), "{shown}");
    drop(plain);

    let tls = directory.start(&["--tls-self-signed"]);
    assert!(error(&format!("http://{}", tls.address)).contains("use https"));
    // Another server with TLS may answer an HTTP request with an alert.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut request = [0; 4096];
        assert!(stream.read(&mut request).unwrap() > 0);
        stream.write_all(b"\x15\x03\x03\x00\x02\x02\x0a").unwrap();
    });
    let shown = error(&url);
    let advice = format!("if the server speaks TLS on this port, use --host {}", url.replace("http", "https"));
    assert!(shown.contains(&advice), "{shown}");
}

#[test]
fn a_missing_token_is_an_error_that_names_the_option_and_the_variable() {
    for (arguments, variable, expected) in [
        (&["delete", "--id=1"][..], None, "give --token, or set the variable INFLUXDB3_AUTH_TOKEN\n"),
        (&["contract"], None, "give --token, or set the variable INFLUXDB3_AUTH_TOKEN\n"),
        (&["delete", "--id=1"], Some(""), "set the variable INFLUXDB3_AUTH_TOKEN, which is empty\n"),
    ] {
        let mut command = command(arguments);
        command.envs(variable.map(|value| ("INFLUXDB3_AUTH_TOKEN", value)));
        let (code, _, error) = finish(command);
        assert!(code == 2 && error.contains(expected), "{error}");
    }
}

#[test]
fn a_password_in_the_address_of_a_server_is_never_shown() {
    let directory = DataDir::new();
    let argument = directory.argument();
    create(&argument, &["--admin"]);
    let server = directory.start(&[]);
    let hosts = ["http://user:hunter2@127.0.0.1:1", "http://user:hun/hunter2@127.0.0.1", "user:hunter2@127.0.0.1"];
    let mut shown = Vec::new();
    for host in hosts.into_iter().chain([&*server.url().replace("://", "://user:hunter2@")]) {
        let over_http = || {
            let mut delete = delete(host, 7);
            delete.arg("--token=a");
            delete
        };
        shown.push(answer("no\n", over_http()).1);
        let host = format!("--host={host}");
        let mut by_name = delete_here(&argument, Token::OPERATOR);
        by_name.args(["--token=a", &host]);
        for command in [
            by_name,
            over_http(),
            command(&["show", &host, &argument]),
            command(&["create", "--admin", "--name=a", &host, "--format=text", &argument, "--expiry=1x"]),
            command(&["contract", "--token=a", &host]),
        ] {
            let (_, out, error) = finish(command);
            shown.push(out + &error);
        }
    }
    for arguments in [["delete", "token"], ["serve", "--http-bind"]] {
        let (code, _, error) = finish(command(&[&arguments[..], &[hosts[0]]].concat()));
        assert_eq!(code, 2);
        shown.push(error);
    }
    for (name, arguments) in [
        ("INFLUXDB3_HOST_URL", &["delete", "--help"][..]),
        ("INFLUXDB3_HOST_URL", &["contract", "--help"]),
        ("INFLUXDB3_ADMIN_TOKEN_FILE", &["serve", "--check-config"]),
    ] {
        let mut command = command(arguments);
        command.env(name, "http://user:hunter2@127.0.0.1:1").current_dir(directory.beside(""));
        let (_, out, error) = finish(command);
        assert!(out.contains(name), "{error}");
        shown.push(out + &error);
    }
    for shown in &shown {
        assert!(!shown.is_empty() && !shown.contains("hunter2"), "{shown}");
    }
    assert!(shown[0].contains(" of http://127.0.0.1:1?"), "{}", shown[0]);
}

#[test]
fn an_error_does_not_repeat_a_token_among_the_arguments() {
    let token = format!("apiv3_{}", "x".repeat(86));
    for arguments in [["delete", "token", &token], ["show", "tokens", &token], ["serve", "--data-dir=/nowhere", &token]]
    {
        let (code, _, error) = finish(command(&arguments));
        assert!(code != 0 && error.contains("apiv3[redacted]") && !error.contains(&token), "{error}");
    }
}
