//! Opens a token file and reads its text.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;
use zeroize::Zeroizing;

use super::wrong;
use crate::cli::Failure;

/// The largest file that is read, in bytes: room for about a million tokens.
const LARGEST: u64 = 256 << 20;

/// A token file that has been read.
pub(super) struct TokenFile {
    pub(super) path: PathBuf,
    pub(super) metadata: Metadata,
    /// Wiped when it is dropped, because it contains secrets.
    text: Zeroizing<String>,
}

impl TokenFile {
    /// Reads a file.
    ///
    /// # Errors
    ///
    /// If it cannot be read, is not a regular file, is too large, or if another user can write to it.
    pub(super) fn open(path: &Path) -> Result<Self, Failure> {
        let failed = |error: io::Error| wrong(path, &error);
        let irregular = || wrong(path, &"it is not a regular file");
        let too_large = || wrong(path, &format_args!("it is larger than {} MiB", LARGEST >> 20));
        // A socket cannot be opened, and opening a device may have an effect.
        if !fs::metadata(path).map_err(failed)?.is_file() {
            return Err(irregular());
        }
        let mut opened = open_at_once(path).map_err(failed)?;
        let metadata = opened.metadata().map_err(failed)?;
        if !metadata.is_file() {
            return Err(irregular());
        }
        if metadata.permissions().mode() & 0o022 != 0 {
            return Err(wrong(path, &"other users can write to it, and could add tokens; run `chmod go-w` on it"));
        }
        if metadata.len() > LARGEST {
            return Err(too_large());
        }
        // A text that grows leaves copies that are not wiped.
        let length = usize::try_from(metadata.len()).map_err(|_| too_large())?;
        let mut bytes = Zeroizing::new(Vec::with_capacity(length + 1));
        // It may have grown since.
        opened.by_ref().take(LARGEST + 1).read_to_end(&mut bytes).map_err(failed)?;
        if bytes.len() as u64 > LARGEST {
            return Err(too_large());
        }
        let text = String::from_utf8(std::mem::take(&mut *bytes)).map_err(|error| {
            drop(Zeroizing::new(error.into_bytes()));
            wrong(path, &"it is not UTF-8 text")
        })?;
        Ok(Self { path: path.to_owned(), metadata, text: Zeroizing::new(text) })
    }

    /// The text, without the byte order mark that some editors begin a file with (RFC 8259, section 8.1).
    pub(super) fn json(&self) -> &str {
        self.text.strip_prefix('\u{feff}').unwrap_or(&self.text)
    }

    /// The whole text.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// What should be said of a file that other users can read. It is accepted, because orchestrators mount secrets so.
    pub(super) fn warning(&self) -> Option<String> {
        let is_open = self.metadata.permissions().mode() & 0o044 != 0;
        is_open.then(|| {
            let path = self.path.display();
            format!("{path}: other users can read it; run `chmod 600` on it, unless it is mounted so on purpose")
        })
    }
}

/// Opens a file without waiting: to open a pipe, which may have taken the file's place meanwhile, would wait for a writer.
fn open_at_once(path: &Path) -> io::Result<File> {
    let flags = i32::try_from((OFlags::NONBLOCK | OFlags::NOCTTY).bits()).map_err(io::Error::other)?;
    OpenOptions::new().read(true).custom_flags(flags).open(path)
}
