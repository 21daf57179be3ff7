//! The result of a run.

use std::fmt;
use std::time::Duration;

use serde::Serialize;

use super::exchange::{Address, Answer};
use super::request::Template;
use super::text::{Holders, Text};

mod junit;
mod people;

/// The result of a run: which rules hold, which do not, and which could not be tried.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Report {
    /// The address of the server.
    pub server: String,
    /// The title and version of the document.
    pub document: String,
    /// The cases, in the order in which they ran.
    pub cases: Vec<CaseReport>,
    /// The responses that the document declares.
    pub responses: Vec<DeclaredResponse>,
    /// The IDs of supplied tokens that the run could not delete.
    pub left_behind: Vec<String>,
}

/// The result of one case, which tests one rule.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct CaseReport {
    /// The `operationId` of the operation that the case is about.
    pub operation: &'static str,
    /// The case's name, such as `credentials/BearerAuthentication/expired`; unique within the operation.
    pub name: String,
    /// The rule, as a sentence.
    pub rule: String,
    /// Whether the rule holds.
    #[serde(flatten)]
    pub outcome: Outcome,
    /// How long the case took.
    #[serde(rename = "seconds", serialize_with = "as_seconds")]
    pub duration: Duration,
}

/// Whether a rule holds.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "snake_case", tag = "outcome")]
#[non_exhaustive]
pub enum Outcome {
    /// It holds.
    Passed,
    /// It does not hold.
    Failed {
        /// Why not.
        problems: Vec<Problem>,
        /// The requests and their responses.
        exchanges: Vec<Exchange>,
    },
    /// It could not be tried.
    NotCovered {
        /// Why not.
        reason: String,
    },
}

/// A violation of the contract.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Problem {
    /// What is wrong.
    pub subject: Subject,
    /// How it is wrong.
    pub text: String,
}

/// What is wrong: a part of a response, or its effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Subject {
    /// There was no response.
    Connection,
    /// The status.
    Status,
    /// `content-type`.
    ContentType,
    /// Another header.
    Header,
    /// The body.
    Body,
    /// Responses differ that must not.
    Difference,
    /// A token was deleted by mistake, or a deleted token is still accepted.
    Effect,
    /// A response contains a secret.
    Leak,
}

/// A request and its response. A shell variable stands for each secret.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Exchange {
    /// The request's method and target.
    pub request: String,
    /// The request's headers.
    pub request_headers: Vec<String>,
    /// The status, or the reason why there was no response.
    pub response: String,
    /// The response's headers.
    pub response_headers: Vec<String>,
    /// The response's body; invalid UTF-8 is replaced.
    pub response_body: String,
    /// A command that repeats the request, once the variables of its secrets are set.
    pub curl: String,
}

/// A response that the document declares.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct DeclaredResponse {
    /// The `operationId` of its operation.
    pub operation: &'static str,
    /// Its status as in the document: `404`, `4XX` or `default`.
    pub status: String,
    /// Whether the server sent it.
    pub reached: bool,
}

impl Report {
    /// Whether no case failed.
    pub fn holds(&self) -> bool {
        self.failed().next().is_none()
    }

    /// Whether every case ran, and the server sent each declared response.
    pub fn is_complete(&self) -> bool {
        let covered = |case: &CaseReport| !matches!(case.outcome, Outcome::NotCovered { .. });
        self.cases.iter().all(covered) && self.responses.iter().all(|response| response.reached)
    }

    /// The cases that failed.
    pub fn failed(&self) -> impl Iterator<Item = &CaseReport> {
        self.cases.iter().filter(|case| matches!(case.outcome, Outcome::Failed { .. }))
    }
}

impl CaseReport {
    /// Why the case failed; empty if it did not.
    pub fn problems(&self) -> &[Problem] {
        match &self.outcome {
            Outcome::Failed { problems, .. } => problems,
            Outcome::Passed | Outcome::NotCovered { .. } => &[],
        }
    }
}

impl<T: Into<String>> From<(Subject, T)> for Problem {
    fn from((subject, text): (Subject, T)) -> Self {
        Self { subject, text: text.into() }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.subject, self.text)
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Connection => "connection",
            Self::Status => "status",
            Self::ContentType => "content type",
            Self::Header => "header",
            Self::Body => "body",
            Self::Difference => "difference",
            Self::Effect => "effect",
            Self::Leak => "leak",
        })
    }
}

fn as_seconds<S: serde::Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(duration.as_secs_f64())
}

impl Exchange {
    /// The request with variables for its secrets, and the response after `redacted` removed secrets from it.
    pub(super) fn new(
        address: &Address,
        request: &Template,
        answer: &Answer,
        holders: &dyn Holders,
        redacted: &dyn Fn(&str) -> String,
    ) -> Self {
        let show = |text: &Text| text.show(holders);
        let target = request.target(show);
        let headers = request.headers.iter().map(|(name, value)| format!("{name}: {}", show(value)));
        let request_headers: Vec<String> = headers.collect();
        let (response, response_headers, response_body) = match answer {
            Err(reason) => (format!("no response: {reason}"), Vec::new(), String::new()),
            Ok(response) => {
                let headers = response
                    .headers
                    .iter()
                    .map(|(name, value)| format!("{name}: {}", redacted(&String::from_utf8_lossy(value.as_bytes()))));
                (response.status.to_string(), headers.collect(), redacted(&String::from_utf8_lossy(&response.body)))
            }
        };
        Self {
            curl: curl(address, &request.method, &target, &request_headers),
            request: format!("{} {target}", request.method),
            request_headers,
            response,
            response_headers,
            response_body,
        }
    }
}

fn curl(address: &Address, method: &str, target: &str, headers: &[String]) -> String {
    let method = if method == "HEAD" { "-I".to_owned() } else { format!("-i -X {method}") };
    let headers: String = headers
        .iter()
        .map(|header| match header.strip_suffix(": ") {
            // With a semicolon, curl sends a header without a value.
            Some(name) => format!(" -H \"{name};\""),
            None => format!(" -H \"{header}\""),
        })
        .collect();
    let Address { base, http2 } = address;
    let protocol = if *http2 { " --http2-prior-knowledge" } else { "" };
    format!("curl --globoff --path-as-is{protocol} {method}{headers} \"{base}{target}\"")
}
