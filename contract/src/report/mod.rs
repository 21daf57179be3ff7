//! The result of a run.

use std::fmt;
use std::time::Duration;

use serde::Serialize;

use super::exchange::{Address, Answer};
use super::request::Template;
use super::shown::{self, Redact};
use super::text::{Holders, Text};

mod cause;
mod junit;
mod people;

pub(super) use cause::causes;
pub use cause::{Cause, CauseReport, Subject};
pub use people::Detail;

/// The result of a run: which rules hold, which do not, and which could not be tried.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Report {
    /// The address of the server.
    pub server: String,
    /// The title and version of the document.
    pub document: String,
    /// Why cases failed: the causes, those of most cases first.
    pub causes: Vec<CauseReport>,
    /// The cases, in the order in which they ran.
    pub cases: Vec<CaseReport>,
    /// The responses that the document declares.
    pub responses: Vec<DeclaredResponse>,
    /// The supplied tokens that the run could not delete: the ID or the name of each.
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
    /// Why: the same for each case that fails for the same reason.
    pub cause: Cause,
    /// What differs in this case.
    pub text: String,
    /// The index of the exchange that shows it; `None` if only all of them do.
    pub exchange: Option<usize>,
    /// The status of the response that shows it.
    pub status: Option<u16>,
}

/// A request and its response. A shell variable stands for each secret.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Exchange {
    /// The request's method and target.
    pub request: String,
    /// The request's headers.
    pub request_headers: Vec<String>,
    /// The request's body.
    pub request_body: String,
    /// The status, or the reason why there was no response.
    pub response: String,
    /// The response's headers.
    pub response_headers: Vec<String>,
    /// The beginning of the response's body. Unprintable characters are escaped.
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
    /// Whether a case expects it. The kit does not try what an operation does, unless it deletes a token.
    pub expected: bool,
    /// Whether the server sent it.
    pub reached: bool,
}

impl Report {
    /// Whether no case failed.
    pub fn holds(&self) -> bool {
        self.failed().next().is_none()
    }

    /// Whether every case ran, and the server sent each declared response that a case expects.
    pub fn is_complete(&self) -> bool {
        let covered = |case: &CaseReport| !matches!(case.outcome, Outcome::NotCovered { .. });
        self.cases.iter().all(covered) && self.responses.iter().all(|response| response.reached || !response.expected)
    }

    /// The cases that failed.
    pub fn failed(&self) -> impl Iterator<Item = &CaseReport> {
        self.cases.iter().filter(|case| matches!(case.outcome, Outcome::Failed { .. }))
    }
}

impl CaseReport {
    /// The case's name with its operation, such as `DeleteToken/effects/deleted`.
    pub fn full_name(&self) -> String {
        format!("{}/{}", self.operation, self.name)
    }

    /// Why the case failed; empty if it did not.
    pub fn problems(&self) -> &[Problem] {
        match &self.outcome {
            Outcome::Failed { problems, .. } => problems,
            Outcome::Passed | Outcome::NotCovered { .. } => &[],
        }
    }
}

impl Problem {
    pub(super) fn new(cause: Cause, text: impl Into<String>) -> Self {
        Self { subject: cause.subject(), cause, text: text.into(), exchange: None, status: None }
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
    /// The request with variables for its secrets, and the response after `redact` removed secrets from it.
    pub(super) fn new(
        address: &Address,
        request: &Template,
        answer: &Answer,
        holders: &dyn Holders,
        redact: Redact<'_>,
    ) -> Self {
        let show = |text: &Text| text.show(holders);
        let target = request.target(show);
        let headers = request.headers.iter().map(|(name, value)| format!("{name}: {}", show(value)));
        let request_headers: Vec<String> = headers.collect();
        let (response, response_headers, response_body) = match answer {
            Err(reason) => (format!("no response: {reason}"), Vec::new(), String::new()),
            Ok(response) => {
                let headers = response.headers.iter();
                let headers = headers.map(|(name, value)| format!("{name}: {}", shown::line(value.as_bytes(), redact)));
                (response.status.to_string(), headers.collect(), shown::body(&response.body, redact))
            }
        };
        Self {
            curl: curl(address, request, &target, &request_headers),
            request: format!("{} {target}", request.method),
            request_headers,
            request_body: request.body.clone(),
            response,
            response_headers,
            response_body,
        }
    }
}

fn curl(address: &Address, request: &Template, target: &str, headers: &[String]) -> String {
    let method = if request.method == "HEAD" { "-I".to_owned() } else { format!("-i -X {}", request.method) };
    let headers: String = headers
        .iter()
        .map(|header| match header.strip_suffix(": ") {
            // With a semicolon, curl sends a header without a value.
            Some(name) => format!(" -H \"{name};\""),
            None => format!(" -H \"{header}\""),
        })
        .collect();
    let body = match &*request.body {
        "" => String::new(),
        body => format!(" --data-binary '{}'", body.replace('\'', r"'\''")),
    };
    let Address { base, http2 } = address;
    let protocol = if *http2 { " --http2-prior-knowledge" } else { "" };
    format!("curl --globoff --path-as-is{protocol} {method}{headers}{body} \"{base}{target}\"")
}
