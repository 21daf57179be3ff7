//! Reads the files that a person writes for the command: `.env` and the configuration file.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use zeroize::Zeroizing;

/// The largest file that is read, in bytes.
const LARGEST: u64 = 1 << 20;

/// Reads a text, without the byte order mark that some editors begin a file with. It is wiped when it is dropped, because
/// it may contain secrets.
///
/// # Errors
///
/// If the file cannot be read, is too large, is not UTF-8, or has a character that no value can have.
pub(super) fn read(path: &Path) -> io::Result<Zeroizing<String>> {
    let mut bytes = Zeroizing::new(Vec::new());
    File::open(path)?.take(LARGEST + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LARGEST {
        return Err(io::Error::other(format!("it is larger than {} KiB", LARGEST >> 10)));
    }
    let text = std::str::from_utf8(&bytes).map_err(|error| {
        let line = bytes[..error.valid_up_to()].iter().filter(|byte| **byte == b'\n').count() + 1;
        io::Error::other(format!("line {line} is not UTF-8 text"))
    })?;
    if let Some(at) = text.find('\0') {
        let line = text[..at].matches('\n').count() + 1;
        return Err(io::Error::other(format!("line {line} has a character with the code 0")));
    }
    Ok(Zeroizing::new(text.strip_prefix('\u{feff}').unwrap_or(text).to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_no_text_of_a_usual_size_is_refused() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let read = |content: &[u8]| {
            std::fs::write(file.path(), content).unwrap();
            read(file.path()).map(|text| text.to_string()).map_err(|error| error.to_string())
        };
        assert_eq!(read("\u{feff}A=ü\r\n".as_bytes()).as_deref(), Ok("A=ü\r\n"));
        assert_eq!(read(b"A=1\nB=\xff\n"), Err("line 2 is not UTF-8 text".to_owned()));
        assert_eq!(read(b"A=1\nB=\0\n"), Err("line 2 has a character with the code 0".to_owned()));
        assert!(read(&vec![b'#'; 1 << 20]).is_ok());
        assert!(read(&vec![b'#'; (1 << 20) + 1]).unwrap_err().contains("larger than 1024 KiB"));
    }
}
