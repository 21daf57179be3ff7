//! The file of a store with damage: some of its bytes, its log or its rows are others than the store wrote. It is refused
//! or loaded, and a token that was deleted is not served.
#![no_main]

use std::collections::HashSet;
use std::fs;
use std::path::Path;
use std::sync::{Arc, LazyLock};

use arbitrary::Arbitrary;
use influxdb3_tokens::{Catalog, Permissions, SqliteStore, SystemClock};
use influxdb3_tokens_fuzz::{block_on, folder, secret, token};
use rusqlite::Connection;
use rusqlite::types::Value;
use tempfile::TempDir;

/// The tokens of the base with these secrets are live, and those with the others are deleted. The last deletion cannot be
/// told from one that a power cut tore.
const TOKENS: u8 = 12;
const DELETED: [u8; 4] = [3, 5, 7, 9];

#[derive(Arbitrary, Debug)]
enum Damage {
    /// Bytes of a file.
    Bytes { log: bool, edits: Vec<Edit> },
    /// A shorter file.
    Truncated { log: bool, length: u16 },
    /// Values of rows of `tokens`, which are those of tokens that are not deleted.
    Rows(Vec<Row>),
}

#[derive(Arbitrary, Debug)]
struct Edit {
    at: u16,
    xor: u8,
}

#[derive(Arbitrary, Debug)]
struct Row {
    id: u8,
    column: u8,
    value: Cell,
}

#[derive(Arbitrary, Debug)]
enum Cell {
    Null,
    Integer(i64),
    Real(f64),
    Text(String),
    Blob(Vec<u8>),
}

/// The files of a server that was killed: its database, and its log with the last commits.
static KILLED: LazyLock<TempDir> = LazyLock::new(|| {
    let (made, killed) = (folder(), folder());
    // The first half of the changes is in the database and the second half in the log.
    open(made.path(), |catalog| make(catalog, 0..TOKENS / 2));
    open(made.path(), |catalog| {
        make(catalog, TOKENS / 2..TOKENS);
        copy(made.path(), killed.path());
    });
    killed
});

libfuzzer_sys::fuzz_target!(|damage: Damage| {
    let folder = folder();
    copy(KILLED.path(), folder.path());
    let database = folder.path().join("tokens.db");
    let log = folder.path().join("tokens.db-wal");
    let in_rows = matches!(damage, Damage::Rows(_));
    match damage {
        Damage::Bytes { log: in_log, edits } => {
            let file = if in_log { &log } else { &database };
            let mut bytes = fs::read(file).expect("it is there");
            let length = used(&bytes);
            for Edit { at, xor } in edits {
                bytes[usize::from(at) % length] ^= xor;
            }
            fs::write(file, bytes).expect("it can be written");
        }
        Damage::Truncated { log: in_log, length } => {
            let file = fs::File::options().write(true).open(if in_log { &log } else { &database });
            file.and_then(|file| file.set_len(length.into())).expect("it can be truncated");
        }
        Damage::Rows(rows) => change(&database, rows),
    }

    let Ok(store) = SqliteStore::open(&database) else {
        return;
    };
    let Ok(catalog) = block_on(Catalog::open(Arc::new(store), Arc::new(SystemClock))) else {
        return;
    };
    let known: HashSet<_> =
        (0..TOKENS).chain([100 + TOKENS / 2, 100 + TOKENS]).map(|index| secret(index).digest()).collect();
    for index in DELETED {
        let is_served = catalog.authenticate(secret(index).expose()).is_some();
        assert!(!is_served, "the deleted token {index} is served");
    }
    let page = block_on(catalog.page(None, 1000)).unwrap_or_default();
    for record in page {
        assert!(in_rows || known.contains(&record.digest), "{record:?} was never created");
        let by = catalog.live().by_id(record.id).expect("a listed token is live");
        // Deletes itself, if it may.
        let _ = block_on(catalog.delete_by_name(&by, record.name.as_str()));
    }
});

fn open(folder: &Path, work: impl FnOnce(&Catalog)) {
    let store = SqliteStore::open(folder.join("tokens.db")).expect("its own file opens");
    let catalog = block_on(Catalog::open(Arc::new(store), Arc::new(SystemClock))).expect("its own file is read");
    work(&catalog);
}

fn make(catalog: &Catalog, secrets: std::ops::Range<u8>) {
    let last = 100 + secrets.end;
    for index in secrets.clone() {
        let name = if index == 0 { "_admin".to_owned() } else { format!("token-{index}") };
        block_on(catalog.create(token(&name, Permissions::ADMIN, index))).expect("it is new");
    }
    let operator = catalog.authenticate(secret(0).expose()).expect("it was created first");
    for index in secrets.filter(|index| DELETED.contains(index)) {
        block_on(catalog.delete_by_name(&operator, &format!("token-{index}"))).expect("it was created");
    }
    // The last commit of each half is no deletion.
    block_on(catalog.create(token(&format!("last-{last}"), Permissions::ADMIN, last))).expect("it is new");
}

fn copy(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).expect("the folder is there") {
        let entry = entry.expect("its files can be listed");
        fs::copy(entry.path(), to.join(entry.file_name())).expect("they can be copied");
    }
}

/// The length of a file without the zeros at its end.
fn used(bytes: &[u8]) -> usize {
    bytes.iter().rposition(|byte| *byte != 0).map_or(1, |last| last + 1)
}

/// Changes rows, behind the back of the store but with its tables as they are.
fn change(database: &Path, rows: Vec<Row>) {
    const COLUMNS: [&str; 6] = ["digest", "expires_at", "permissions", "name", "created_at", "created_by"];
    let connection = Connection::open(database).expect("it is a database");
    for Row { id, column, value } in rows {
        let index = id % TOKENS;
        if DELETED.contains(&index) {
            continue;
        }
        let value = match value {
            Cell::Null => Value::Null,
            Cell::Integer(integer) => Value::Integer(integer),
            Cell::Real(real) => Value::Real(real),
            Cell::Text(text) => Value::Text(text),
            Cell::Blob(blob) => Value::Blob(blob),
        };
        let column = COLUMNS[usize::from(column) % COLUMNS.len()];
        // A constraint of the table may forbid it.
        let name = if index == 0 { "_admin".to_owned() } else { format!("token-{index}") };
        let _ = connection
            .execute(&format!("UPDATE tokens SET {column} = ?1 WHERE name = ?2"), rusqlite::params![value, name]);
    }
    connection.pragma_update(None, "wal_checkpoint", "TRUNCATE").unwrap_or_default();
}
