//! The mark: a small file beside the database that says which changes have been acknowledged.
//!
//! The writer overwrites it after each commit's sync, before the commit's answers, and does not sync it. So it never leads
//! the database. When the process is killed, it covers every acknowledged change. After a power cut it may lag.
//!
//! Two slots of one sector each are written in turn, so that one of them is whole at any time.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;

use uuid::Uuid;

use super::checksum::{self, Link};
use super::error::ReadError;
use super::file::{beside, sync_parent};
use super::staging::Watermarks;

const SUFFIX: &str = "-mark";

/// The distance of the slots, in bytes. Disks write a sector of this size as a whole.
const SECTOR: usize = 512;

const MAGIC: i64 = i64::from_be_bytes(*b"I3TKMARK");

/// Magic number, count of writes, cluster, three numbers and two links, checksum.
const LENGTH: usize = 8 * 11;

/// The open file of a store that is loaded.
#[derive(Debug)]
pub(super) struct Mark {
    file: File,
    cluster: Uuid,
    /// How often the mark has been written; selects the slot.
    writes: i64,
}

/// What a mark says.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Acknowledged {
    writes: i64,
    pub(super) cluster: Uuid,
    pub(super) watermarks: Watermarks,
}

impl Mark {
    /// Opens the mark of the database at `path` and writes it. Durable when it returns.
    pub(super) fn open(path: &Path, cluster: Uuid, watermarks: &Watermarks) -> io::Result<Self> {
        let path = beside(path, SUFFIX);
        let is_new = !path.exists();
        let writes = match read_slots(&path)? {
            Slots::Written(last) => last.writes,
            Slots::Empty | Slots::Damaged => 0,
        };
        let file = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(&path)?;
        let mut mark = Self { file, cluster, writes };
        mark.write(watermarks)?;
        mark.file.sync_all()?;
        if is_new {
            sync_parent(&path)?;
        }
        Ok(mark)
    }

    pub(super) fn write(&mut self, watermarks: &Watermarks) -> io::Result<()> {
        let writes = self.writes.wrapping_add(1);
        let slot = encode(&Acknowledged { writes, cluster: self.cluster, watermarks: *watermarks });
        self.file.write_all_at(&slot, offset(writes) as u64)?;
        self.writes = writes;
        Ok(())
    }
}

/// What the mark of the database at `path` says. `None` if it has none, as before the first start of this version, or
/// after a power cut.
pub(super) fn read(path: &Path) -> Result<Option<Acknowledged>, ReadError> {
    let path = beside(path, SUFFIX);
    match read_slots(&path) {
        Ok(Slots::Written(acknowledged)) => Ok(Some(acknowledged)),
        Ok(Slots::Empty) => Ok(None),
        Ok(Slots::Damaged) => Err(ReadError::damaged(format!("the mark {} is damaged", path.display()))),
        Err(error) => Err(ReadError::Io(error)),
    }
}

enum Slots {
    Written(Acknowledged),
    Empty,
    Damaged,
}

fn read_slots(path: &Path) -> io::Result<Slots> {
    let mut bytes = match fs::read(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Slots::Empty),
        bytes => bytes?,
    };
    bytes.resize(2 * SECTOR, 0);
    let slots = [0, SECTOR].map(|at| &bytes[at..at + LENGTH]);
    let newest = slots.into_iter().filter_map(decode).max_by_key(|slot| slot.writes);
    Ok(match newest {
        Some(newest) => Slots::Written(newest),
        None if bytes.iter().all(|byte| *byte == 0) => Slots::Empty,
        None => Slots::Damaged,
    })
}

fn offset(writes: i64) -> usize {
    if writes % 2 == 0 { 0 } else { SECTOR }
}

fn encode(acknowledged: &Acknowledged) -> Vec<u8> {
    let Acknowledged { writes, cluster, watermarks } = acknowledged;
    let Watermarks { deletion, regeneration, token, operator } = watermarks;
    let (high, low) = cluster.as_u64_pair();
    let numbers = [
        MAGIC,
        *writes,
        high.cast_signed(),
        low.cast_signed(),
        deletion.seq,
        deletion.checksum,
        regeneration.seq,
        regeneration.checksum,
        *token,
        *operator,
    ];
    let mut slot = numbers.map(i64::to_le_bytes).concat();
    slot.extend(checksum::bytes(&slot).to_le_bytes());
    slot
}

fn decode(slot: &[u8]) -> Option<Acknowledged> {
    let (content, checksum) = slot.split_last_chunk()?;
    if checksum::bytes(content) != i64::from_le_bytes(*checksum) {
        return None;
    }
    let (numbers, _) = content.as_chunks();
    let numbers: Vec<_> = numbers.iter().map(|number| i64::from_le_bytes(*number)).collect();
    let [MAGIC, writes, high, low, deletion, deletions, regeneration, regenerations, token, operator] = numbers[..]
    else {
        return None;
    };
    Some(Acknowledged {
        writes,
        cluster: Uuid::from_u64_pair(high.cast_unsigned(), low.cast_unsigned()),
        watermarks: Watermarks {
            deletion: Link { seq: deletion, checksum: deletions },
            regeneration: Link { seq: regeneration, checksum: regenerations },
            token,
            operator,
        },
    })
}
