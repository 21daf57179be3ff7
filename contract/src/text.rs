//! Texts with placeholders for secrets and for IDs or names, which are filled when a request is sent. A secret is never shown.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::tokens::Token;

/// Which token fills a placeholder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Role {
    /// The admin token that the run was given. Its ID and its name are not known.
    Caller,
    /// An admin token that a case deletes, or must not delete.
    Target,
    /// A token that is not an admin token.
    Limited,
    /// A token that has expired.
    Expired,
    /// A token that was deleted.
    Revoked,
}

impl Role {
    fn variable(self) -> &'static str {
        match self {
            Role::Caller => "TOKEN",
            Role::Target => "TARGET_TOKEN",
            Role::Limited => "LIMITED_TOKEN",
            Role::Expired => "EXPIRED_TOKEN",
            Role::Revoked => "REVOKED_TOKEN",
        }
    }
}

/// A text with placeholders.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Text(Vec<Piece>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Plain(String),
    /// The ID, or the name if the deletion takes that. Each of its characters is percent-encoded, or only those that a query's value must encode.
    Id {
        of: Role,
        encoded: bool,
    },
    /// The secret, percent-encoded if it is in a query and has characters that a query's value must encode.
    Secret {
        of: Role,
        altered: Option<Alteration>,
        in_query: bool,
    },
    /// The credentials of `Basic`, with the secret as the password.
    Basic {
        of: Role,
        altered: Option<Alteration>,
    },
}

/// A change that makes a secret into one that was never issued.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Alteration {
    /// Another character in the middle, so that the format stays valid.
    OneCharacter,
    /// Lower-case letters become upper-case, and upper-case letters lower-case.
    OtherCase,
    /// The last character is missing.
    Cut,
    /// An additional character.
    Extended,
}

/// The tokens that fill placeholders.
pub(super) trait Holders: Sync {
    /// The token in this role, which must have one.
    fn token(&self, role: Role) -> &Token;
}

impl Text {
    pub(super) fn plain(text: impl Into<String>) -> Self {
        Self(vec![Piece::Plain(text.into())])
    }

    pub(super) fn id(of: Role) -> Self {
        Self(vec![Piece::Id { of, encoded: false }])
    }

    pub(super) fn encoded_id(of: Role) -> Self {
        Self(vec![Piece::Id { of, encoded: true }])
    }

    pub(super) fn secret(of: Role) -> Self {
        Self::altered_secret(of, None)
    }

    pub(super) fn altered_secret(of: Role, altered: Option<Alteration>) -> Self {
        Self(vec![Piece::Secret { of, altered, in_query: false }])
    }

    /// This text as the value of a query.
    pub(super) fn in_query(mut self) -> Self {
        for piece in &mut self.0 {
            if let Piece::Secret { in_query, .. } = piece {
                *in_query = true;
            }
        }
        self
    }

    /// The credentials of `Basic`, with the secret as the password.
    pub(super) fn basic(of: Role, altered: Option<Alteration>) -> Self {
        Self(vec![Piece::Basic { of, altered }])
    }

    /// This text, and then another.
    pub(super) fn then(mut self, next: impl Into<Text>) -> Self {
        self.0.extend(next.into().0);
        self
    }

    /// Changes the plain text at the start, if the text starts with one.
    pub(super) fn change_start(&mut self, change: impl Fn(&str) -> String) {
        if let Some(Piece::Plain(start)) = self.0.first_mut() {
            *start = change(start);
        }
    }

    pub(super) fn roles(&self) -> impl Iterator<Item = Role> {
        self.0.iter().filter_map(|piece| match piece {
            Piece::Plain(_) => None,
            Piece::Id { of, .. } | Piece::Secret { of, .. } | Piece::Basic { of, .. } => Some(*of),
        })
    }

    /// The text to send.
    pub(super) fn fill(&self, holders: &dyn Holders) -> String {
        let piece = |piece: &Piece| match piece {
            Piece::Plain(text) => text.clone(),
            Piece::Id { of, encoded: false } => {
                utf8_percent_encode(&holders.token(*of).identifier, NOT_IN_VALUES).to_string()
            }
            Piece::Id { of, encoded: true } => percent_encode(&holders.token(*of).identifier),
            Piece::Secret { of, altered, in_query } => {
                let secret = alter(&holders.token(*of).secret.0, *altered);
                if *in_query { query_value(&secret) } else { secret }
            }
            Piece::Basic { of, altered } => basic(&alter(&holders.token(*of).secret.0, *altered)),
        };
        self.0.iter().map(piece).collect()
    }

    /// The text for a shell's double quotes, with variables instead of secrets.
    pub(super) fn show(&self, holders: &dyn Holders) -> String {
        let piece = |piece: &Piece| match piece {
            Piece::Plain(text) => quoted(text),
            Piece::Id { .. } => Text(vec![piece.clone()]).fill(holders),
            Piece::Secret { of, altered, in_query } => {
                let secret = &holders.token(*of).secret.0;
                let shown = variable(*of, secret, *altered);
                if *in_query && !is_query_value(&alter(secret, *altered)) {
                    let bytes = format!(r#"printf %s "{shown}" | od -An -v -tx1 | tr -d ' \n' | tr a-f A-F"#);
                    format!("$({bytes} | sed 's/../%&/g')")
                } else {
                    shown
                }
            }
            Piece::Basic { of, altered } => {
                let secret = variable(*of, &holders.token(*of).secret.0, *altered);
                format!(r#"$(printf 'contract:%s' "{secret}" | base64 | tr -d '\n')"#)
            }
        };
        self.0.iter().map(piece).collect()
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Self::plain(text)
    }
}

impl From<String> for Text {
    fn from(text: String) -> Self {
        Self::plain(text)
    }
}

/// A shell's expression for a secret in a variable.
fn variable(of: Role, secret: &str, altered: Option<Alteration>) -> String {
    let name = of.variable();
    match in_effect(secret, altered) {
        None => format!("${{{name}}}"),
        Some(Alteration::OneCharacter) => {
            let (at, other) = other_character(secret);
            format!(r#"$(printf %s "${{{name}}}" | sed 's/./{other}/{}')"#, at + 1)
        }
        Some(Alteration::OtherCase) => format!(r#"$(printf %s "${{{name}}}" | tr a-zA-Z A-Za-z)"#),
        Some(Alteration::Cut) => format!("${{{name}%?}}"),
        Some(Alteration::Extended) => format!("${{{name}}}A"),
    }
}

/// Characters that a query's value must percent-encode, or that a shell might interpret.
const NOT_IN_VALUES: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Whether a text is its own value in a query.
fn is_query_value(text: &str) -> bool {
    text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_' | '~'))
}

/// A secret as the value of a query. Every byte is encoded if one must be, which is what the shown command does.
fn query_value(secret: &str) -> String {
    if is_query_value(secret) { secret.to_owned() } else { percent_encode(secret) }
}

/// A secret in a JSON string, without the quotation marks.
fn in_json(secret: &str) -> String {
    let json = serde_json::Value::from(secret).to_string();
    json[1..json.len() - 1].to_owned()
}

fn percent_encode(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

/// How often a character is repeated before a shell's expression stands for it.
const MANY: usize = 100;

/// Escapes what a shell interprets between double quotes, and shortens what is very long.
fn quoted(text: &str) -> String {
    let special = |c: char| matches!(c, '"' | '\\' | '$' | '`');
    let characters: Vec<char> = text.chars().collect();
    let repeated = characters.chunk_by(|one, other| one == other).map(|run| match run {
        [c, ..] if run.len() >= MANY && c.is_ascii_alphanumeric() => {
            format!("$(printf '%0{}d' 0 | tr 0 {c})", run.len())
        }
        _ => run.iter().flat_map(|c| special(*c).then_some('\\').into_iter().chain([*c])).collect(),
    });
    repeated.collect()
}

fn alter(secret: &str, altered: Option<Alteration>) -> String {
    match in_effect(secret, altered) {
        None => secret.to_owned(),
        Some(Alteration::OneCharacter) => {
            let (at, other) = other_character(secret);
            secret.chars().enumerate().map(|(index, c)| if index == at { other } else { c }).collect()
        }
        Some(Alteration::OtherCase) => secret.chars().map(other_case).collect(),
        Some(Alteration::Cut) => secret.chars().take(secret.chars().count().saturating_sub(1)).collect(),
        Some(Alteration::Extended) => format!("{secret}A"),
    }
}

/// An alteration that changes this secret. A secret without letters has no other case, and an empty one has no character
/// to change.
fn in_effect(secret: &str, altered: Option<Alteration>) -> Option<Alteration> {
    let changes_nothing = match altered {
        Some(Alteration::OtherCase) => !secret.contains(|c: char| c.is_ascii_alphabetic()),
        _ => secret.is_empty(),
    };
    if changes_nothing { altered.and(Some(Alteration::Extended)) } else { altered }
}

/// The index of the character to change, and its replacement.
fn other_character(secret: &str) -> (usize, char) {
    let at = secret.chars().count() / 2;
    (at, if secret.chars().nth(at) == Some('x') { 'y' } else { 'x' })
}

fn other_case(c: char) -> char {
    if c.is_ascii_lowercase() { c.to_ascii_uppercase() } else { c.to_ascii_lowercase() }
}

fn basic(secret: &str) -> String {
    STANDARD.encode(format!("contract:{secret}"))
}

/// A secret in each form in which a request or an answer in JSON may contain it, with its alterations; the longest first.
pub(super) fn forms(secret: &str) -> Vec<String> {
    let altered = [Alteration::OneCharacter, Alteration::OtherCase, Alteration::Cut, Alteration::Extended].map(Some);
    let texts = altered.into_iter().chain([None]).map(|it| alter(secret, it));
    let mut forms: Vec<String> =
        texts.flat_map(|text| [basic(&text), query_value(&text), in_json(&text), text]).collect();
    forms.sort_by(|one, other| other.len().cmp(&one.len()).then_with(|| one.cmp(other)));
    forms.dedup();
    forms
}

#[cfg(test)]
mod tests;
