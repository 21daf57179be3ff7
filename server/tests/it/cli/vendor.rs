//! Command lines from InfluxDB 3's documentation.

use rustix::process::Signal;

use super::{create, fail, secret, succeed};
use crate::process::{DataDir, Running, command, finish};

#[test]
fn the_vendors_commands_work_with_the_address_of_the_server_and_a_token() {
    let directory = DataDir::new();
    let argument = directory.argument();
    let operator = create(&argument, &["--admin"]);
    let server = directory.start(&[]);
    let url = server.url();
    let to_server = |arguments: &[&str], short: bool| {
        let host = if short { ["-H", &url] } else { ["--host", &url] };
        succeed(&[arguments, &host, &["--token", secret(&operator), "--tls-ca=ca.pem", &argument]].concat())
    };
    let created = ["create", "token", "--admin", "--name", "my token", "--expiry", "30d"];
    let text = to_server(&created, true);
    assert_eq!(text.lines().filter(|line| line.starts_with("Token: apiv3_")).count(), 1, "{text}");
    for (format, lines) in [("pretty", 4), ("jsonl", 2), ("csv", 3)] {
        let shown = to_server(&["show", "tokens", "--format", format], false);
        assert!(shown.contains("my token") && shown.lines().count() == lines, "{shown}");
    }
    // It has no certificate to check.
    let mut delete = command(&["delete", "token", "--token-name", "my token", "-y", "-H", &url, &argument]);
    delete.env("INFLUXDB3_AUTH_TOKEN", secret(&operator)).env("INFLUXDB3_TLS_NO_VERIFY", "false");
    let (code, out, error) = finish(delete);
    assert!(code == 0 && out.starts_with("Deleted token \"my token\"") && error.is_empty(), "{out} {error}");
    assert!(server.end(Signal::TERM).0.success());
}

#[test]
fn another_server_is_refused_and_a_variable_that_names_it_is_not_an_error() {
    let directory = DataDir::new();
    let argument = directory.argument();
    create(&argument, &["--admin"]);
    let commands = [&["create", "token", "--admin", "--name=x"][..], &["show", "tokens"]];
    let elsewhere = "--host=http://127.0.0.1:1";
    for arguments in commands {
        let error = fail(1, &[arguments, &[elsewhere, &argument]].concat());
        assert!(error.contains("does not run") && error.contains("influxdb3-tokens serve"), "{error}");
    }
    let server = directory.start(&[]);
    for arguments in commands {
        let error = fail(2, &[arguments, &[elsewhere, &argument]].concat());
        assert!(error.contains(&server.address.to_string()) && error.contains("leave out --host"), "{error}");
        let mut by_variable = command(&[arguments, &[&argument]].concat());
        by_variable.env("INFLUXDB3_HOST_URL", "http://127.0.0.1:1").env("INFLUXDB3_TLS_CA", "/nowhere");
        assert_eq!(finish(by_variable).0, 0);
    }
}

#[test]
fn a_service_definition_of_influxdb_starts_the_server_with_one_warning() {
    let directory = DataDir::new();
    let arguments = "--num-io-threads=2 serve --http-bind 127.0.0.1:0 --node-id node0 --object-store=file \
        --disable-authz health,ping --wal-flush-interval 100ms --log-filter info,influxdb3_wal=debug --log-format full \
        --aws-allow-http --plugin-dir /plugins";
    let mut serve = command(&arguments.split_whitespace().collect::<Vec<_>>());
    serve.arg(directory.argument());
    serve.env("INFLUXDB3_NODE_IDENTIFIER_PREFIX", "n").env("INFLUXDB3_START_WITHOUT_AUTH", "false");
    let server = Running::start(serve);
    let (status, log) = server.end(Signal::TERM);
    assert!(status.success(), "{log}");
    let warnings: Vec<_> = log.lines().filter(|line| line.contains("have no effect")).collect();
    let [warning] = &warnings[..] else { panic!("{log}") };
    for option in ["--node-id", "--object-store", "--disable-authz", "--wal-flush-interval", "--aws-allow-http"] {
        assert!(warning.contains(option), "{warning}");
    }
    assert!(!warning.contains("node0") && !warning.contains("--data-dir"), "{warning}");
}

#[test]
fn a_misspelt_option_is_an_error_that_suggests_the_right_one() {
    let error = fail(2, &["serve", "--htp-bind=127.0.0.1:0", "--node-id=a", &DataDir::new().argument()]);
    assert!(error.contains("'--htp-bind'") && error.contains("'--http-bind'"), "{error}");
}

#[test]
fn a_server_without_tokens_is_refused_wherever_it_is_asked_for() {
    let directory = DataDir::new();
    let file = directory.beside("serve.toml");
    std::fs::write(&file, "without-auth = true\n").unwrap();
    let mut by_variable = directory.serve(&[]);
    by_variable.env("INFLUXDB3_START_WITHOUT_AUTH", "1");
    let mut by_file = directory.serve(&["--config", file.to_str().unwrap()]);
    by_file.env("INFLUXDB3_START_WITHOUT_AUTH", "");
    for serve in [directory.serve(&["--without-auth"]), by_variable, by_file] {
        let (code, out, error) = finish(serve);
        assert_eq!((code, &*out), (2, ""));
        assert!(error.contains("leave out --without-auth"), "{error}");
    }
    assert!(!directory.path().exists());
}

#[test]
fn each_format_of_the_log_shows_the_address() {
    for (format, start) in [("full", "20"), ("text", "20"), ("pretty", "20"), ("json", "{"), ("logfmt", "ts=20")] {
        let directory = DataDir::new();
        let mut serve = directory.serve(&[]);
        // The older name of the variable.
        serve.env("LOG_FORMAT", format).env("LOG_FILTER", "info");
        let server = Running::start(serve);
        let address = server.address.to_string();
        let (status, log) = server.end(Signal::TERM);
        assert!(status.success() && log.starts_with(start) && log.contains(&address), "{log}");
        if format == "logfmt" {
            assert!(log.lines().all(|line| line.starts_with("ts=20") && line.contains(" level=")), "{log}");
            assert!(log.contains(&format!(" message=serving address={address} ")), "{log}");
        }
    }
}
