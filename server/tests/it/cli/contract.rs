//! `contract`

use std::fs::File;
use std::io::Read;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use influxdb3_token_api::models::Secret;
use influxdb3_token_contract::Contract;
use rustix::process::Pid;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

use super::{create, secret, succeed};
use crate::blocking::{block, kill};
use crate::process::{DataDir, Running, command, finish, install};

/// A server, its operator token, and a script that creates further tokens and records its output.
struct Checked {
    directory: DataDir,
    server: Running,
    operator: String,
}

impl Checked {
    fn new() -> Self {
        let directory = DataDir::new();
        let operator = secret(&create(&directory.argument(), &["--admin"])).to_owned();
        let server = directory.start(&[]);
        let checked = Self { directory, server, operator };
        let create =
            format!("{} create --format json {}", env!("CARGO_BIN_EXE_influxdb3-tokens"), checked.directory.argument());
        let script = format!("#!/bin/sh\n{create} \"$@\" | tee -a '{}'\n", checked.printed().display());
        let written = checked.directory.beside("written");
        std::fs::write(&written, script).unwrap();
        install(written, &checked.script());
        checked
    }

    fn script(&self) -> PathBuf {
        self.directory.beside("provision.sh")
    }

    fn printed(&self) -> PathBuf {
        self.directory.beside("printed")
    }

    /// The secrets of all tokens.
    fn secrets(&self) -> Vec<String> {
        let printed = std::fs::read_to_string(self.printed()).unwrap_or_default();
        let printed = serde_json::Deserializer::from_str(&printed).into_iter().map(Result::unwrap);
        printed.map(|token| secret(&token).to_owned()).chain([self.operator.clone()]).collect()
    }

    fn check(&self, path: &str, arguments: &[&str]) -> Command {
        let mut check = command(&["contract", "--host", &format!("{}{path}", self.server.url())]);
        check.args(arguments).env("INFLUXDB3_AUTH_TOKEN", &self.operator);
        check
    }

    fn provision(&self) -> String {
        format!("--provision={}", self.script().display())
    }

    fn expect_no_secret(&self, texts: &[&str]) {
        for secret in self.secrets() {
            assert!(!texts.iter().any(|text| text.contains(&secret)));
        }
    }
}

#[test]
fn a_right_server_passes_every_case_and_no_token_is_left_behind() {
    let checked = Checked::new();
    let (junit, json) = (checked.directory.beside("junit.xml"), checked.directory.beside("report.json"));
    let files = [format!("--junit={}", junit.display()), format!("--json={}", json.display())];
    let (code, out, error) = finish(checked.check("", &[&checked.provision(), &files[0], &files[1]]));
    assert_eq!((code, &*error), (0, ""), "{out}");
    assert!(out.contains(" passed, 0 failed, 0 not covered"), "{out}");
    assert!(out.contains(" declared responses (100 %)"), "{out}");
    assert!(!out.contains('\x1b'), "{out}");

    let (junit, json) = (std::fs::read_to_string(junit).unwrap(), std::fs::read_to_string(json).unwrap());
    let suites = quick_junit::Report::deserialize_from_str(&junit).unwrap().test_suites;
    let report: serde_json::Value = serde_json::from_str(&json).unwrap();
    let tested: usize = suites.iter().map(|suite| suite.test_cases.len()).sum();
    assert_eq!(tested, report["cases"].as_array().unwrap().len());
    assert_eq!(report["cases"][0]["outcome"], "passed");
    assert!(checked.secrets().len() > 10);
    checked.expect_no_secret(&[&out, &junit, &json]);

    let left = succeed(&["show", "--format=json", &checked.directory.argument()]);
    let left: Vec<serde_json::Value> = serde_json::from_str(&left).unwrap();
    assert_eq!(left.len(), 1, "{left:?}");
}

#[test]
fn a_wrong_server_fails_with_a_command_that_repeats_each_request() {
    let checked = Checked::new();
    // The server answers 404 below this path, with a body.
    let junit = checked.directory.beside("junit.xml");
    let arguments = [&*checked.provision(), "--verbose", "--junit", junit.to_str().unwrap()];
    let (code, out, error) = finish(checked.check("/elsewhere", &arguments));
    assert_eq!((code, &*error), (1, ""), "{out}");
    let operation = influxdb3_token_api::OPERATIONS.iter().find(|operation| operation.id == "DeleteToken").unwrap();
    let target = format!("{}?{}=", operation.path, operation.parameters[0].name);
    let line = format!("-H \"authorization: Bearer ${{TOKEN}}\" \"{}/elsewhere{target}", checked.server.url());
    assert!(out.contains("failed DeleteToken/effects/no-token: ") && out.contains(&line), "{out}");
    assert!(out.contains("\n  401 is answered as 404: "), "{out}");
    assert!(out.contains(&format!("> DELETE {target}")) && out.contains("< 404 Not Found"), "{out}");
    let junit = std::fs::read_to_string(junit).unwrap();
    let suites = quick_junit::Report::deserialize_from_str(&junit).unwrap().test_suites;
    assert!(suites[0].failures > 0);
    assert!(suites[0].system_out.as_ref().unwrap().as_str().contains("401 is answered as 404: "), "{junit}");
    checked.expect_no_secret(&[&out, &junit]);

    // By default, each cause has one case whole.
    let (code, short, error) = finish(checked.check("/elsewhere", &[&checked.provision()]));
    assert_eq!((code, &*error), (1, ""), "{short}");
    assert!(5 * short.lines().count() < out.lines().count(), "{short}");
    checked.expect_no_secret(&[&short]);
}

#[test]
fn a_server_that_cannot_be_checked_exits_with_2_and_the_reason() {
    let checked = Checked::new();
    let (broken, missing) = (checked.directory.beside("broken.json"), checked.directory.beside("missing.json"));
    std::fs::write(&broken, format!("[{}", checked.operator)).unwrap();
    let broken = broken.to_str().unwrap();
    for (arguments, reason) in [
        (&["--host=http://127.0.0.1:1"][..], "http://127.0.0.1:1: the server does not answer: "),
        (
            &["--token=apiv3_wrong"],
            "the server rejects the token with 401; it must be an admin token; the response says \"{\"error\":",
        ),
        (&["--host=localhost:8181"], "\"localhost:8181\" is not the address of a server"),
        (&["--provision=influxdb3-no-such-command"], "ended with exit status: 127"),
        (&["--tokens", broken], "broken.json: not a JSON array of tokens"),
        (&["--tokens", missing.to_str().unwrap()], "missing.json: No such file"),
    ] {
        let mut check = command(&["contract"]);
        check.env("INFLUXDB3_HOST_URL", checked.server.url()).env("INFLUXDB3_AUTH_TOKEN", &checked.operator);
        check.args(arguments);
        let (code, out, error) = finish(check);
        assert_eq!((code, &*out), (2, ""), "{arguments:?}: {error}");
        assert!(error.starts_with("error: ") && error.contains(reason), "{arguments:?}: {error}");
        checked.expect_no_secret(&[&error]);
    }
}

#[test]
fn an_incomplete_check_fails_unless_it_is_allowed() {
    let checked = Checked::new();
    for (arguments, expected) in [(&[][..], 2), (&["--allow-incomplete"], 0)] {
        let (code, out, error) = finish(checked.check("", arguments));
        assert_eq!((code, &*error), (expected, ""), "{out}");
        assert!(out.contains("not reached: DeleteToken 401"), "{out}");
        assert!(out.contains("\n  nothing supplies tokens: "), "{out}");
        assert!(out.lines().count() < 60, "{out}");
    }
}

#[test]
fn a_terminal_gets_colours_and_progress() {
    let checked = Checked::new();
    let mut check = checked.check("", &[&checked.provision()]);
    check.env("TERM", "xterm-256color").env_remove("NO_COLOR").env_remove("CLICOLOR");
    let terminal = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&terminal).unwrap();
    unlockpt(&terminal).unwrap();
    let name = ptsname(&terminal, Vec::new()).unwrap().into_string().unwrap();
    let end = File::options().read(true).write(true).open(name).unwrap();
    check.stdout(Stdio::from(end.try_clone().unwrap())).stderr(Stdio::from(end));
    let mut process = check.spawn().unwrap();
    // `check` holds the other end of the terminal.
    drop(check);

    let id = Pid::from_child(&process);
    let read = move || {
        let (mut shown, mut master) = (Vec::new(), File::from(terminal));
        // Reading ends with an error once nothing holds the other end.
        let _ = master.read_to_end(&mut shown);
        (process.wait().unwrap(), shown)
    };
    let (status, shown) = block("the end of the command", read, || kill(id));
    assert!(status.success());
    let shown = String::from_utf8_lossy(&shown);
    let cases = Contract::new(checked.server.url(), Secret(String::new())).cases().len();
    assert!(shown.contains("\x1b[32m") && shown.contains(" passed, 0 failed"), "{shown}");
    assert!(shown.contains(&format!("/{} ", cases)), "{shown}");
    checked.expect_no_secret(&[&shown]);
}
