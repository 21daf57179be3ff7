//! Where `serve` takes its values from.

use std::fs;
use std::process::Command;

use rustix::process::Signal;

use super::{create, fail, secret, selected, set_mode, succeed};
use crate::process::{DataDir, Running, command, delete_here, finish};

/// What `--check-config` prints, run in the folder that has the data directory, where `.env` is read.
fn checked(directory: &DataDir, arguments: &[&str], variables: &[(&str, &str)]) -> (i32, String, String) {
    let mut check = command(&[&["serve", "--check-config"], arguments].concat());
    check.current_dir(directory.path().parent().unwrap()).envs(variables.iter().copied());
    finish(check)
}

fn write(directory: &DataDir, name: &str, text: &str) {
    let file = directory.beside(name);
    fs::write(&file, text).unwrap();
    set_mode(&file, 0o600);
}

#[test]
fn a_value_comes_from_the_first_place_that_has_one() {
    let directory = DataDir::new();
    let variable = [("INFLUXDB3_TOKENS_CONFIG", ""), ("INFLUXDB3_HTTP_BIND_ADDR", "127.0.0.1:2")];
    let config = ["--config=serve.toml"];
    let option = ["--config=serve.toml", "--http-bind=127.0.0.1:1"];
    let expect = |arguments: &[&str], variables: &[(&str, &str)], line: &str| {
        let (code, out, error) = checked(&directory, arguments, variables);
        assert!(code == 0 && error.is_empty(), "{error}");
        assert!(out.lines().any(|printed| printed == line), "{line}:\n{out}");
    };
    expect(&[], &[], "http-bind = \"127.0.0.1:8181\" # default");
    write(&directory, "serve.toml", "# comment\nhttp-bind = \"127.0.0.1:4\"\nmax-connections = 7\nno-sandbox = true\n");
    expect(&config, &[], "http-bind = \"127.0.0.1:4\" # line 2 of serve.toml");
    expect(&config, &[], "max-connections = 7 # line 3 of serve.toml");
    expect(&config, &[], "no-sandbox = true # line 4 of serve.toml");
    expect(
        &config,
        &[("INFLUXDB3_TOKENS_NO_SANDBOX", "0")],
        "no-sandbox = false # the variable INFLUXDB3_TOKENS_NO_SANDBOX",
    );
    write(&directory, ".env", "INFLUXDB3_HTTP_BIND_ADDR='127.0.0.1:3'\nINFLUXDB3_TOKENS_CONFIG=serve.toml\n");
    expect(&[], &[], "http-bind = \"127.0.0.1:3\" # INFLUXDB3_HTTP_BIND_ADDR in .env");
    // Named by the variable in the file, because that of the process is empty.
    expect(&[], &variable[..1], "max-connections = 7 # line 3 of serve.toml");
    expect(&[], &variable, "http-bind = \"127.0.0.1:2\" # the variable INFLUXDB3_HTTP_BIND_ADDR");
    expect(&option, &variable, "http-bind = \"127.0.0.1:1\" # an argument");
    assert!(!directory.path().exists() && !directory.beside("data").exists(), "the check made a directory");
}

#[test]
fn what_a_check_prints_is_a_configuration_file_with_the_same_values() {
    let directory = DataDir::new();
    let values = |out: &str| {
        let lines = out.lines().filter(|line| !line.starts_with('#'));
        lines.map(|line| line.split(" # ").next().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let (code, first, error) =
        checked(&directory, &["--log-filter=warn,influxdb3_tokens=debug", "--max-headers=9"], &[]);
    assert_eq!((code, &*error), (0, ""));
    write(&directory, "serve.toml", &first);
    let (code, second, error) = checked(&directory, &["--config=serve.toml"], &[]);
    assert_eq!((code, &*error), (0, ""));
    assert_eq!(values(&first), values(&second));
}

#[test]
fn a_wrong_file_is_named_with_the_line_and_what_to_do() {
    let directory = DataDir::new();
    for (text, code, expected) in [
        ("http-bind = \"127.0.0.1:0\"\nhttp_bnd = 1\n", 1, &["line 2", "`http_bnd`", "did you mean `http-bind`?"][..]),
        ("\nmax-connections = \"many\"\n", 2, &["'many'", "--max-connections", "[from: line 2 of serve.toml]"]),
        ("max-connections = [1]\n", 1, &["line 1", "`max-connections` is a text, a number"]),
        ("http-bind = \n", 1, &["line 1"]),
        ("tls-cert = \"cert.pem\"\n", 2, &["--tls-key"]),
        ("admin-token-file = \"nowhere.json\"\n", 1, &["nowhere.json"]),
    ] {
        write(&directory, "serve.toml", text);
        let (actual, _, error) = checked(&directory, &["--config=serve.toml"], &[]);
        assert_eq!(actual, code, "{text}: {error}");
        assert!(error.starts_with("error: ") && expected.iter().all(|part| error.contains(part)), "{text}: {error}");
    }
    assert!(checked(&directory, &["--config=missing.toml"], &[]).2.contains("missing.toml: "));
    set_mode(&directory.beside("serve.toml"), 0o666);
    let (code, _, error) = checked(&directory, &["--config=serve.toml"], &[]);
    assert!(code == 1 && error.contains("run `chmod go-w serve.toml`"), "{error}");
}

#[test]
fn files_that_the_configuration_names_are_read_in_the_sandbox() {
    let directory = DataDir::new();
    let admin = directory.beside("admin.json");
    succeed(&["create", "--admin", "--offline", "--output-file", admin.to_str().unwrap()]);
    let data = directory.path();
    write(
        &directory,
        "serve.toml",
        &format!(
            "http-bind = \"127.0.0.1:0\"\ndata-dir = {data:?}\nadmin-token-file = {admin:?}\nplugin-dir = \"/p\"\ndisable-authz = [\"health\", \"ping\"]\n"
        ),
    );
    let mut serve = command(&["serve"]);
    serve.env("INFLUXDB3_TOKENS_CONFIG", directory.beside("serve.toml"));
    let server = Running::start(serve);
    assert!(succeed(&["show", &directory.argument()]).contains("_admin"));
    let (status, log) = server.end(Signal::TERM);
    assert!(status.success() && log.contains("have no effect on this server: --disable-authz, --plugin-dir"), "{log}");
}

#[test]
fn a_token_in_the_file_of_variables_is_used_and_never_shown() {
    let directory = DataDir::new();
    let operator = create(&directory.argument(), &["--admin"]);
    let token = selected(&create(&directory.argument(), &["--admin", "--name=a"]));
    let env = format!("INFLUXDB3_AUTH_TOKEN={}\nINFLUXDB3_DB_DIR={}\n", secret(&operator), directory.path().display());
    write(&directory, ".env", &env);
    let here = |arguments: &[&str]| -> Command {
        let mut command = command(arguments);
        command.current_dir(directory.path().parent().unwrap());
        command
    };
    let mut shown = String::new();
    for arguments in [&["delete", "--help"][..], &["delete", "--id=a", "--token-name=b"], &["serve", "--check-config"]]
    {
        let (_, out, error) = finish(here(arguments));
        shown += &(out + &error);
    }
    assert!(!shown.contains("apiv3_"), "{shown}");
    let mut delete = delete_here(&directory.argument(), token);
    delete.current_dir(directory.path().parent().unwrap());
    assert_eq!(finish(delete).0, 0);

    // A line that is not a variable is not shown either.
    write(&directory, ".env", &format!("A=1\nINFLUXDB3_AUTH_TOKEN {}\n", secret(&operator)));
    let (code, out, error) = finish(here(&["show"]));
    assert_eq!((code, &*out), (1, ""));
    assert!(error.contains(".env: line 2") && !error.contains("apiv3_"), "{error}");
}

#[test]
fn a_file_of_variables_that_another_user_can_change_is_ignored() {
    let directory = DataDir::new();
    write(&directory, ".env", "INFLUXDB3_HTTP_BIND_ADDR=127.0.0.1:3\n");
    set_mode(&directory.beside(".env"), 0o666);
    let (code, out, error) = checked(&directory, &[], &[]);
    assert!(code == 0 && out.contains("http-bind = \"127.0.0.1:8181\" # default"), "{out}");
    assert!(error.contains("warning: .env is ignored"), "{error}");
    let mut show = command(&["show", &directory.argument()]);
    show.current_dir(directory.path().parent().unwrap());
    assert!(finish(show).2.contains("warning: .env is ignored"));
}

#[test]
fn completions_and_manual_pages_know_the_subcommands() {
    for shell in ["bash", "zsh", "fish"] {
        let script = succeed(&["completions", shell]);
        assert!(script.contains("tokens") && script.contains("check-config"), "{shell}");
        assert!(!script.contains("object-store"), "{shell}");
    }
    let completed = |words: &str| {
        let script = succeed(&["completions", "bash"]);
        let run = "COMP_WORDS=(\"$@\"); COMP_CWORD=$(($# - 1)); \
            _influxdb3__tokens \"$1\" \"${@: -1}\" \"${@: -2:1}\"; echo \"${COMPREPLY[*]}\"";
        let mut bash = Command::new("bash");
        bash.args(["-c", &(script + run), "bash", "influxdb3-tokens"]).args(words.split(' '));
        finish(bash)
    };
    for (words, expected) in [
        ("cre", "create\n"),
        ("create token --perm", "--permission\n"),
        ("show tokens --format ", "pretty json jsonl csv\n"),
        ("serve --log-format l", "logfmt\n"),
    ] {
        assert_eq!(completed(words), (0, expected.to_owned(), String::new()), "{words}");
    }
    let directory = DataDir::new();
    let pages = directory.beside("man");
    succeed(&["man", pages.to_str().unwrap()]);
    for page in ["influxdb3-tokens.1", "influxdb3-tokens-serve.1", "influxdb3-tokens-create-token.1"] {
        let text = fs::read_to_string(pages.join(page)).unwrap();
        assert!(text.starts_with(".ie") || text.contains(".TH"), "{page}");
    }
    fail(2, &["completions", "cmd"]);
}

#[test]
#[cfg(target_os = "linux")]
fn a_check_finds_what_serve_refuses_and_changes_nothing() {
    let directory = DataDir::new();
    let here = directory.beside("");
    create(&directory.argument(), &["--admin"]);
    fs::write(directory.beside("file"), "no certificate").unwrap();
    for (name, mode) in [("open", 0o777), ("empty", 0o700), ("no-database", 0o700), ("tls", 0o700)] {
        fs::create_dir(directory.beside(name)).unwrap();
        set_mode(&directory.beside(name), mode);
    }
    fs::create_dir(directory.beside("tls/tls")).unwrap();
    for name in ["no-database/tokens.db-wal", "tls/tls/cert.pem", "tls/tls/key.pem", "tls/tls/ca.pem"] {
        write(&directory, name, "");
    }
    let files = || {
        let mut list = Command::new("find");
        list.arg(&here).args(["-printf", "%p %T@ %m\n"]);
        finish(list).1
    };
    for (arguments, refused) in [
        (&["--data-dir=data"][..], None),
        (&["--data-dir=empty"], None),
        (&["--data-dir=a/new/one", "--tls-self-signed"], None),
        (&["--data-dir=open"], Some("open is open to other users")),
        (&["--data-dir=file"], Some("file")),
        (&["--data-dir=file/data"], Some("file/data")),
        (&["--data-dir=no-database"], Some("no-database")),
        (&["--tls-cert=file", "--tls-key=file"], Some("file: it contains no certificate")),
        (&["--data-dir=tls", "--tls-self-signed"], Some("tls/tls/cert.pem: it contains no certificate")),
        (&["--http-bind=192.0.2.1:1"], Some("192.0.2.1:1: ")),
        (&["--http-bind=127.0.0.1:9", "--ops-bind=127.0.0.1:9"], Some("has the same address")),
    ] {
        let before = files();
        let (code, _, error) = checked(&directory, arguments, &[]);
        assert_eq!(
            (code, error.is_empty()),
            (i32::from(refused.is_some()), refused.is_none()),
            "{arguments:?}: {error}"
        );
        assert_eq!(files(), before, "{arguments:?}");
        let Some(refused) = refused else { continue };
        assert!(error.starts_with("error: ") && error.contains(refused), "{error}");
        let mut serve = command(&[&["serve", "--log-filter=off", "--http-bind=127.0.0.1:0"], arguments].concat());
        if !arguments[0].starts_with("--http-bind") {
            assert_eq!(
                finish({
                    serve.current_dir(&here);
                    serve
                })
                .0,
                1,
                "{arguments:?}"
            );
        }
    }
}

#[test]
fn a_check_beside_a_running_server_warns_that_it_listens() {
    let directory = DataDir::new();
    let server = directory.start(&[]);
    let bind = format!("--http-bind={}", server.address);
    let (code, _, error) = checked(&directory, &[&bind, "--data-dir=data"], &[]);
    assert!(code == 0 && error.starts_with("warning: ") && error.contains("a server listens there now"), "{error}");
    assert!(server.end(Signal::TERM).0.success());
}

#[test]
fn a_flag_in_a_file_is_on_or_off_and_nothing_else() {
    let directory = DataDir::new();
    let here = |arguments: &[&str]| {
        let mut command = command(arguments);
        command.current_dir(directory.beside(""));
        finish(command)
    };
    write(&directory, ".env", "INFLUXDB3_TOKENS_ADMIN=maybe\n");
    let (code, _, error) = here(&["create"]);
    let expected = "error: INFLUXDB3_TOKENS_ADMIN in .env: --admin is `true` or `false`\n";
    assert_eq!((code, &*error), (1, expected));
    write(&directory, ".env", "\u{feff}INFLUXDB3_TOKENS_ADMIN=No\r\n");
    assert!(here(&["create"]).2.contains("--admin or --permission"));
    assert!(!directory.path().exists());
    write(&directory, ".env", "");
    write(&directory, "serve.toml", "no-sandbox = \"perhaps\"\n");
    let (code, _, error) = checked(&directory, &["--config=serve.toml"], &[]);
    assert!(code == 1 && error.contains("line 1 of serve.toml: --no-sandbox is `true` or `false`"), "{error}");
    assert_eq!(checked(&directory, &[], &[("INFLUXDB3_TOKENS_NO_SANDBOX", "maybe")]).0, 2);
}
