//! How `create --offline` writes token files, and which files of other owners and modes are accepted.

use std::fs::{self, symlink_metadata};
use std::os::unix::fs::{MetadataExt, chown, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use rustix::process::{Pid, Signal, geteuid};
use serde_json::{Value, json};

use super::{fail, mode, set_mode};
use crate::blocking::{block, kill, output};
use crate::process::{DataDir, command, finish};

pub(super) const SECRET: &str =
    "apiv3_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

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
pub(crate) fn write(file: &Path, contents: &str) {
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
