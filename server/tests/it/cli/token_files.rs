//! Token files: how `create --offline` writes them and `serve` reads them.

use std::fs::{self, symlink_metadata};
use std::os::unix::fs::{MetadataExt, chown, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use rustix::process::{Pid, Signal, geteuid};
use serde_json::{Value, json};

use super::{create, fail, mode, set_mode, succeed};
use crate::blocking::{block, kill, output};
use crate::process::{DataDir, command, finish};

const SECRET: &str = "apiv3_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

fn offline(file: &Path, name: &str) -> Command {
    let file = file.to_str().unwrap();
    command(&["create", "--permission=db:a:read", "--offline", "--output-file", file, "--name", name])
}

fn add(file: &Path, name: &str) {
    let (code, out, error) = finish(offline(file, name));
    assert_eq!((code, &*error), (0, ""), "{out}");
}

fn names(file: &Path) -> Vec<String> {
    let contents: Value = serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap();
    contents["tokens"].as_array().unwrap().iter().map(|token| token["name"].as_str().unwrap().to_owned()).collect()
}

/// The names of all files beside a file, and its own.
fn beside(file: &Path) -> Vec<PathBuf> {
    let mut files: Vec<_> = fs::read_dir(file.parent().unwrap()).unwrap().map(|file| file.unwrap().path()).collect();
    files.sort();
    files
}

/// A file of permission tokens that is written by hand.
fn write(file: &Path, contents: &str) {
    fs::write(file, contents).unwrap();
    set_mode(file, 0o600);
}

#[test]
fn every_token_of_sixteen_commands_at_once_is_in_the_file() {
    let directory = DataDir::new();
    let file = directory.beside("permission.json");
    let threads = (0..16).map(|process| {
        let file = file.clone();
        std::thread::spawn(move || (0..10).for_each(|number| add(&file, &format!("{process} {number}"))))
    });
    threads.collect::<Vec<_>>().into_iter().for_each(|thread| thread.join().unwrap());
    let mut names = names(&file);
    names.sort();
    names.dedup();
    assert_eq!(names.len(), 160);
    assert_eq!(beside(&file), [file]);
}

#[test]
fn a_killed_command_leaves_a_whole_file_with_every_token_that_was_acknowledged() {
    let directory = DataDir::new();
    let file = directory.beside("permission.json");
    add(&file, "first");
    let mut acknowledged = vec!["first".to_owned()];
    for round in 0..10 {
        let started = (0..8).map(|number| {
            let name = format!("{round} {number}");
            let child = offline(&file, &name).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
            (name, child)
        });
        let mut started: Vec<_> = started.collect();
        // When the first has ended, the others are somewhere in between.
        let (name, first) = started.remove(0);
        let id = Pid::from_child(&first);
        let ended = block("a command", move || first.wait_with_output().unwrap(), || kill(id));
        assert!(ended.status.success());
        acknowledged.push(name);
        for (name, mut child) in started {
            child.kill().unwrap();
            if child.wait_with_output().unwrap().stdout.starts_with(b"wrote the token") {
                acknowledged.push(name);
            }
        }
        let names = names(&file);
        assert!(acknowledged.iter().all(|name| names.contains(name)), "{acknowledged:?} {names:?}");
    }
    add(&file, "last");
}

#[test]
fn everything_else_in_a_token_file_stays_as_it_is() {
    let directory = DataDir::new();
    let file = directory.beside("permission.json");
    let before = "{ \"z\": 1.10000000000000000001, \"a\":1e300,\"z\": \"]\\u00e9\",\r\n\t\"create_databases\": [ \"a\"],\
         \"tokens\":[{\"name\":\"one\", \"token\": \"x\", \"note\": {\"tokens\": []}, \"permissions\":[]}  ] , \"b\":null}";
    write(&file, before);
    add(&file, "two");
    let after = fs::read_to_string(&file).unwrap();
    let (head, tail) = before.split_once("  ] , \"b\"").unwrap();
    assert!(after.starts_with(head) && after.ends_with(&format!("] , \"b\"{tail}")), "{after}");
    assert_eq!(names(&file), ["one", "two"]);
}

#[test]
fn other_files_and_the_owner_and_the_mode_stay_as_they_are() {
    let directory = DataDir::new();
    let (file, link) = (directory.beside("permission.json"), directory.beside("link.json"));
    let unrelated = directory.beside("permission.json.new");
    fs::write(&unrelated, "unrelated").unwrap();
    symlink("permission.json", &link).unwrap();
    add(&file, "a");
    assert_eq!(mode(&file), 0o600);
    set_mode(&file, 0o400);
    if geteuid().is_root() {
        chown(&file, Some(65533), Some(65532)).unwrap();
    }
    let owner = || {
        let metadata = fs::metadata(&file).unwrap();
        (metadata.uid(), metadata.gid(), metadata.mode())
    };
    let before = owner();
    add(&link, "b");
    assert_eq!(owner(), before);
    assert!(symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(names(&file), ["a", "b"]);
    assert_eq!(fs::read_to_string(&unrelated).unwrap(), "unrelated");
    assert_eq!(beside(&file), [link, file, unrelated]);
}

#[test]
fn a_link_that_leads_nowhere_is_an_error() {
    let directory = DataDir::new();
    let (file, link) = (directory.beside("nowhere.json"), directory.beside("link.json"));
    symlink(&file, &link).unwrap();
    let path = link.to_str().unwrap();
    let permission = ["create", "--permission=db:a:read", "--name=a", "--offline", "--output-file", path];
    assert!(fail(1, &permission).contains("a symbolic link to a file that does not exist"));
    let admin = ["create", "--admin", "--offline", "--output-file", path];
    assert!(fail(1, &admin).contains("it exists already"));
    assert!(!file.exists());
}

#[test]
#[cfg(target_os = "linux")]
fn a_full_disk_leaves_the_file_as_it_was() {
    let directory = DataDir::new();
    let (file, admin) = (directory.beside("permission.json"), directory.beside("admin.json"));
    let entry = json!({"token": SECRET, "name": "a", "permissions": ["db:a:read"], "note": "x".repeat(4096)});
    let before = json!({ "tokens": [entry] }).to_string();
    write(&file, &before);
    // No file can grow beyond 512 bytes, which fails like a full disk.
    let limited = |blocks: &str, usual: Command| {
        let mut command = Command::new("sh");
        command.arg("-c").arg(format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" \"$@\""));
        command.arg(usual.get_program()).args(usual.get_args());
        output(command)
    };
    let ended = limited("1", offline(&file, "b"));
    assert_eq!(ended.status.code(), Some(1), "{ended:?}");
    let ended = limited("0", command(&["create", "--admin", "--offline", "--output-file", admin.to_str().unwrap()]));
    assert_eq!(ended.status.code(), Some(1), "{ended:?}");
    assert_eq!(fs::read_to_string(&file).unwrap(), before);
    assert_eq!(beside(&file), [file]);
}

#[test]
fn a_token_file_that_other_users_can_read_is_accepted_with_a_warning() {
    let directory = DataDir::new();
    let file = directory.beside("permission.json");
    add(&file, "a");
    for bits in [0o640, 0o604] {
        set_mode(&file, bits);
        let (code, _, error) = finish(offline(&file, &format!("{bits:o}")));
        assert!(code == 0 && error.starts_with("warning: ") && error.contains("other users can read it"), "{error}");
        assert_eq!(mode(&file), bits);
        let server = directory.start(&["--permission-tokens-file", file.to_str().unwrap()]);
        let (status, log) = server.end(Signal::TERM);
        assert!(status.success() && log.contains("permission.json: other users can read it"), "{log}");
    }
    let missing = finish(directory.serve(&["--admin-token-file=/nowhere/at/all.json"]));
    assert!(missing.0 == 1 && missing.2.contains("/nowhere/at/all.json: No such file"), "{missing:?}");
}

#[test]
fn a_token_file_that_other_users_can_write_to_is_an_error() {
    let directory = DataDir::new();
    let file = directory.beside("permission.json");
    add(&file, "a");
    let before = fs::read(&file).unwrap();
    for bits in [0o620, 0o602] {
        set_mode(&file, bits);
        let arguments = ["--permission-tokens-file", file.to_str().unwrap()];
        for command in [offline(&file, "b"), directory.serve(&arguments)] {
            let (code, out, error) = finish(command);
            assert_eq!((code, &*out), (1, ""));
            assert!(error.contains("permission.json: other users can write to it"), "{error}");
        }
    }
    assert_eq!(fs::read(&file).unwrap(), before);
}

/// Serves a file that is wrong, and returns the error.
fn refused(directory: &DataDir, option: &str, contents: &str) -> String {
    let file = directory.beside("tokens.json");
    write(&file, contents);
    let (code, out, error) = finish(directory.serve(&[option, file.to_str().unwrap(), "--log-filter=off"]));
    assert_eq!((code, &*out), (1, ""), "{error}");
    assert!(!error.contains("apiv3_A") && !error.contains("hidden"), "{error}");
    error.split_once("tokens.json: ").unwrap().1.trim_end().to_owned()
}

#[test]
fn a_wrong_field_of_a_token_file_is_named_and_its_value_is_not_shown() {
    let directory = DataDir::new();
    let right = || json!({"token": SECRET, "name": "a", "permissions": ["db:a:read"]});
    let with = |field: &str, value: Value| {
        let mut token = right();
        token[field] = value;
        token
    };
    let without = |field: &str| with(field, Value::Null);
    for (second, reason) in [
        (without("token"), "tokens[1]: `token` is missing"),
        (without("name"), "tokens[1]: `name` is missing"),
        (without("permissions"), "tokens[1]: `permissions` is missing"),
        (json!({}), "tokens[1]: `token` is missing"),
        (json!("hidden"), "tokens[1]: it is not a JSON object"),
        (with("token", json!(["hidden"])), "tokens[1]: `token` is not a text"),
        (with("token", json!("hidden")), "tokens[1]: `token`: a token is `apiv3_`"),
        (with("name", json!(7)), "tokens[1]: `name` is not a text"),
        (with("name", json!("")), "tokens[1]: `name`: a token's name is"),
        (with("permissions", json!("hidden")), "tokens[1]: `permissions` is not a list of texts"),
        (with("permissions", json!([])), "tokens[1]: `permissions` is empty"),
        (
            with("permissions", json!(["db:a:read", "hidden"])),
            "tokens[1]: `permissions[1]` is not a permission; write `db:NAMES:read,write`",
        ),
        (with("expiry_millis", json!("hidden")), "tokens[1]: `expiry_millis` is not a number of milliseconds"),
        (with("expiry_millis", json!(-1)), "tokens[1]: `expiry_millis` is not a number of milliseconds"),
        (with("expiry_millis", json!(1.5)), "tokens[1]: `expiry_millis` is not a number of milliseconds"),
        (with("expiry_millis", json!(u64::MAX)), "tokens[1]: `expiry_millis` is after the year 9999"),
        (
            with("name", json!("_admin")),
            "tokens[1]: the token named _admin is the operator token, which must be an admin",
        ),
    ] {
        let contents = json!({"tokens": [right(), second]}).to_string();
        let error = refused(&directory, "--permission-tokens-file", &contents);
        assert!(error.starts_with(reason), "{error}");
    }
    for (contents, reason) in [
        ("", "it is not JSON: line 1, column 0"),
        ("{\"tokens\": hidden}", "it is not JSON: line 1, column 12"),
        ("[]", "it is not a JSON object"),
        ("{}", "`tokens` is missing"),
        ("{\"tokens\": {\"hidden\": 1}}", "`tokens` is not a list"),
        ("{\"tokens\": [], \"tokens\": []}", "`tokens` occurs more than once"),
    ] {
        assert_eq!(refused(&directory, "--permission-tokens-file", contents), reason);
    }
    let expiring = json!({"token": SECRET, "name": "_admin", "expiry_millis": u32::MAX}).to_string();
    let error = refused(&directory, "--admin-token-file", &expiring);
    let expected = "the token named _admin is the operator token, which cannot expire; remove `expiry_millis`";
    assert!(error.starts_with(expected), "{error}");
    assert_eq!(refused(&directory, "--admin-token-file", "{\"name\": \"a\"}"), "`token` is missing");
}

#[test]
fn an_unknown_field_of_a_token_file_is_ignored() {
    let directory = DataDir::new();
    let file = directory.beside("tokens.json");
    let token = json!({"token": SECRET, "name": "a", "permissions": ["db:a:read"], "expiry_millis": null, "x": [1]});
    write(&file, &json!({"tokens": [token], "create_databases": ["a"], "y": {}}).to_string());
    assert!(directory.start(&["--permission-tokens-file", file.to_str().unwrap()]).end(Signal::TERM).0.success());
    assert!(succeed(&["show", "--format=csv", &directory.argument()]).contains(",a,"));
}

#[test]
fn an_expired_token_of_a_file_is_not_created_and_the_server_starts() {
    let directory = DataDir::new();
    create(&directory.argument(), &["--admin"]);
    let file = directory.beside("tokens.json");
    write(&file, &json!({"token": SECRET, "name": "old", "expiry_millis": 1}).to_string());
    let (status, log) = directory.start(&["--admin-token-file", file.to_str().unwrap()]).end(Signal::TERM);
    assert!(status.success() && log.contains("the token of a file has expired, and is not created"), "{log}");
    assert!(!succeed(&["show", "--format=csv", &directory.argument()]).contains("old"));
}
