//! Finds damage in the write-ahead log before SQLite opens it.
//!
//! SQLite reads the log up to the first frame whose checksum is wrong, and takes what follows for the remains of a commit
//! that a power cut tore. If the frame is damaged instead, SQLite drops the commits behind it without a word, and
//! acknowledged deletions with them.
//!
//! A commit begins once the one before it is synced. So a power cut can tear only the last one, and at most one end of a
//! commit lies behind a tear. The header is synced before the first frame is written.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::os::unix::fs::FileExt;
use std::path::Path;

use super::file::beside;

const HEADER: usize = 32;
const FRAME_HEADER: usize = 24;

/// A disk writes so many bytes as a whole.
const SECTOR: usize = 512;

/// Looks for damage in the log of the database at `path`. The database must not be open.
pub(super) fn damage(path: &Path) -> io::Result<Option<&'static str>> {
    let log = match File::open(beside(path, "-wal")) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        log => log?,
    };
    let mut log = BufReader::with_capacity(1 << 18, log);
    let mut header = [0; HEADER];
    if !fill(&mut log, &mut header)? {
        return Ok(None);
    }
    let Some(header) = Header::parse(&header) else {
        let has_frames = has_content(&mut log)?;
        return Ok(has_frames.then_some("the header of the write-ahead log is damaged"));
    };
    let frames = read_frames(&mut log, &header, |_| ())?;
    Ok(if frames.lost_commits > 1 {
        Some("the write-ahead log is damaged, and commits lie behind the damage")
    } else if frames.commits > 0 && !uses_log(path)? {
        Some("the database does not mention its write-ahead log, which has commits")
    } else {
        None
    })
}

/// The commits that SQLite reads from a log.
#[derive(Default)]
pub(super) struct Committed {
    pub(super) commits: usize,
    /// The pages in the order of their commits, and where in the log they are.
    pub(super) frames: Vec<(u32, usize)>,
    page_size: usize,
    /// The number of pages that the database has after the last of them.
    pages: u32,
}

/// Finds the commits in the log of the database at `path`, up to the first damage. The database must not be open.
pub(super) fn committed(path: &Path) -> io::Result<Committed> {
    let mut committed = Committed::default();
    let log = match File::open(beside(path, "-wal")) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(committed),
        log => log?,
    };
    let mut log = BufReader::with_capacity(1 << 18, log);
    let mut header = [0; HEADER];
    if !fill(&mut log, &mut header)? {
        return Ok(committed);
    }
    let Some(header) = Header::parse(&header) else { return Ok(committed) };
    let mut open = Vec::new();
    let frames = read_frames(&mut log, &header, |frame| {
        open.push((frame.page, frame.offset));
        if frame.pages != 0 {
            committed.frames.append(&mut open);
            committed.pages = frame.pages;
        }
    })?;
    committed.commits = frames.commits;
    committed.page_size = header.page_size;
    Ok(committed)
}

impl Committed {
    /// Writes the pages into the bytes of the database at `path`.
    pub(super) fn apply(&self, path: &Path, database: &mut Vec<u8>) -> io::Result<()> {
        let Self { page_size, pages, .. } = *self;
        if self.frames.is_empty() {
            return Ok(());
        }
        let log = File::open(beside(path, "-wal"))?;
        database.resize(pages as usize * page_size, 0);
        for (page, offset) in &self.frames {
            let start = (*page as usize - 1) * page_size;
            // A page that a later commit has cut off.
            let Some(bytes) = database.get_mut(start..start + page_size) else { continue };
            log.read_exact_at(bytes, (offset + FRAME_HEADER) as u64)?;
        }
        Ok(())
    }
}

/// A frame that SQLite reads.
struct Frame {
    /// Which page it has, from 1.
    page: u32,
    /// The number of pages of the database, if this is the end of a commit.
    pages: u32,
    /// Where in the log it begins.
    offset: usize,
}

struct Header {
    /// In a log whose words are little-endian, the checksum is computed over such words.
    big_endian: bool,
    page_size: usize,
    salts: [u8; 8],
    checksum: [u32; 2],
}

impl Header {
    fn parse(bytes: &[u8; HEADER]) -> Option<Self> {
        const MAGIC: u32 = 0x377f_0682;
        let magic = word(bytes, 0);
        let big_endian = magic & 1 == 1;
        let page_size = word(bytes, 8);
        let checksum = [word(bytes, 24), word(bytes, 28)];
        let valid = magic & !1 == MAGIC
            && page_size.is_power_of_two()
            && (512..=65536).contains(&page_size)
            && sum([0, 0], &bytes[..24], big_endian) == checksum;
        let salts = bytes[16..24].try_into().expect("eight bytes");
        valid.then_some(Self { big_endian, page_size: page_size as usize, salts, checksum })
    }

    /// The checksum of a frame that follows one with the checksum `before`. It does not cover the salts.
    fn sum_of_frame(&self, before: [u32; 2], frame: &[u8]) -> [u32; 2] {
        sum(sum(before, &frame[..8], self.big_endian), &frame[FRAME_HEADER..], self.big_endian)
    }

    /// Whether the frame is intact but for a bit of the field that marks the end of a commit.
    fn is_one_bit_off(&self, before: [u32; 2], frame: &mut [u8]) -> bool {
        let stored = [word(frame, 16), word(frame, 20)];
        (0..32).any(|bit| {
            frame[4 + bit / 8] ^= 1 << (bit % 8);
            let is_intact = self.sum_of_frame(before, frame) == stored;
            frame[4 + bit / 8] ^= 1 << (bit % 8);
            is_intact
        })
    }
}

/// How many ends of commits the log has.
struct Frames {
    /// Those that SQLite reads.
    commits: usize,
    /// Those behind the first frame that is not intact.
    lost_commits: usize,
}

fn read_frames(log: &mut impl Read, header: &Header, mut visit: impl FnMut(Frame)) -> io::Result<Frames> {
    let mut frames = Frames { commits: 0, lost_commits: 0 };
    let mut frame = vec![0; FRAME_HEADER + header.page_size];
    let mut checksum = header.checksum;
    // Whether all frames so far are intact, and whether the last one belongs to this round of the log. The log is
    // overwritten from its start with other salts, so remains of earlier rounds follow the last frame.
    let (mut intact, mut current) = (true, true);
    let mut offset = HEADER;
    while fill(log, &mut frame)? {
        let stored = [word(&frame, 16), word(&frame, 20)];
        let has_salts = frame[8..16] == header.salts;
        let continues = current && header.sum_of_frame(checksum, &frame) == stored;
        // Otherwise a tear can leave the mark of an earlier round beside the salts of this one.
        let is_whole = continues || offset % SECTOR != SECTOR - 8;
        // If it is the mark of a commit's end that is damaged, no tear did that.
        if intact && !continues && is_whole && has_salts && header.is_one_bit_off(checksum, &mut frame) {
            frames.lost_commits += 2;
        }
        let ends_commit = is_whole && word(&frame, 4) != 0;
        intact = intact && has_salts && continues && word(&frame, 0) != 0;
        current = has_salts || continues;
        if intact {
            visit(Frame { page: word(&frame, 0), pages: word(&frame, 4), offset });
        }
        match (intact, current && ends_commit) {
            (true, true) => frames.commits += 1,
            (false, true) => frames.lost_commits += 1,
            _ => {}
        }
        checksum = stored;
        offset += frame.len();
    }
    Ok(frames)
}

/// SQLite's checksum of a whole number of pairs of words.
fn sum(mut sum: [u32; 2], bytes: &[u8], big_endian: bool) -> [u32; 2] {
    let (pairs, _) = bytes.as_chunks::<8>();
    for [a, b, c, d, e, f, g, h] in pairs {
        let words = [[*a, *b, *c, *d], [*e, *f, *g, *h]];
        let [first, second] = words.map(if big_endian { u32::from_be_bytes } else { u32::from_le_bytes });
        sum[0] = sum[0].wrapping_add(first).wrapping_add(sum[1]);
        sum[1] = sum[1].wrapping_add(second).wrapping_add(sum[0]);
    }
    sum
}

fn word(bytes: &[u8], at: usize) -> u32 {
    let [a, b, c, d] = bytes[at..at + 4] else { unreachable!("a range of four bytes") };
    u32::from_be_bytes([a, b, c, d])
}

/// Whether the header of the database says that it has a write-ahead log.
fn uses_log(path: &Path) -> io::Result<bool> {
    const WRITE_VERSION_AND_READ_VERSION: std::ops::Range<usize> = 18..20;
    let mut header = [0; 100];
    Ok(fill(&mut File::open(path)?, &mut header)? && header[WRITE_VERSION_AND_READ_VERSION] == [2, 2])
}

/// Fills `buffer`, unless the rest is too short.
fn fill(from: &mut impl Read, buffer: &mut [u8]) -> io::Result<bool> {
    match from.read_exact(buffer) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        read => read.map(|()| true),
    }
}

/// Whether any of the remaining bytes is not zero.
fn has_content(from: &mut impl Read) -> io::Result<bool> {
    static ZEROS: [u8; 1 << 16] = [0; 1 << 16];
    let mut chunk = vec![0; ZEROS.len()];
    loop {
        let length = from.read(&mut chunk)?;
        if length == 0 {
            return Ok(false);
        }
        if chunk[..length] != ZEROS[..length] {
            return Ok(true);
        }
    }
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;

    const PAGE: usize = 512;
    const FRAME: usize = FRAME_HEADER + PAGE;

    /// A log of commits of one frame each, for a database of eight pages: one flipped bit makes that zero.
    fn log_of(commits: usize, salts: [u8; 8]) -> Vec<u8> {
        let words = [0x377f_0682_u32, 3_007_000, 512, 0].map(u32::to_be_bytes).concat();
        let mut log = [&words[..], &salts].concat();
        let mut checksum = sum([0, 0], &log, false);
        log.extend(checksum.map(u32::to_be_bytes).concat());
        for number in 1..=commits {
            let start = [u32::try_from(number).unwrap(), 8].map(u32::to_be_bytes).concat();
            let page = [u8::try_from(number).unwrap(); PAGE];
            checksum = sum(sum(checksum, &start, false), &page, false);
            log.extend([&start[..], &salts, &checksum.map(u32::to_be_bytes).concat(), &page].concat());
        }
        log
    }

    /// A log whose last commit has three frames. In the header of the first, a sector ends between the mark and the salts.
    fn log_with_a_split_header() -> Vec<u8> {
        let (split, salts) = (41, *b"saltsalt");
        let mut log = log_of(split, salts);
        assert_eq!(log.len() % SECTOR, SECTOR - 8);
        let last = &log[log.len() - FRAME..];
        let mut checksum = [word(last, 16), word(last, 20)];
        for mark in [0, 0, 8] {
            let start = [9_u32, mark].map(u32::to_be_bytes).concat();
            checksum = sum(sum(checksum, &start, false), &[9; PAGE], false);
            log.extend([&start[..], &salts, &checksum.map(u32::to_be_bytes).concat(), &[9; PAGE]].concat());
        }
        log
    }

    #[test]
    fn a_torn_header_with_the_mark_of_an_earlier_round_is_no_damage() {
        let directory = tempfile::tempdir().unwrap();
        let log = log_with_a_split_header();
        assert_eq!(finding(&directory, &log), None);
        let at = log.len() - 3 * FRAME;
        // Another mark for another page, and another mark for the same page.
        for page in [7_u32, 9] {
            let mut torn = log.clone();
            torn[at..at + 8].copy_from_slice(&[page, 8].map(u32::to_be_bytes).concat());
            assert_eq!(finding(&directory, &torn), None, "page {page}");
        }
        let mut damaged = log;
        damaged[at - 2 * FRAME] ^= 1;
        assert!(finding(&directory, &damaged).is_some());
    }

    fn finding(directory: &TempDir, log: &[u8]) -> Option<&'static str> {
        let path = directory.path().join("tokens.db");
        std::fs::write(&path, [2; 100]).unwrap();
        std::fs::write(beside(&path, "-wal"), log).unwrap();
        damage(&path).unwrap()
    }

    #[test]
    fn a_flipped_bit_before_the_last_commit_is_damage() {
        let (directory, log) = (tempfile::tempdir().unwrap(), log_of(4, *b"saltsalt"));
        assert_eq!(finding(&directory, &log), None);
        let in_page = |bit: &usize| bit / 8 >= HEADER && (bit / 8 - HEADER) % FRAME >= FRAME_HEADER;
        for bit in (0..8 * (HEADER + 3 * FRAME)).filter(|bit| !in_page(bit) || bit % 61 == 0) {
            let mut damaged = log.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert!(finding(&directory, &damaged).is_some(), "bit {bit}");
        }
    }

    #[test]
    fn a_torn_last_commit_and_the_remains_of_an_earlier_round_are_no_damage() {
        let (directory, log) = (tempfile::tempdir().unwrap(), log_of(4, *b"saltsalt"));
        let last = HEADER + 3 * FRAME;
        for at in last..log.len() {
            let torn = [&log[..at], &vec![0; log.len() - at]].concat();
            assert_eq!(finding(&directory, &torn), None, "zeros from byte {at}");
        }
        let earlier = log_of(9, *b"previous");
        let overwritten = [&log[..], &earlier[log.len()..]].concat();
        assert_eq!(finding(&directory, &overwritten), None);
        assert_eq!(finding(&directory, &vec![0; log.len()]), None);
        assert_eq!(finding(&directory, &[]), None);
    }
}
