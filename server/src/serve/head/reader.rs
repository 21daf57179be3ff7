//! Follows the bytes of an HTTP/1.1 connection, and refuses what two readers could understand in two ways.
//!
//! It is stricter than RFC 9112 requires: it has none of the tolerance that the RFC leaves to a recipient. It knows where
//! a head ends and where a body ends, and nothing else of a request.

use super::fault::Fault;

/// The limits of a head.
#[derive(Clone, Copy, Debug)]
pub(in crate::serve) struct Limits {
    /// The longest head, in bytes.
    pub(in crate::serve) head: u32,
    /// The longest target, in bytes.
    pub(in crate::serve) target: u32,
    /// How many headers a head may have.
    pub(in crate::serve) fields: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self { head: 16 << 10, target: 8 << 10, fields: 100 }
    }
}

/// How many bytes the extensions of all chunks of a body may have.
const EXTENSIONS: u32 = 256;

/// `transfer-encoding` is the longest name that matters.
const LONGEST_NAME: usize = 17;

/// The state between two bytes of a connection.
#[derive(Debug)]
pub(super) struct Reader {
    limits: Limits,
    state: State,
    /// How many bytes the head, the trailers or the extensions of chunks have so far.
    size: u32,
    fields: u32,
    /// The begin of the method, of a scheme, or of a name in lower case.
    word: [u8; LONGEST_NAME],
    /// How long it is, if it fits.
    word_length: usize,
    is_http10: bool,
    has_host: bool,
    is_chunked: bool,
    length: Option<u64>,
    in_trailers: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Start,
    Method,
    TargetStart,
    Asterisk,
    Scheme,
    /// How many slashes of an absolute target are still to come.
    Slashes(u8),
    Target(u32),
    /// How many bytes of `HTTP/x.y` have been read.
    Version(u8),
    RequestLf,
    FieldStart,
    Name,
    Value,
    Length(Word),
    /// How many bytes of `chunked` have been read.
    Encoding(Word, u8),
    FieldLf,
    HeadLf,
    Body(u64),
    ChunkSize(u64, u8),
    Extension,
    ChunkLf,
    ChunkData(u64),
    ChunkDataCr,
    ChunkDataLf,
}

/// Where in a value of one word the reader is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Word {
    Before,
    Inside,
    Behind,
}

/// What may be done with the bytes that were fed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fed {
    /// How many of these bytes, and with them all earlier ones, are known to be well-formed. The others begin a head.
    pub(super) safe: usize,
    /// Why the byte behind is refused. The reader must not be fed any more.
    pub(super) fault: Option<Fault>,
}

impl Reader {
    pub(super) fn new(limits: Limits) -> Self {
        Self {
            limits,
            state: State::Start,
            size: 0,
            fields: 0,
            word: [0; LONGEST_NAME],
            word_length: 0,
            is_http10: false,
            has_host: false,
            is_chunked: false,
            length: None,
            in_trailers: false,
        }
    }

    /// Reads the next bytes of the connection.
    pub(super) fn feed(&mut self, bytes: &[u8]) -> Fed {
        let (mut at, mut safe) = (0, 0);
        while at < bytes.len() {
            match self.step(&bytes[at..]) {
                Ok(read) => at += read,
                Err(fault) => return Fed { safe, fault: Some(fault) },
            }
            if self.is_between() || self.in_body() {
                safe = at;
            }
        }
        Fed { safe, fault: None }
    }

    /// Whether a request has ended and no other has begun.
    pub(super) fn is_between(&self) -> bool {
        self.state == State::Start
    }

    /// Whether the head of a request has ended, and its body has not.
    pub(super) fn in_body(&self) -> bool {
        use State::{Body, ChunkData, ChunkDataCr, ChunkDataLf, ChunkLf, ChunkSize, Extension};
        self.in_trailers
            || matches!(
                self.state,
                Body(_) | ChunkSize(..) | Extension | ChunkLf | ChunkData(_) | ChunkDataCr | ChunkDataLf
            )
    }

    /// Reads at least one byte, and returns how many.
    fn step(&mut self, bytes: &[u8]) -> Result<usize, Fault> {
        match self.state {
            State::Body(left) => return Ok(self.skip(bytes, left, State::Body, State::Start)),
            State::ChunkData(left) => return Ok(self.skip(bytes, left, State::ChunkData, State::ChunkDataCr)),
            _ => {}
        }
        let is_counted = !self.in_body() || self.in_trailers || self.state == State::Extension;
        let run = self.run(bytes);
        let read = if run > 0 { run } else { self.byte(bytes[0]).map(|()| 1)? };
        if is_counted {
            self.size = self.size.saturating_add(u32::try_from(read).unwrap_or(u32::MAX));
        }
        match self.state {
            State::Target(length) if length > self.limits.target => Err(Fault::TargetTooLong),
            State::Extension if self.size > EXTENSIONS => Err(Fault::Chunk),
            _ if is_counted && self.size > self.limits.head => Err(Fault::HeadTooLong),
            _ => Ok(read),
        }
    }

    /// Reads bytes of a body that may have any value.
    fn skip(&mut self, bytes: &[u8], left: u64, rest: fn(u64) -> State, end: State) -> usize {
        let read = bytes.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        let left = left - read as u64;
        self.state = if left > 0 { rest(left) } else { end };
        read
    }

    /// Reads as many bytes as do not change the state.
    fn run(&mut self, bytes: &[u8]) -> usize {
        match &mut self.state {
            State::Value => run(bytes, is_value),
            State::Extension => run(bytes, |byte| is_value(byte) && byte.is_ascii()),
            State::Target(length) => {
                let read = run(bytes, is_target);
                *length = length.saturating_add(u32::try_from(read).unwrap_or(u32::MAX));
                read
            }
            State::Name => {
                let read = bytes.iter().take_while(|byte| is_token(**byte)).count();
                bytes[..read].iter().for_each(|byte| self.remember(*byte));
                read
            }
            _ => 0,
        }
    }

    fn byte(&mut self, byte: u8) -> Result<(), Fault> {
        self.state = match (self.state, byte) {
            (State::Start, _) => self.begin(byte)?,
            (State::Method, b' ') => State::TargetStart,
            (State::Method, _) if is_token(byte) => {
                self.remember(byte);
                State::Method
            }
            (State::Method, _) => return Err(Fault::Method),

            (State::TargetStart | State::Scheme | State::Slashes(_) | State::Asterisk, _) => self.form(byte)?,
            (State::Target(_), b' ') => State::Version(0),
            (State::Target(_), _) => return Err(Fault::Target),
            (State::Version(at), _) => self.version(at, byte)?,

            (State::RequestLf | State::FieldLf, b'\n') => State::FieldStart,
            (State::FieldStart, b'\r') => State::HeadLf,
            (State::FieldStart, b' ' | b'\t') => return Err(Fault::Folded),
            (State::FieldStart, _) if is_token(byte) => self.field(byte)?,
            (State::Name, b':') => self.name()?,
            (State::FieldStart, b'\n') => return Err(Fault::LineEnd),
            (State::FieldStart | State::Name, _) => return Err(Fault::Name),

            (State::Value, b'\r') => State::FieldLf,
            (State::Value, b'\n') => return Err(Fault::LineEnd),
            (State::Value, _) => return Err(Fault::Value),
            (State::Length(word), _) => self.digit(word, byte)?,
            (State::Encoding(word, at), _) => encoding(word, at, byte)?,
            (State::HeadLf, b'\n') => self.end()?,

            (State::ChunkSize(size, digits), _) => self.chunk_size(size, digits, byte)?,
            (State::Extension, b'\r') => State::ChunkLf,
            (State::ChunkLf, b'\n') => self.chunk(),
            (State::ChunkDataCr, b'\r') => State::ChunkDataLf,
            (State::ChunkDataLf, b'\n') => State::ChunkSize(0, 0),
            (State::Extension | State::ChunkLf | State::ChunkDataCr | State::ChunkDataLf, _) => {
                return Err(Fault::Chunk);
            }

            (State::RequestLf | State::FieldLf | State::HeadLf, _) => return Err(Fault::LineEnd),
            (State::Body(_) | State::ChunkData(_), _) => unreachable!("`step` skips these"),
        };
        Ok(())
    }

    /// The first byte of a request.
    fn begin(&mut self, byte: u8) -> Result<State, Fault> {
        *self = Self::new(self.limits);
        match byte {
            _ if is_token(byte) => {
                self.remember(byte);
                Ok(State::Method)
            }
            // The type of a record that has a handshake (RFC 8446, section 5.1).
            0x16 => Err(Fault::Tls),
            b' ' | b'\t' | b'\r' | b'\n' => Err(Fault::EmptyLine),
            _ => Err(Fault::Method),
        }
    }

    /// The begin of a target, which shows its form (RFC 9112, section 3.2).
    fn form(&mut self, byte: u8) -> Result<State, Fault> {
        match (self.state, byte) {
            (State::TargetStart, _) => {
                let (is_connect, is_options) = (self.word() == b"CONNECT", self.word() == b"OPTIONS");
                self.word_length = 0;
                match byte {
                    b'/' if !is_connect => Ok(State::Target(1)),
                    b'*' if is_options => Ok(State::Asterisk),
                    _ if is_connect && (byte.is_ascii_alphanumeric() || byte == b'[') => Ok(State::Target(1)),
                    b'h' | b'H' if !is_connect => {
                        self.remember(b'h');
                        Ok(State::Scheme)
                    }
                    _ => Err(Fault::Target),
                }
            }
            (State::Asterisk, b' ') => Ok(State::Version(0)),
            (State::Scheme, b':') if matches!(self.word(), b"http" | b"https") => Ok(State::Slashes(2)),
            (State::Scheme, _) if byte.is_ascii_alphabetic() => {
                self.remember(byte.to_ascii_lowercase());
                Ok(State::Scheme)
            }
            (State::Slashes(2), b'/') => Ok(State::Slashes(1)),
            (State::Slashes(1), b'/') => Ok(State::Slashes(0)),
            (State::Slashes(0), b'[') => Ok(State::Target(9)),
            (State::Slashes(0), _) if is_target(byte) && !b"/?:@".contains(&byte) => Ok(State::Target(9)),
            _ => Err(Fault::Target),
        }
    }

    fn version(&mut self, at: u8, byte: u8) -> Result<State, Fault> {
        const PATTERN: &[u8; 8] = b"HTTP/1.1";
        let expected = PATTERN.get(usize::from(at)).copied();
        match (at, byte) {
            (7, b'0' | b'1') => {
                self.is_http10 = byte == b'0';
                Ok(State::Version(8))
            }
            (5 | 7, b'0'..=b'9') if expected != Some(byte) => Err(Fault::OtherVersion),
            (8, b'\r') => Ok(State::RequestLf),
            (8, b'\n') => Err(Fault::LineEnd),
            _ if expected == Some(byte) => Ok(State::Version(at + 1)),
            _ => Err(Fault::Version),
        }
    }

    fn field(&mut self, byte: u8) -> Result<State, Fault> {
        self.fields += 1;
        if self.fields > self.limits.fields {
            return Err(Fault::TooManyFields);
        }
        self.word_length = 0;
        self.remember(byte);
        Ok(State::Name)
    }

    /// The colon behind a name.
    fn name(&mut self) -> Result<State, Fault> {
        match self.word() {
            b"content-length" | b"transfer-encoding" | b"host" if self.in_trailers => Err(Fault::Trailer),
            // The service checks the value, and that there is no other.
            b"host" => {
                self.has_host = true;
                Ok(State::Value)
            }
            b"content-length" if self.length.is_some() => Err(Fault::Lengths),
            b"content-length" if self.is_chunked => Err(Fault::EncodingAndLength),
            b"content-length" => Ok(State::Length(Word::Before)),
            b"transfer-encoding" if self.is_http10 => Err(Fault::EncodingInHttp10),
            b"transfer-encoding" if self.length.is_some() => Err(Fault::EncodingAndLength),
            b"transfer-encoding" if self.is_chunked => Err(Fault::Encoding),
            b"transfer-encoding" => {
                self.is_chunked = true;
                Ok(State::Encoding(Word::Before, 0))
            }
            _ => Ok(State::Value),
        }
    }

    /// A byte of the value of `Content-Length`.
    fn digit(&mut self, word: Word, byte: u8) -> Result<State, Fault> {
        match (word, byte) {
            (Word::Before | Word::Inside, b'0'..=b'9') => {
                let length = self.length.unwrap_or(0).checked_mul(10);
                // Hyper gives the two greatest numbers another meaning.
                let length = length.and_then(|length| length.checked_add(u64::from(byte - b'0')));
                self.length = Some(length.filter(|length| *length < u64::MAX - 2).ok_or(Fault::Length)?);
                Ok(State::Length(Word::Inside))
            }
            (Word::Before, b' ' | b'\t') => Ok(State::Length(Word::Before)),
            (Word::Inside | Word::Behind, b' ' | b'\t') => Ok(State::Length(Word::Behind)),
            (Word::Inside | Word::Behind, b'\r') => Ok(State::FieldLf),
            (Word::Inside | Word::Behind, b'\n') => Err(Fault::LineEnd),
            _ => Err(Fault::Length),
        }
    }

    /// The end of a head or of the trailers.
    fn end(&mut self) -> Result<State, Fault> {
        self.size = 0;
        if self.in_trailers {
            self.in_trailers = false;
            Ok(State::Start)
        } else if !self.has_host && !self.is_http10 {
            Err(Fault::NoHost)
        } else if self.is_chunked {
            Ok(State::ChunkSize(0, 0))
        } else {
            Ok(self.length.filter(|length| *length > 0).map_or(State::Start, State::Body))
        }
    }

    fn chunk_size(&mut self, size: u64, digits: u8, byte: u8) -> Result<State, Fault> {
        match byte {
            // Longer ones are zeros in front, or overflow.
            _ if byte.is_ascii_hexdigit() && digits < 16 => {
                let digit = char::from(byte).to_digit(16).unwrap_or_default();
                Ok(State::ChunkSize(size << 4 | u64::from(digit), digits + 1))
            }
            b'\r' | b';' if digits > 0 => {
                self.length = Some(size);
                Ok(if byte == b'\r' { State::ChunkLf } else { State::Extension })
            }
            _ => Err(Fault::Chunk),
        }
    }

    /// The end of the line before a chunk.
    fn chunk(&mut self) -> State {
        match self.length {
            Some(size) if size > 0 => State::ChunkData(size),
            _ => {
                self.in_trailers = true;
                (self.size, self.fields) = (0, 0);
                State::FieldStart
            }
        }
    }

    fn remember(&mut self, byte: u8) {
        if let Some(place) = self.word.get_mut(self.word_length) {
            // A method is case-sensitive.
            *place = if self.state == State::Start || self.state == State::Method {
                byte
            } else {
                byte.to_ascii_lowercase()
            };
        }
        self.word_length = self.word_length.saturating_add(1);
    }

    /// Empty if it is longer than any that matters.
    fn word(&self) -> &[u8] {
        self.word.get(..self.word_length).unwrap_or_default()
    }
}

/// A byte of the value of `Transfer-Encoding`.
fn encoding(word: Word, at: u8, byte: u8) -> Result<State, Fault> {
    const CHUNKED: &[u8] = b"chunked";
    let is_complete = usize::from(at) == CHUNKED.len();
    match (word, byte) {
        (Word::Before, b' ' | b'\t') => Ok(State::Encoding(Word::Before, 0)),
        (Word::Inside | Word::Behind, b' ' | b'\t') if is_complete => Ok(State::Encoding(Word::Behind, at)),
        (Word::Inside | Word::Behind, b'\r') if is_complete => Ok(State::FieldLf),
        (Word::Inside | Word::Behind, b'\n') if is_complete => Err(Fault::LineEnd),
        (Word::Before | Word::Inside, _) if CHUNKED.get(usize::from(at)) == Some(&byte.to_ascii_lowercase()) => {
            Ok(State::Encoding(Word::Inside, at + 1))
        }
        _ => Err(Fault::Encoding),
    }
}

/// How many bytes at the begin are of this kind. It looks at sixteen at a time, as vector instructions do.
fn run(bytes: &[u8], is_kind: impl Fn(u8) -> bool) -> usize {
    let are_all = |chunk: &[u8; 16]| chunk.iter().fold(true, |all, byte| all & is_kind(*byte));
    let whole = bytes.as_chunks().0.iter().take_while(|chunk| are_all(chunk)).count() * 16;
    whole + bytes[whole..].iter().take_while(|byte| is_kind(**byte)).count()
}

fn is_value(byte: u8) -> bool {
    byte >= b' ' && byte != 0x7f || byte == b'\t'
}

/// Visible ASCII, without what a URI cannot have and what some readers cut off or replace.
fn is_target(byte: u8) -> bool {
    byte.is_ascii_graphic() && !matches!(byte, b'#' | b'"' | b'<' | b'>' | b'\\')
}

fn is_token(byte: u8) -> bool {
    const TOKEN: [bool; 256] = {
        let mut table = [false; 256];
        let others = b"!#$%&'*+-.^_`|~";
        let mut at = 0;
        while at < 256 {
            table[at] = (at as u8).is_ascii_alphanumeric();
            at += 1;
        }
        at = 0;
        while at < others.len() {
            table[others[at] as usize] = true;
            at += 1;
        }
        table
    };
    TOKEN[usize::from(byte)]
}

#[cfg(test)]
mod tests;
