//! The file of an export: a header, a line for each change, and a trailer with the SHA-256 of both.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, BufWriter, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use super::line::{self, FORMAT, Header, Trailer};
use super::rules::Rules;
use super::{ImportId, MoveError, Moved, MovedChange};
use crate::token::Timestamp;

/// The SHA-256 of lines.
#[derive(Clone, Default)]
pub(super) struct Checksum(Sha256);

impl Checksum {
    pub(super) fn add(&mut self, line: &[u8]) {
        self.0.update(line);
    }

    pub(super) fn finish(self) -> String {
        self.0.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// A file that is being written, under its name with `.partial` after it. It gets its name when it is complete and durable.
/// Dropping this before removes it.
pub(super) struct NewFile {
    path: PathBuf,
    partial: PathBuf,
    writer: BufWriter<File>,
    overwrite: bool,
    checksum: Checksum,
}

impl NewFile {
    pub(super) fn create(path: &Path, overwrite: bool) -> Result<Self, MoveError> {
        let mut partial = path.as_os_str().to_owned();
        partial.push(".partial");
        let (path, partial) = (path.to_owned(), PathBuf::from(partial));
        match fs::symlink_metadata(&path) {
            // Otherwise it would replace the link, and not the file that it leads to; or a device.
            Ok(metadata) if !metadata.is_file() => return Err(MoveError::NotRegular { path }),
            Ok(_) if !overwrite => return Err(MoveError::Exists { path }),
            _ => {}
        }
        // An earlier export may have been killed.
        match fs::remove_file(&partial) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(MoveError::io(&partial)(error)),
            _ => {}
        }
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&partial);
        let writer = BufWriter::with_capacity(1 << 18, file.map_err(MoveError::io(&partial))?);
        Ok(Self { path, partial, writer, overwrite, checksum: Checksum::default() })
    }

    pub(super) fn write(&mut self, line: &[u8]) -> Result<(), MoveError> {
        self.checksum.add(line);
        self.writer.write_all(line).map_err(MoveError::io(&self.partial))
    }

    /// Writes the trailer, and gives the file its name, durably.
    pub(super) fn finish(mut self) -> Result<(), MoveError> {
        let trailer = line::to_line(&Trailer { sha256: self.checksum.clone().finish() });
        let written = self.writer.write_all(&trailer).and_then(|()| self.writer.flush());
        written.and_then(|()| self.writer.get_ref().sync_all()).map_err(MoveError::io(&self.partial))?;
        if self.overwrite {
            fs::rename(&self.partial, &self.path)
        } else {
            // Unlike a renaming, this fails if the name is in use.
            match fs::hard_link(&self.partial, &self.path) {
                // Some file systems have no hard links.
                Err(_) if fs::symlink_metadata(&self.path).is_err() => fs::rename(&self.partial, &self.path),
                linked => linked,
            }
        }
        .and_then(|()| {
            let parent = self.path.parent().filter(|parent| *parent != Path::new("")).unwrap_or(Path::new("."));
            File::open(parent)?.sync_all()
        })
        .map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => MoveError::Exists { path: self.path.clone() },
            _ => MoveError::io(&self.path)(error),
        })
    }
}

impl Drop for NewFile {
    fn drop(&mut self) {
        // It has another name by now, or is not whole.
        let _ = fs::remove_file(&self.partial);
    }
}

/// An export that has been verified.
pub(super) struct Export {
    path: PathBuf,
    header: Vec<u8>,
    pub(super) moved: Moved,
    pub(super) sha256: String,
}

impl Export {
    /// Verifies the file at `path`: its checksum, each line, and all lines together. Calls `progress` with the number of the
    /// changes that are read, and of all.
    pub(super) fn verify(path: &Path, mut progress: impl FnMut(u64, u64)) -> Result<Self, MoveError> {
        let mut lines = Lines::open(path)?;
        let header = lines.header()?;
        let moved = header.moved();
        let length = lines.reader.get_ref().metadata().map_err(MoveError::io(path))?.len();
        // Before there is memory for so many.
        let rules = if moved.changes <= length / SHORTEST_LINE { Rules::new(moved) } else { None };
        let mut rules = rules.ok_or_else(|| lines.invalid("its header is impossible"))?;
        while let Some(change) = lines.change()? {
            rules.check(&change).map_err(|finding| lines.invalid_line(finding))?;
            if lines.changes % STEP == 0 {
                progress(lines.changes, moved.changes);
            }
        }
        rules.finish().map_err(|finding| lines.invalid(finding))?;
        let header = line::to_line(&header);
        Ok(Self { path: path.to_owned(), header, moved, sha256: lines.checksum.finish() })
    }

    /// By what the same import is known again.
    pub(super) fn id(&self) -> ImportId {
        ImportId(self.sha256.clone())
    }

    /// Reads the changes after the first `skipped`.
    pub(super) fn changes(&self, skipped: u64) -> Result<Lines, MoveError> {
        let mut lines = Lines::open(&self.path)?;
        lines.header()?;
        for _ in 0..skipped {
            lines.change()?;
        }
        Ok(lines)
    }

    /// The checksum of the header, to which that of the changes is added.
    pub(super) fn begin_checksum(&self) -> Checksum {
        let mut checksum = Checksum::default();
        checksum.add(&self.header);
        checksum
    }
}

/// How many changes are read between two reports of the progress.
const STEP: u64 = 1000;

/// No line of a change is shorter.
const SHORTEST_LINE: u64 = r#"{"change":"deleted","id":1,"at":1}"#.len() as u64;

/// The longest line that is read: longer than any that is written.
const LONGEST_LINE: u64 = 1 << 20;

/// Reads the lines of an export.
pub(super) struct Lines {
    path: PathBuf,
    reader: BufReader<File>,
    line: Vec<u8>,
    /// The number of changes that were read.
    pub(super) changes: u64,
    checksum: Checksum,
    has_ended: bool,
}

impl Lines {
    fn open(path: &Path) -> Result<Self, MoveError> {
        // Its length is asked for, and it is read twice. Opening a named pipe would wait for whoever writes to it.
        if !fs::metadata(path).map_err(MoveError::io(path))?.is_file() {
            return Err(MoveError::NotRegular { path: path.to_owned() });
        }
        let file = File::open(path).map_err(MoveError::io(path))?;
        let reader = BufReader::with_capacity(1 << 18, file);
        let (line, checksum) = (Vec::new(), Checksum::default());
        Ok(Self { path: path.to_owned(), reader, line, changes: 0, checksum, has_ended: false })
    }

    fn header(&mut self) -> Result<Header, MoveError> {
        self.read()?;
        let header: Header = serde_json::from_slice(&self.line)
            .map_err(|_| self.invalid("`influxdb3-tokens export` did not make it"))?;
        if header.format != FORMAT {
            return Err(self.invalid(format!("it has version {}, and this program reads {FORMAT}", header.format)));
        }
        self.checksum.add(&self.line);
        Ok(header)
    }

    /// The next change. `None` after the last one, if the checksum is right.
    pub(super) fn change(&mut self) -> Result<Option<MovedChange>, MoveError> {
        if self.has_ended {
            return Ok(None);
        }
        self.read()?;
        if self.line.starts_with(br#"{"sha256""#) {
            let trailer: Option<Trailer> = serde_json::from_slice(&self.line).ok();
            if trailer.is_none_or(|trailer| trailer.sha256 != self.checksum.clone().finish()) {
                return Err(self.invalid("its checksum is wrong"));
            }
            self.has_ended = self.reader.fill_buf().map_err(MoveError::io(&self.path))?.is_empty();
            return if self.has_ended { Ok(None) } else { Err(self.invalid("more follows its end")) };
        }
        self.changes += 1;
        self.checksum.add(&self.line);
        line::to_change(&self.line).map(Some).map_err(|wrong| self.invalid_line(&format!("its {wrong} is wrong")))
    }

    fn read(&mut self) -> Result<(), MoveError> {
        self.line.clear();
        let read = (&mut self.reader).take(LONGEST_LINE).read_until(b'\n', &mut self.line);
        read.map_err(MoveError::io(&self.path))?;
        if self.line.ends_with(b"\n") { Ok(()) } else { Err(self.invalid("it is truncated")) }
    }

    fn invalid(&self, finding: impl Into<String>) -> MoveError {
        MoveError::invalid(&self.path, finding)
    }

    fn invalid_line(&self, finding: &str) -> MoveError {
        self.invalid(format!("line {}: {finding}", self.changes + 1))
    }
}

/// Begins a file with its header.
pub(super) fn begin(path: &Path, overwrite: bool, moved: &Moved, now: Timestamp) -> Result<NewFile, MoveError> {
    let mut file = NewFile::create(path, overwrite)?;
    file.write(&line::to_line(&Header::new(moved, now)))?;
    Ok(file)
}
