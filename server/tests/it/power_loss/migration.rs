//! A kill or a power loss while a file of an earlier format is brought up to date.

use std::fs;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};

use influxdb3_tokens::TokenId;
use rusqlite::Connection;

use super::states::{Coverage, assert_complete, replay};
use super::{block_on, report};
use crate::blocking::output;
use crate::process::{DataDir, command};
use crate::recorded::Recording;
use crate::recorded::disk::Disk;
use crate::recorded::faults::{Class, Effect, Fault};

/// Tokens 0 and 1 are live, 2 is deleted.
const FORMAT_1: &str = "
    CREATE TABLE meta (key TEXT PRIMARY KEY, value ANY NOT NULL) STRICT, WITHOUT ROWID;
    CREATE TABLE tokens (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        name TEXT NOT NULL UNIQUE,
        digest BLOB NOT NULL CHECK (length(digest) = 64),
        created_at INTEGER NOT NULL,
        expires_at INTEGER,
        permissions TEXT NOT NULL
    ) STRICT;
    CREATE TABLE deletions (
        seq INTEGER PRIMARY KEY,
        token_id INTEGER NOT NULL,
        digest BLOB NOT NULL CHECK (length(digest) = 64),
        deleted_at INTEGER NOT NULL,
        deleted_by INTEGER NOT NULL
    ) STRICT;
    INSERT INTO meta VALUES ('cluster_uuid', '0a1b2c3d-0000-4000-8000-000000000001'), ('folded_seq', 0);
    INSERT INTO tokens VALUES
        (0, '_admin', CAST(printf('%064d', 1) AS BLOB), 1700000000000, 1800000000000, '*:*:*'),
        (1, 'reader', CAST(printf('%064d', 2) AS BLOB), 1700000000001, NULL, 'db:a:read'),
        (2, 'gone', CAST(printf('%064d', 3) AS BLOB), 1700000000002, NULL, 'db:a:read');
    INSERT INTO deletions VALUES (1, 2, CAST(printf('%064d', 3) AS BLOB), 1700000000003, 0);
    PRAGMA application_id = 0x4933544b;
    PRAGMA user_version = 1;
";

const FORMAT_2: &str = "
    ALTER TABLE tokens ADD COLUMN created_by INTEGER;
    CREATE TABLE regenerations (
        seq INTEGER PRIMARY KEY,
        digest BLOB NOT NULL CHECK (length(digest) = 64),
        regenerated_at INTEGER NOT NULL,
        regenerated_by INTEGER
    ) STRICT;
    INSERT INTO regenerations VALUES (1, CAST(printf('%064d', 4) AS BLOB), 1700000000004, NULL);
    PRAGMA user_version = 2;
";

/// Its checksums were computed apart from the store.
const FORMAT_3: &str = "
    ALTER TABLE tokens ADD COLUMN checksum INTEGER;
    ALTER TABLE deletions ADD COLUMN checksum INTEGER;
    ALTER TABLE regenerations ADD COLUMN checksum INTEGER;
    INSERT INTO meta VALUES ('cluster_checksum', 3141692752414105872);
    UPDATE tokens SET checksum = -3774505550398340668 WHERE id = 0;
    UPDATE tokens SET checksum = 8027836614884896815 WHERE id = 1;
    UPDATE tokens SET checksum = -1827870827637260523 WHERE id = 2;
    UPDATE deletions SET checksum = 1350974621344436119 WHERE seq = 1;
    UPDATE regenerations SET checksum = -3228536241182546087 WHERE seq = 1;
    PRAGMA user_version = 3;
";

/// Each of the earlier formats.
const FORMATS: [&[&str]; 3] = [&[FORMAT_1], &[FORMAT_1, FORMAT_2], &[FORMAT_1, FORMAT_2, FORMAT_3]];

#[test]
fn a_power_loss_while_a_file_is_brought_up_to_date_loses_nothing() {
    let mut states = 0;
    for format in FORMATS {
        let directory = of_format(format);
        let (disk, recording) = (Disk::of(&directory.path()), Recording::of(&directory));
        assert!(output(recording.attach(show(&directory))).status.success());
        let events = recording.events();
        let mut at_end = disk.clone();
        events.iter().for_each(|event| at_end.apply(event));
        assert_complete(&at_end, &directory);
        states += replay(&disk, &events, Coverage::exhaustive(), &(), |(), _| (), |(), left| check(left));
    }
    report("migration", states);
}

#[test]
fn a_kill_at_any_call_while_a_file_is_brought_up_to_date_loses_nothing() {
    for format in FORMATS {
        for skipped in 0.. {
            let directory = of_format(format);
            let recording = Recording::of(&directory);
            let mut plan = recording.faults();
            plan.begin(Fault { class: Class::Change, skipped, failing: 1, effect: Effect::Kill });
            let status = output(recording.attach(show(&directory))).status;
            check(&directory);
            if plan.failed() == 0 {
                assert!(status.success() && skipped > 20, "{status} after {skipped} calls");
                break;
            }
            assert!(status.code().is_none());
        }
    }
}

fn of_format(sql: &[&str]) -> DataDir {
    let directory = DataDir::in_memory();
    fs::DirBuilder::new().mode(0o700).create(directory.path()).unwrap();
    let path = directory.path().join("tokens.db");
    Connection::open(&path).unwrap().execute_batch(&sql.concat()).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    directory
}

fn show(directory: &DataDir) -> std::process::Command {
    command(&["show", &directory.argument()])
}

fn check(left: &DataDir) {
    let catalog = block_on(left.catalog());
    let live = [0, 1, 2].map(|id| catalog.live().contains(TokenId::from_u64(id)));
    assert_eq!(live, [true, true, false]);
}
