//! Requests with holes: a secret or an ID is filled in when the request is sent, and never when it is shown.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::header::AUTHORIZATION;
use influxdb3_token_api::security::{SecurityKind, SecurityScheme};
use influxdb3_token_api::{Location, Operation};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::tokens::IssuedToken;

/// Whose secret or ID fills a hole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Role {
    /// The admin token that the run was given, which has no known ID.
    Caller,
    /// An admin token that is to be deleted, or must not be.
    Target,
    /// A token that is no admin token.
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

/// A text with holes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Text(Vec<Piece>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Plain(String),
    /// The ID, each of its characters percent-encoded, or those that a query's value cannot hold as they are.
    Id {
        of: Role,
        encoded: bool,
    },
    Secret {
        of: Role,
        altered: Option<Alteration>,
    },
    /// The credentials of `Basic`, with the secret as the password.
    Basic {
        of: Role,
        altered: Option<Alteration>,
    },
}

/// What makes a secret one that was never issued.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Alteration {
    /// Another character in the middle: the form is right.
    OneCharacter,
    /// Small letters are capitals, and capitals are small.
    OtherCase,
    /// The last character is missing.
    Cut,
    /// There is one character too many.
    Extended,
}

/// The tokens that fill holes.
pub(super) trait Holders: Sync {
    /// The token in this role, which was made sure to be there.
    fn token(&self, role: Role) -> &IssuedToken;
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
        Self(vec![Piece::Secret { of, altered: None }])
    }

    /// This text, and then another.
    pub(super) fn then(mut self, next: impl Into<Text>) -> Self {
        self.0.extend(next.into().0);
        self
    }

    pub(super) fn roles(&self) -> impl Iterator<Item = Role> {
        self.0.iter().filter_map(|piece| match piece {
            Piece::Plain(_) => None,
            Piece::Id { of, .. } | Piece::Secret { of, .. } | Piece::Basic { of, .. } => Some(*of),
        })
    }

    /// The text that is sent.
    pub(super) fn fill(&self, holders: &dyn Holders) -> String {
        let piece = |piece: &Piece| match piece {
            Piece::Plain(text) => text.clone(),
            Piece::Id { of, encoded: false } => utf8_percent_encode(&holders.token(*of).id, NOT_IN_VALUES).to_string(),
            Piece::Id { of, encoded: true } => percent_encode(&holders.token(*of).id),
            Piece::Secret { of, altered } => alter(&holders.token(*of).secret.0, *altered),
            Piece::Basic { of, altered } => basic(&alter(&holders.token(*of).secret.0, *altered)),
        };
        self.0.iter().map(piece).collect()
    }

    /// The text as a shell makes it between double quotes, with variables in the place of secrets.
    pub(super) fn show(&self, holders: &dyn Holders) -> String {
        let piece = |piece: &Piece| match piece {
            Piece::Plain(text) => quoted(text),
            Piece::Id { .. } => Text(vec![piece.clone()]).fill(holders),
            Piece::Secret { of, altered } => variable(*of, &holders.token(*of).secret.0, *altered),
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

/// A shell's expression for a secret, which a variable holds.
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

/// What a value in a query cannot hold as it is, and what a shell might take for something else.
const NOT_IN_VALUES: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

fn percent_encode(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

/// What has a meaning for a shell between double quotes, with a backslash before it.
fn quoted(text: &str) -> String {
    let special = |c: char| matches!(c, '"' | '\\' | '$' | '`');
    text.chars().flat_map(|c| special(c).then_some('\\').into_iter().chain([c])).collect()
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

/// An alteration that changes this secret: one without letters has no other case, and an empty one nothing to cut.
fn in_effect(secret: &str, altered: Option<Alteration>) -> Option<Alteration> {
    let changes_nothing = match altered {
        Some(Alteration::OtherCase) => !secret.contains(|c: char| c.is_ascii_alphabetic()),
        _ => secret.is_empty(),
    };
    if changes_nothing { altered.and(Some(Alteration::Extended)) } else { altered }
}

/// Where a character is changed, counted from 0, and into which.
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

/// A secret in each form in which a request may hold it, altered ones too; the longest first.
pub(super) fn forms(secret: &str) -> Vec<String> {
    let altered = [Alteration::OneCharacter, Alteration::OtherCase, Alteration::Cut, Alteration::Extended].map(Some);
    let texts = altered.into_iter().chain([None]).map(|it| alter(secret, it));
    let mut forms: Vec<String> = texts.flat_map(|text| [basic(&text), text]).collect();
    forms.sort_by_key(|form| std::cmp::Reverse(form.len()));
    forms
}

/// A request that is right in everything, until something of it is changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Template {
    pub(super) method: String,
    /// The path as the document has it, with its parameters in braces; `None` if no operation has this path.
    pub(super) declared_path: Option<&'static str>,
    pub(super) path: Text,
    pub(super) query: Vec<(String, Text)>,
    pub(super) headers: Vec<(String, Text)>,
}

/// The value of a parameter about which nothing is known.
pub(super) const ANYTHING: &str = "contract";

/// A path of the document, with a value for each parameter in braces.
pub(super) fn fill_path(path: &str, value: impl Fn(&str) -> Text) -> Text {
    let mut pieces = path.split('{');
    let first = Text::plain(pieces.next().unwrap_or_default());
    pieces.fold(first, |filled, piece| {
        let (name, rest) = piece.split_once('}').unwrap_or((piece, ""));
        filled.then(value(name)).then(rest)
    })
}

impl Template {
    /// A call of an operation without credentials, where each required parameter has the value that `value` returns for
    /// its name.
    pub(super) fn of(operation: &Operation, value: impl Fn(&str) -> Text) -> Self {
        let mut template = Self {
            method: operation.method.to_string(),
            declared_path: Some(operation.path),
            path: fill_path(operation.path, &value),
            query: Vec::new(),
            headers: Vec::new(),
        };
        for parameter in operation.parameters.iter().filter(|parameter| parameter.required) {
            template.add(parameter.location, parameter.name, value(parameter.name));
        }
        template
    }

    /// The same request for a path that no operation has.
    pub(super) fn elsewhere(self, path: Text) -> Self {
        Self { declared_path: None, path, ..self }
    }

    /// Adds a value for a parameter, beside those that it has.
    pub(super) fn add(&mut self, location: Location, name: &str, value: Text) {
        match location {
            Location::Query => self.query.push((name.to_owned(), value)),
            Location::Header => self.headers.push((name.to_owned(), value)),
            Location::Cookie => self.headers.push(("cookie".to_owned(), Text::plain(format!("{name}=")).then(value))),
            // A path has a value for each of its parameters from the start.
            Location::Path => {}
        }
    }

    /// Takes a parameter out.
    pub(super) fn remove(&mut self, location: Location, name: &str) {
        match location {
            Location::Query => self.query.retain(|(other, _)| other != name),
            Location::Header => self.headers.retain(|(other, _)| !other.eq_ignore_ascii_case(name)),
            Location::Cookie => self.headers.retain(|(other, _)| other != "cookie"),
            Location::Path => {}
        }
    }

    pub(super) fn with_header(mut self, name: impl fmt::Display, value: impl Into<Text>) -> Self {
        self.headers.push((name.to_string(), value.into()));
        self
    }

    /// Adds a credential under one of the document's schemes.
    pub(super) fn with(self, scheme: &SecurityScheme, of: Role) -> Self {
        self.with_altered(scheme, of, None)
    }

    /// Adds one with a secret that was never issued.
    ///
    /// An API key in `Authorization` follows the word `Token`, as the document's description of that scheme says.
    pub(super) fn with_altered(mut self, scheme: &SecurityScheme, of: Role, altered: Option<Alteration>) -> Self {
        let secret = Text(vec![Piece::Secret { of, altered }]);
        match scheme.kind {
            SecurityKind::ApiKey { location, name } if is_authorization(location, name) => {
                self.add(location, name, Text::plain("Token ").then(secret));
            }
            SecurityKind::ApiKey { location, name } => self.add(location, name, secret),
            kind => {
                let Some(word) = auth_scheme(scheme) else { return self };
                let basic = Text(vec![Piece::Basic { of, altered }]);
                let credential = if kind == SecurityKind::Basic { basic } else { secret };
                self.add(Location::Header, AUTHORIZATION.as_str(), Text::plain(format!("{word} ")).then(credential));
            }
        }
        self
    }

    /// Writes the name of the scheme in `Authorization` in another way.
    pub(super) fn change_scheme(&mut self, change: impl Fn(&str) -> String) {
        for (_, value) in self.headers.iter_mut().filter(|(name, _)| name == AUTHORIZATION.as_str()) {
            if let Some(Piece::Plain(word)) = value.0.first_mut() {
                *word = change(word);
            }
        }
    }

    /// Whether this is a request for an operation, be it right or wrong.
    pub(super) fn calls(&self, operation: &Operation) -> bool {
        self.declared_path == Some(operation.path) && self.method == operation.method.as_str()
    }

    pub(super) fn roles(&self) -> impl Iterator<Item = Role> {
        let values = self.query.iter().chain(&self.headers).map(|(_, value)| value);
        values.chain([&self.path]).flat_map(Text::roles)
    }

    /// Path and query, with each value as `text` gives it.
    pub(super) fn target(&self, text: impl Fn(&Text) -> String) -> String {
        let path = text(&self.path);
        let query: Vec<String> = self.query.iter().map(|(name, value)| format!("{name}={}", text(value))).collect();
        if query.is_empty() { path } else { format!("{path}?{}", query.join("&")) }
    }
}

/// The name of a scheme that HTTP knows (RFC 9110, section 11.1), which precedes the credential and stands in a
/// challenge; an API key has none.
pub(super) fn auth_scheme(scheme: &SecurityScheme) -> Option<&'static str> {
    match scheme.kind {
        SecurityKind::Bearer => Some("Bearer"),
        SecurityKind::Basic => Some("Basic"),
        _ => None,
    }
}

fn is_authorization(location: Location, name: &str) -> bool {
    location == Location::Header && name.eq_ignore_ascii_case(AUTHORIZATION.as_str())
}

#[cfg(test)]
mod tests;
