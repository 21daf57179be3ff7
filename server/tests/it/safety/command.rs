//! What the commands print and refuse.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use rustix::process::Signal;

use super::{accepted, backup, check, delete, directory, fail, restore, succeed};
use crate::cli::set_mode;
use crate::process::{DataDir, command};

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_is_restored_elsewhere_and_everything_is_checked() {
    let (source, operator, readers) = directory(3).await;
    delete(&source, &operator, &readers[0]).await;
    let file = source.beside("backup");
    let printed = succeed(backup(&source, &file));
    assert!(printed.starts_with("backed up 3 tokens and 1 deletion, as of 20"), "{printed}");
    assert_eq!(fs::metadata(&file).unwrap().len() % 4096, 512);
    let target = DataDir::in_memory();
    let printed = succeed(restore(&target, &file, &[]));
    assert!(
        printed.contains("; 3 tokens are valid now\n") && printed.contains("deleted after the backup"),
        "{printed}"
    );
    assert_eq!(accepted(&target, &readers).await, [1, 2].into());
    assert!(target.catalog().await.authenticate(&operator).is_some());
    for checked in [check(&source), check(&target), command(&["check", file.to_str().unwrap()])] {
        let printed = succeed(checked);
        assert!(
            printed.contains("3 tokens live")
                && printed.contains("4 creations, one")
                && printed.ends_with("everything is in order\n"),
            "{printed}"
        );
    }
    let server = target.start(&[]);
    let printed = succeed(check(&target));
    assert!(printed.starts_with("server ") && printed.contains("1 deletion in an unbroken chain"), "{printed}");
    let printed = fail(restore(&target, &file, &["--force"]));
    assert!(printed.contains("in use: another server or command has it open"), "{printed}");
    assert!(server.end(Signal::TERM).0.success());
}

#[tokio::test]
async fn a_restore_lists_the_deletions_that_it_would_undo() {
    let (source, operator, readers) = directory(3).await;
    let file = source.beside("backup");
    succeed(backup(&source, &file));
    delete(&source, &operator, &readers[1]).await;
    let printed = fail(restore(&source, &file, &[]));
    assert!(printed.contains("is not replaced") && printed.contains("--force"), "{printed}");
    let printed = fail(restore(&source, &file, &["--force"]));
    assert!(printed.contains("a token that was deleted since valid again"), "{printed}");
    assert!(printed.contains(": 2 (reader-1)\n") && printed.contains("--keep-deletions"), "{printed}");
    assert_eq!(accepted(&source, &readers).await, [0, 2].into());

    let printed = succeed(restore(&source, &file, &["--force", "--keep-deletions"]));
    assert!(printed.contains("the previous database is in ") && printed.contains(": 2 (reader-1)\n"), "{printed}");
    assert_eq!(accepted(&source, &readers).await, [0, 2].into());
    let printed = succeed(restore(&source, &file, &["--force", "--revive-deleted"]));
    assert!(printed.contains("warning: these tokens") && printed.contains(": 2 (reader-1)\n"), "{printed}");
    assert_eq!(accepted(&source, &readers).await, [0, 1, 2].into());
}

#[tokio::test]
async fn a_damaged_backup_is_refused_and_the_database_stays() {
    let (source, _, readers) = directory(2).await;
    let file = source.beside("backup");
    succeed(backup(&source, &file));
    let whole = fs::read(&file).unwrap();
    let mut flipped = whole.clone();
    flipped[whole.len() / 2] ^= 4;
    for (bytes, expected) in
        [(&whole[..whole.len() - 4096], "truncated"), (&flipped, "its checksum is wrong"), (b"", "truncated")]
    {
        fs::write(&file, bytes).unwrap();
        for printed in [fail(restore(&source, &file, &["--force"])), fail(command(&["check", file.to_str().unwrap()]))]
        {
            assert!(printed.contains("is not a whole backup") && printed.contains(expected), "{printed}");
        }
    }
    assert_eq!(accepted(&source, &readers).await, [0, 1].into());
}

#[tokio::test]
async fn a_check_names_what_is_wrong_and_changes_nothing() {
    let (source, _, _) = directory(2).await;
    let (database, mark) = (source.path().join("tokens.db"), source.path().join("tokens.db-mark"));
    let whole = fs::read(&database).unwrap();
    let mut damaged = whole.clone();
    let permissions = whole.windows(9).position(|bytes| bytes == b"db:a:read").unwrap();
    damaged[permissions + 3] ^= 2;
    fs::write(&database, &damaged).unwrap();
    let printed = fail(check(&source));
    assert!(
        printed.contains("the record of token 2 is damaged: its checksum") && printed.contains("restore"),
        "{printed}"
    );
    assert_eq!(fs::read(&database).unwrap(), damaged);
    fs::write(&database, &whole).unwrap();
    succeed(check(&source));

    let newest = fs::read(&mark).unwrap();
    fs::write(&mark, [7; 600]).unwrap();
    assert!(fail(check(&source)).contains("is damaged"));
    fs::write(&mark, newest).unwrap();
    set_mode(&mark, 0o644);
    assert!(fail(check(&source)).contains("open to other users"));
    fs::remove_file(&mark).unwrap();
    assert!(succeed(check(&source)).contains("there is none"));
    let elsewhere = source.beside("elsewhere");
    fs::rename(&database, &elsewhere).unwrap();
    assert!(fail(check(&source)).contains("has no token database"));
    symlink(&elsewhere, &database).unwrap();
    assert!(fail(check(&source)).contains("is not a regular file"));
}

/// Read-only for the owner, and with commits in the log.
#[tokio::test]
async fn a_check_reads_a_log_without_writing() {
    let (source, operator, readers) = directory(4).await;
    let cluster = source.cluster();
    let server = source.start(&[]);
    let mut client = server.http1(cluster).await;
    for reader in &readers[..3] {
        let request = crate::client::Request::delete(reader.token).bearer(&operator);
        assert_eq!(client.send(&request).await.status, crate::document::DELETED);
    }
    drop(client);
    server.end(Signal::KILL);
    fs::remove_file(source.path().join("control.sock")).unwrap();
    let before = contents(&source);
    let printed = succeed(check(&source));
    assert!(printed.contains("3 commits, without damage") && printed.contains("2 tokens live"), "{printed}");
    assert_eq!(contents(&source), before);
    assert_eq!(accepted(&source, &readers).await, [3].into());
}

fn contents(directory: &DataDir) -> Vec<(std::ffi::OsString, Vec<u8>)> {
    let entries = fs::read_dir(directory.path()).unwrap().map(Result::unwrap);
    let mut files: Vec<_> = entries.map(|entry| (entry.file_name(), fs::read(entry.path()).unwrap())).collect();
    files.sort();
    files
}

#[tokio::test]
async fn a_backup_leaves_other_files_alone() {
    let (source, _, _) = directory(1).await;
    let file = source.beside("backup");
    fs::write(&file, "something else").unwrap();
    let printed = fail(command(&["backup", file.to_str().unwrap(), &source.argument()]));
    assert!(printed.contains("exists, and is not overwritten"), "{printed}");
    assert_eq!(fs::read(&file).unwrap(), b"something else");
    for name in ["tokens.db", "tokens.db-wal", "control.sock"] {
        let printed = fail(backup(&source, &source.path().join(name)));
        assert!(printed.contains("is the name of a file of the database"), "{printed}");
    }
    let (folder, link) = (source.beside("folder"), source.beside("link"));
    fs::create_dir(&folder).unwrap();
    symlink(&file, &link).unwrap();
    for special in [&folder, &link, Path::new("/dev/null")] {
        let printed = fail(backup(&source, special));
        assert!(printed.contains("is not a regular file, and is not replaced"), "{printed}");
    }
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    let printed = fail(backup(&source, &source.beside("missing/backup")));
    assert!(printed.contains("missing/backup"), "{printed}");
    let none = DataDir::in_memory();
    assert!(fail(backup(&none, &file)).contains("has no token database"));
    assert!(!none.path().exists());
}
