//! The answers that arrived on a connection.

use uuid::Uuid;

pub(super) struct Answer {
    pub(super) status: u16,
    head: String,
    body: Vec<u8>,
}

/// Takes the answers apart. A response to HEAD has no body.
pub(super) fn parse(mut bytes: &[u8]) -> Vec<Answer> {
    let mut answers = Vec::new();
    while !bytes.is_empty() {
        let malformed = || panic!("not an answer: {}", bytes.escape_ascii());
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n").unwrap_or_else(malformed);
        let head = String::from_utf8(bytes[..end].to_vec()).unwrap().to_ascii_lowercase();
        let status = head.strip_prefix("http/1.").and_then(|rest| rest.get(2..5)?.parse().ok());
        let status: u16 = status.unwrap_or_else(|| panic!("not an answer: {head}"));
        let length = head.split("\r\ncontent-length: ").nth(1).and_then(|rest| rest.lines().next()?.parse().ok());
        let rest = &bytes[end + 4..];
        let length: usize = if rest.is_empty() || rest.starts_with(b"HTTP/1.1 ") { 0 } else { length.unwrap_or(0) };
        let (body, behind) = rest.split_at(length);
        answers.push(Answer { status, head, body: body.to_vec() });
        bytes = behind;
    }
    answers
}

impl Answer {
    /// Whether the server says that it closes the connection.
    pub(super) fn closes(&self) -> bool {
        self.head.contains("\r\nconnection: close")
    }

    /// What an answer of this cluster should not be like.
    pub(super) fn problem(&self, cluster: Uuid) -> Option<String> {
        let has = |header: &str| self.head.contains(header);
        let is_complete = has(&format!("\r\ncluster-uuid: {cluster}")) && has("\r\nx-span-id: ");
        let is_json = self.body.is_empty() || has("\r\ncontent-type: application/json");
        let is_message = self.body.is_empty() || serde_json::from_slice::<serde_json::Value>(&self.body).is_ok();
        let is_said = ![400, 414, 431, 505].contains(&self.status) || !self.body.is_empty();
        (!(is_complete && is_json && is_message && is_said)).then(|| format!("{}\r\n\r\n{:?}", self.head, self.body))
    }
}
