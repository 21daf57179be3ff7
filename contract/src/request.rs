//! Requests, which refer to tokens by their roles.

use std::fmt;

use http::header::{AUTHORIZATION, CONTENT_TYPE};
use influxdb3_token_api::security::{SecurityKind, SecurityScheme};
use influxdb3_token_api::{Location, Operation};

use super::text::{Alteration, Role, Text};

/// A request with placeholders. It is correct until a case changes something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Template {
    pub(super) method: String,
    /// The path as the document has it, with its parameters in braces; `None` if no operation has this path.
    pub(super) declared_path: Option<&'static str>,
    pub(super) path: Text,
    pub(super) query: Vec<(String, Text)>,
    pub(super) headers: Vec<(String, Text)>,
    /// Empty if the request has no body.
    pub(super) body: String,
}

/// The value of any other parameter.
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
            body: String::new(),
        };
        for parameter in operation.parameters.iter().filter(|parameter| parameter.required) {
            template.add(parameter.location, parameter.name, value(parameter.name));
        }
        template
    }

    /// OPTIONS without credentials, which changes nothing.
    pub(super) fn harmless(path: &'static str) -> Self {
        Self {
            method: "OPTIONS".to_owned(),
            declared_path: Some(path),
            path: fill_path(path, |_| ANYTHING.into()),
            query: Vec::new(),
            headers: Vec::new(),
            body: String::new(),
        }
    }

    /// The same request for a path that no operation has.
    pub(super) fn elsewhere(self, path: Text) -> Self {
        Self { declared_path: None, path, ..self }
    }

    /// Adds a value for a parameter, and keeps those that it has.
    pub(super) fn add(&mut self, location: Location, name: &str, value: Text) {
        match location {
            Location::Query => self.query.push((name.to_owned(), value)),
            Location::Header => self.headers.push((name.to_owned(), value)),
            Location::Cookie => self.headers.push(("cookie".to_owned(), Text::plain(format!("{name}=")).then(value))),
            // The path has a value for each of its parameters from the start.
            Location::Path => {}
        }
    }

    /// Removes a parameter.
    pub(super) fn remove(&mut self, location: Location, name: &str) {
        match location {
            Location::Query => self.query.retain(|(other, _)| other != name),
            Location::Header => self.headers.retain(|(other, _)| !other.eq_ignore_ascii_case(name)),
            Location::Cookie => self.headers.retain(|(other, _)| other != "cookie"),
            Location::Path => {}
        }
    }

    pub(super) fn with_query(mut self, name: &str, value: impl Into<Text>) -> Self {
        self.query.push((name.to_owned(), value.into()));
        self
    }

    pub(super) fn with_header(mut self, name: impl fmt::Display, value: impl Into<Text>) -> Self {
        self.headers.push((name.to_string(), value.into()));
        self
    }

    /// The same request with a body of this media type.
    pub(super) fn with_body(self, media_type: &str, body: impl Into<String>) -> Self {
        Self { body: body.into(), ..self.with_header(CONTENT_TYPE, media_type) }
    }

    /// Adds a valid credential under each of the schemes that must be satisfied together.
    pub(super) fn signed(self, schemes: &[&SecurityScheme], of: Role) -> Self {
        schemes.iter().fold(self, |request, scheme| request.with(scheme, of))
    }

    /// Adds a valid credential under a scheme.
    pub(super) fn with(self, scheme: &SecurityScheme, of: Role) -> Self {
        self.with_altered(scheme, of, None)
    }

    /// Adds a credential under a scheme, with a secret that may be altered.
    ///
    /// An API key in `Authorization` follows the word `Token`, as the description of that scheme in InfluxDB's document says.
    pub(super) fn with_altered(mut self, scheme: &SecurityScheme, of: Role, altered: Option<Alteration>) -> Self {
        let secret = Text::altered_secret(of, altered);
        match scheme.kind {
            SecurityKind::ApiKey { location, name } if scheme.kind.is_key_in_authorization() => {
                self.add(location, name, Text::plain("Token ").then(secret));
            }
            SecurityKind::ApiKey { location: Location::Query, name } => {
                self.add(Location::Query, name, secret.in_query())
            }
            SecurityKind::ApiKey { location, name } => self.add(location, name, secret),
            kind => {
                let Some(word) = auth_scheme(scheme) else { return self };
                let credential = if kind == SecurityKind::Basic { Text::basic(of, altered) } else { secret };
                self.add(Location::Header, AUTHORIZATION.as_str(), Text::plain(format!("{word} ")).then(credential));
            }
        }
        self
    }

    /// Changes the name of the scheme in `Authorization`.
    pub(super) fn change_scheme(&mut self, change: impl Fn(&str) -> String) {
        for (_, value) in self.headers.iter_mut().filter(|(name, _)| name == AUTHORIZATION.as_str()) {
            value.change_start(&change);
        }
    }

    /// Whether this is a request for an operation, correct or not.
    pub(super) fn calls(&self, operation: &Operation) -> bool {
        self.declared_path == Some(operation.path) && self.method == operation.method.as_str()
    }

    pub(super) fn roles(&self) -> impl Iterator<Item = Role> {
        let values = self.query.iter().chain(&self.headers).map(|(_, value)| value);
        values.chain([&self.path]).flat_map(Text::roles)
    }

    /// Path and query. `text` returns the text of each value.
    pub(super) fn target(&self, text: impl Fn(&Text) -> String) -> String {
        let path = text(&self.path);
        let query: Vec<String> = self.query.iter().map(|(name, value)| format!("{name}={}", text(value))).collect();
        if query.is_empty() { path } else { format!("{path}?{}", query.join("&")) }
    }
}

/// The scheme's name in HTTP (RFC 9110, section 11.1), which precedes a credential and is part of a challenge. An API key
/// and a certificate have none.
pub(super) fn auth_scheme(scheme: &SecurityScheme) -> Option<&'static str> {
    match scheme.kind {
        SecurityKind::Bearer => Some("Bearer"),
        SecurityKind::Basic => Some("Basic"),
        _ => None,
    }
}
