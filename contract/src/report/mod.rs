//! What a run found.

use std::fmt;
use std::time::Duration;

use serde::Serialize;

use super::exchange::{Address, Answer};
use super::request::Template;
use super::text::{Holders, Text};

mod junit;
mod people;

/// What a run found: what holds, what does not, and what could not be tried.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Report {
    /// The address of the server.
    pub server: String,
    /// The title and version of the document.
    pub document: String,
    /// Each thing that must hold, in the order in which they were tried.
    pub cases: Vec<CaseReport>,
    /// Each response that the document declares.
    pub responses: Vec<DeclaredResponse>,
    /// The IDs of tokens that the run was supplied with and could not delete.
    pub left_behind: Vec<String>,
}

/// What became of one thing that must hold.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct CaseReport {
    /// The `operationId` of the operation that it is about.
    pub operation: &'static str,
    /// Which thing, as in `credentials/BearerAuthentication/expired`; unique within the operation.
    pub name: String,
    /// What must hold, as a sentence.
    pub rule: String,
    /// Whether it holds.
    #[serde(flatten)]
    pub outcome: Outcome,
    /// How long it took.
    #[serde(rename = "seconds", serialize_with = "as_seconds")]
    pub duration: Duration,
}

/// Whether a thing holds.
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
        /// What was sent and received.
        exchanges: Vec<Exchange>,
    },
    /// It was not tried.
    NotCovered {
        /// Why not.
        reason: String,
    },
}

/// One way in which the contract is broken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Problem {
    /// What is wrong.
    pub subject: Subject,
    /// In which way.
    pub text: String,
}

/// What is wrong with a response, or with what followed.
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
    /// Responses that must not differ do.
    Difference,
    /// A token was deleted that must stay, or works on that was deleted.
    Effect,
    /// A secret stands in a response.
    Leak,
}

/// A request, and what came back. A secret is shown as the variable of a shell.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Exchange {
    /// The request's method and target.
    pub request: String,
    /// The request's headers.
    pub request_headers: Vec<String>,
    /// The status line, or why there is none.
    pub response: String,
    /// The response's headers.
    pub response_headers: Vec<String>,
    /// The response's body; bytes that are no UTF-8 are replaced.
    pub response_body: String,
    /// A command that repeats the request. Secrets are variables, which have to be set.
    pub curl: String,
}

/// A response that the document declares.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct DeclaredResponse {
    /// The `operationId` of its operation.
    pub operation: &'static str,
    /// Its status: a code, as in `4XX`, or `default`.
    pub status: String,
    /// Whether the server answered with it.
    pub reached: bool,
}

impl Report {
    /// Whether nothing that was tried fails.
    pub fn holds(&self) -> bool {
        self.failed().next().is_none()
    }

    /// Whether everything was tried and each declared response was reached.
    pub fn is_complete(&self) -> bool {
        let covered = |case: &CaseReport| !matches!(case.outcome, Outcome::NotCovered { .. });
        self.cases.iter().all(covered) && self.responses.iter().all(|response| response.reached)
    }

    /// The cases that fail.
    pub fn failed(&self) -> impl Iterator<Item = &CaseReport> {
        self.cases.iter().filter(|case| matches!(case.outcome, Outcome::Failed { .. }))
    }
}

impl CaseReport {
    /// Why it fails; empty where it does not.
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
    /// What was sent, with variables for secrets, and what was received, as `redacted` leaves it.
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
            // curl's way to send a header without a value.
            Some(name) => format!(" -H \"{name};\""),
            None => format!(" -H \"{header}\""),
        })
        .collect();
    let Address { base, http2 } = address;
    let protocol = if *http2 { " --http2-prior-knowledge" } else { "" };
    format!("curl --globoff --path-as-is{protocol} {method}{headers} \"{base}{target}\"")
}
