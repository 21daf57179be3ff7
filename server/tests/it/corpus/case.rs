//! A case of the corpus: how it is written and sent.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use crate::document::{DELETED, PARAMETER, PATH};
use crate::limits::within;

macro_rules! topics {
    ($($topic:literal),* $(,)?) => { [$(($topic, include_str!(concat!($topic, ".txt")))),*] };
}

const TOPICS: &[(&str, &str)] = &topics![
    "chunks",
    "framing",
    "half_closed",
    "headers",
    "host",
    "limits",
    "line_ends",
    "other_protocols",
    "pipelining",
    "request_line",
    "smuggling",
    "targets",
    "upgrades",
    "well_formed",
];

pub(super) struct Case {
    /// The topic and the name.
    pub(super) name: &'static str,
    parts: Vec<&'static str>,
    pub(super) statuses: Vec<u16>,
    pub(super) deletes: bool,
    pub(super) closes: bool,
    by_bytes: bool,
}

/// All cases.
pub(super) fn cases() -> Vec<Case> {
    let blocks = |text: &'static str| text.split("\n\n").filter(|block| !block.starts_with('#'));
    TOPICS.iter().flat_map(|(topic, text)| blocks(text).map(|block| Case::parse(topic, block))).collect()
}

impl Case {
    fn parse(topic: &str, block: &'static str) -> Self {
        let mut lines = block.lines();
        let name = format!("{topic}: {}", lines.next().unwrap()).leak();
        let mut case =
            Self { name, parts: Vec::new(), statuses: Vec::new(), deletes: false, closes: false, by_bytes: false };
        for line in lines {
            match line.as_bytes().first() {
                Some(b'>') => case.parts.push(line[1..].strip_prefix(' ').unwrap_or_default()),
                Some(b'<') => case.expect(&line[1..]),
                _ => panic!("{name}: {line}"),
            }
        }
        case
    }

    fn expect(&mut self, line: &str) {
        let mut words = line.split(',').map(str::trim);
        let statuses = words.next().unwrap().split_whitespace();
        self.statuses =
            statuses.map(|status| if status == "deleted" { DELETED } else { status.parse().unwrap() }).collect();
        for word in words {
            match word {
                "deletes" => self.deletes = true,
                "closes" => self.closes = true,
                "bytes" => self.by_bytes = true,
                _ => panic!("{}: {word}", self.name),
            }
        }
    }

    /// Sends the case for this token, and returns everything that the server sends until it ends the connection.
    pub(super) async fn send<S>(&self, stream: S, id: &str, secret: &str) -> io::Result<Vec<u8>>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let (mut reader, mut writer) = tokio::io::split(stream);
        let sending = async {
            for part in &self.parts {
                let bytes = expand(part, id, secret);
                let size = if self.by_bytes { 1 } else { bytes.len().max(1) };
                for piece in bytes.chunks(size) {
                    // The server may have closed the connection already.
                    if writer.write_all(piece).await.is_err() || writer.flush().await.is_err() {
                        return;
                    }
                    tokio::task::yield_now().await;
                }
                if self.parts.len() > 1 {
                    // So that the server reads the parts one by one, as a rule.
                    tokio::time::sleep(Duration::from_millis(2)).await;
                }
            }
            if !self.closes {
                let _ = writer.shutdown().await;
            }
        };
        let mut received = Vec::new();
        let both = async { tokio::join!(sending, reader.read_to_end(&mut received)).1 };
        within(format!("the end of {}", self.name), both).await?;
        Ok(received)
    }
}

/// The bytes that a text stands for.
fn expand(text: &str, id: &str, secret: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = text;
    while let Some(begin) = rest.find('{') {
        bytes.extend(unescape(&rest[..begin]));
        let (word, behind) = rest[begin + 1..].split_once('}').unwrap_or_else(|| panic!("{text}"));
        match word.rsplit_once('*') {
            Some((repeated, count)) => bytes.extend(unescape(repeated).repeat(count.parse().unwrap())),
            None => bytes.extend(value(word, id, secret).into_bytes()),
        }
        rest = behind;
    }
    bytes.extend(unescape(rest));
    bytes
}

/// What a word in braces stands for.
fn value(word: &str, id: &str, secret: &str) -> String {
    let target = format!("{PATH}?{PARAMETER}={id}");
    let (host, auth) = ("Host: a.test\r\n", format!("Authorization: Bearer {secret}\r\n"));
    let delete = format!("DELETE {target} HTTP/1.1\r\n{host}{auth}");
    let smuggled = format!("{delete}\r\n");
    match word {
        "id" => id.to_owned(),
        "parameter" => PARAMETER.to_owned(),
        "encoded" => PARAMETER.bytes().map(|byte| format!("%{byte:02x}")).collect(),
        "secret" => secret.to_owned(),
        "target" => target,
        "host" => host.to_owned(),
        "auth" => auth,
        "delete" => delete,
        "smuggled" => smuggled,
        "smuggled-length" => smuggled.len().to_string(),
        "smuggled-chunk" => format!("{:x}\r\n{smuggled}\r\n", smuggled.len()),
        _ => panic!("unknown word: {word}"),
    }
}

fn unescape(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'\\' => match rest.next().unwrap() {
                b'r' => b'\r',
                b'n' => b'\n',
                b't' => b'\t',
                b'\\' => b'\\',
                b'x' => {
                    let digits = [rest.next().unwrap(), rest.next().unwrap()];
                    u8::from_str_radix(str::from_utf8(&digits).unwrap(), 16).unwrap()
                }
                other => panic!("{text}: \\{}", char::from(other)),
            },
            _ => byte,
        });
    }
    bytes
}

#[test]
fn a_text_stands_for_bytes() {
    assert_eq!(expand(r"{id}\r\n\t\x00\\{ab\r*2}.", "7", "s"), b"7\r\n\t\0\\ab\rab\r.");
    assert_eq!(expand("{smuggled-length}", "7", "s"), expand("{smuggled}", "7", "s").len().to_string().as_bytes());
}
