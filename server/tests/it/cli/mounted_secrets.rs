//! A token file as an orchestrator mounts it: of the superuser, readable by others, and behind symbolic links.

use std::fs;
use std::os::unix::fs::{chown, symlink};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::process::{Signal, geteuid};
use serde_json::json;

use super::set_mode;
use super::token_files::SECRET;
use crate::process::{DataDir, Running, delete, finish};

const USER: u32 = 65533;

/// Lays a secret out as a kubelet does: the name leads to `..data`, which leads to a folder that is named for a time.
fn mount(folder: &Path, mode: u32, group: Option<u32>) -> PathBuf {
    let version = folder.join("..2026_11_27_03_20_30.1234567890");
    fs::create_dir_all(&version).unwrap();
    let contents = json!({"token": SECRET, "name": "mounted"});
    fs::write(version.join("admin-token.json"), contents.to_string()).unwrap();
    chown(version.join("admin-token.json"), None, group).unwrap();
    set_mode(&version.join("admin-token.json"), mode);
    symlink(version.file_name().unwrap(), folder.join("..data")).unwrap();
    symlink("..data/admin-token.json", folder.join("admin-token.json")).unwrap();
    [folder, &version].iter().for_each(|folder| set_mode(folder, 0o755));
    folder.join("admin-token.json")
}

/// The server as another user than that of the secret, if this process may start it so, in its sandbox if there is one.
#[test]
fn a_secret_that_kubernetes_mounts_is_a_token_of_the_server() {
    let user = geteuid().is_root().then_some(USER);
    for mode in [0o644, 0o440] {
        let directory = DataDir::new();
        let program = directory.program_for_all();
        fs::create_dir(directory.path()).unwrap();
        set_mode(&directory.path(), 0o700);
        let file = mount(&directory.beside("secrets"), mode, user);
        let option = format!("--admin-token-file={}", file.display());
        let mut serve = Command::new(&program);
        serve.args(directory.serve(&[&option]).get_args()).env_clear();
        if let Some(user) = user {
            chown(directory.path(), Some(user), Some(user)).unwrap();
            serve.uid(user).gid(user);
        }
        let server = Running::start(serve);
        // A deletion is authenticated before the token is looked for.
        let mut delete = delete(&server.url(), 12345);
        delete.env("INFLUXDB3_AUTH_TOKEN", SECRET);
        let (_, _, error) = finish(delete);
        assert_eq!(error, "error: no token has this ID or name\n", "{mode:o}");
        let (status, log) = server.end(Signal::TERM);
        assert!(status.success(), "{log}");
        assert!(log.contains("admin-token.json: other users can read it"), "{log}");
        assert!(log.contains("created the token of a file"), "{log}");
        assert!(log.contains("sandbox"), "{log}");
    }
}
