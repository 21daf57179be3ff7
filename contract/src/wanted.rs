//! A parameter that the server wants under another name than the document's.
//!
//! The evidence is an error that names the parameter as missing, and another answer once a request has it.

use serde_json::Value;

use super::cases::Call;
use super::exchange::{Response, Server};
use super::report::Cause;
use super::text::{Holders, Role};

/// A parameter that the document does not declare, and that the server wants in order to delete a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wanted {
    pub(super) name: String,
    /// The parameter of the document.
    declared: &'static str,
    /// The status of a request without the wanted parameter, and of one with it.
    tried: (u16, u16),
}

impl Wanted {
    /// The parameter that the response to an idle deletion names as missing, if a request with it is answered in another way.
    pub(super) async fn find(
        call: &Call<'_>,
        server: &Server,
        holders: &dyn Holders,
        response: &Response,
    ) -> Option<Self> {
        let declared = call.deletes()?.name;
        let name = named_as_missing(response, call)?;
        let with = server.send(&call.idle(Role::Caller).with_query(&name, call.no_token()), holders).await.ok()?;
        let still = named_as_missing(&with, call).is_some_and(|again| again == name);
        let tried = (response.status.as_u16(), with.status.as_u16());
        (!still).then_some(Self { name, declared, tried })
    }

    /// The cause of a wrong status, if the response says that this parameter is missing.
    pub(super) fn cause(&self, call: &Call<'_>, response: &Response) -> Option<Cause> {
        let named = named_as_missing(response, call).is_some_and(|name| name == self.name);
        let Self { declared, name, tried } = self.clone();
        named.then_some(Cause::ParameterName { declared, wanted: name, tried })
    }

    /// Whether the parameter takes a token's name.
    pub(super) fn takes_a_name(&self) -> bool {
        self.name.to_ascii_lowercase().ends_with("name")
    }
}

/// The undeclared parameter that an error names as missing.
fn named_as_missing(response: &Response, call: &Call<'_>) -> Option<String> {
    if !response.status.is_client_error() || response.status == 401 {
        return None;
    }
    let text = match serde_json::from_slice(&response.body) {
        Ok(json) => texts(&json),
        Err(_) => String::from_utf8_lossy(&response.body[..response.body.len().min(LONGEST)]).into_owned(),
    };
    let declared = |name: &str| call.operation.parameters.iter().any(|parameter| parameter.name == name);
    missing(&text).into_iter().find(|name| !declared(name)).map(str::to_owned)
}

/// The longest text that is searched, in bytes.
const LONGEST: usize = 4 << 10;

/// The texts in JSON, without the names of members.
fn texts(json: &Value) -> String {
    match json {
        Value::String(text) => text.chars().take(LONGEST).chain(['\n']).collect(),
        Value::Array(items) => items.iter().map(texts).collect(),
        Value::Object(members) => members.values().map(texts).collect(),
        _ => String::new(),
    }
}

/// What a text names as missing: names in quotation marks, or after a word such as `parameter`, in lines that say that
/// something is missing or required.
fn missing(text: &str) -> Vec<&str> {
    let says_so = |line: &&str| {
        let line = line.to_ascii_lowercase();
        ["missing", "required", "requires", "must provide"].iter().any(|word| line.contains(word))
    };
    text.lines().filter(says_so).flat_map(|line| quoted(line).into_iter().chain(after_a_noun(line))).collect()
}

fn quoted(line: &str) -> Vec<&str> {
    let mut pieces = line.split(['`', '\'', '"']);
    // Every second piece is between two quotation marks.
    pieces.next();
    pieces.step_by(2).filter(|piece| is_name(piece)).collect()
}

fn after_a_noun(line: &str) -> Vec<&str> {
    let words: Vec<&str> = line.split([' ', ':', ',', ';', '.']).filter(|word| !word.is_empty()).collect();
    let nouns = ["parameter", "parameters", "field", "argument"];
    let pairs = words.windows(2).filter(|pair| nouns.contains(&pair[0].to_ascii_lowercase().as_str()));
    let verbs = ["is", "are", "was", "in", "missing", "required", "not", "of", "for", "and", "or"];
    pairs.map(|pair| pair[1]).filter(|word| is_name(word) && !verbs.contains(word)).collect()
}

fn is_name(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    (1..=64).contains(&text.len()) && text.starts_with(|c: char| c.is_ascii_alphabetic()) && text.chars().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_names_what_is_missing() {
        for (text, name) in [
            ("serde error: missing field `token_name`", "token_name"),
            ("missing query parameter 'token_name'", "token_name"),
            ("The parameter \"tokenName\" is required.", "tokenName"),
            ("Required request parameter token_name for method parameter type String is not present", "token_name"),
            ("Missing required parameter: token-name", "token-name"),
            ("bad request\nmissing field `name`", "name"),
        ] {
            assert_eq!(missing(text).first(), Some(&name), "{text}");
        }
    }

    #[test]
    fn other_errors_name_nothing() {
        for text in [
            "bad request",
            "the token `a` was not found",
            "a parameter is missing",
            "required: <b>everything</b> `a b`",
            "it's required; don't ask",
            "",
        ] {
            assert_eq!(missing(text), [""; 0], "{text}");
        }
    }

    #[test]
    fn the_names_of_members_are_not_texts() {
        let json = serde_json::json!({"error": "missing field `a`", "data": [{"required": "b"}, 7, null]});
        let mut lines: Vec<_> = texts(&json).lines().map(str::to_owned).collect();
        lines.sort();
        assert_eq!(lines, ["b", "missing field `a`"]);
    }
}
