//! Why cases fail: how what was observed differs from what was expected.

use serde::Serialize;

use super::{CaseReport, Outcome};

/// How a response differs from the expected one, or its effect from the allowed one.
///
/// Problems with the same cause are one fault of the server, so a report counts cases by their causes.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
#[non_exhaustive]
pub enum Cause {
    /// There was no response.
    NoResponse,
    /// The server says that a parameter is missing which the document does not declare.
    ParameterName {
        /// The document's parameter, which the requests had.
        declared: &'static str,
        /// The parameter that the server names.
        wanted: String,
        /// The status of a request without the parameter that the server names, and of one with it.
        tried: (u16, u16),
    },
    /// The status is not the expected one.
    Status {
        /// The status that the document declares, or that HTTP requires.
        expected: u16,
        /// The status that the server sent.
        received: u16,
    },
    /// Of requests that were sent at the same time, not exactly one has this status.
    NotOnce {
        /// The status.
        status: u16,
    },
    /// A body is declared, but `content-type` is missing.
    NoContentType {
        /// The declared media types.
        declared: String,
    },
    /// `content-type` is not a declared one.
    OtherContentType {
        /// The declared media types.
        declared: String,
        /// The media type that the server sent.
        received: String,
    },
    /// There is a `content-type`, but no body.
    NoBodyForContentType,
    /// There is a body, but none is declared, or HTTP forbids it.
    UndeclaredBody,
    /// JSON is declared, but the body is empty.
    EmptyBody,
    /// JSON is declared, but the body is another text.
    NotJson,
    /// The body violates its schema.
    Schema {
        /// How, without the values of the response.
        violation: String,
    },
    /// A header is missing.
    NoHeader {
        /// The header's name.
        name: String,
    },
    /// The value of a header violates its schema.
    HeaderSchema {
        /// The header's name.
        name: String,
        /// How, without the value.
        violation: String,
    },
    /// A header that must always be the same is not.
    HeaderVaries {
        /// The header's name.
        name: &'static str,
    },
    /// A header that a response with this status must not have.
    ForbiddenHeader {
        /// The header's name.
        name: &'static str,
    },
    /// A header does not name something that it must name.
    NotNamed {
        /// The header's name.
        header: &'static str,
        /// What it must name: a security scheme, or a method.
        missing: &'static str,
    },
    /// `allow` names the rejected method.
    AllowsRejected,
    /// Responses differ that must not.
    Difference {
        /// In what: the status, the body, or a header.
        aspect: String,
    },
    /// A token is rejected that must be accepted.
    TokenGone,
    /// A deleted token is still accepted.
    TokenStays,
    /// A response contains a secret.
    Leak,
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

impl Cause {
    /// The part of a response that is wrong, or its effect.
    pub fn subject(&self) -> Subject {
        match self {
            Self::NoResponse => Subject::Connection,
            Self::ParameterName { .. } | Self::Status { .. } | Self::NotOnce { .. } => Subject::Status,
            Self::NoContentType { .. } | Self::OtherContentType { .. } | Self::NoBodyForContentType => {
                Subject::ContentType
            }
            Self::UndeclaredBody | Self::EmptyBody | Self::NotJson | Self::Schema { .. } => Subject::Body,
            Self::NoHeader { .. }
            | Self::HeaderSchema { .. }
            | Self::HeaderVaries { .. }
            | Self::ForbiddenHeader { .. }
            | Self::NotNamed { .. }
            | Self::AllowsRejected => Subject::Header,
            Self::Difference { .. } => Subject::Difference,
            Self::TokenGone | Self::TokenStays => Subject::Effect,
            Self::Leak => Subject::Leak,
        }
    }

    /// The cause as a clause. `statuses` are those of the responses that show it, in order.
    fn sentence(&self, statuses: &[u16]) -> String {
        let list: Vec<String> = statuses.iter().map(u16::to_string).collect();
        let kind = if statuses.iter().all(|status| *status >= 400) { "errors" } else { "responses" };
        let which = if list.is_empty() { "responses".to_owned() } else { format!("{kind} ({})", list.join(", ")) };
        match self {
            Self::NoResponse => "the server sends no response".to_owned(),
            Self::ParameterName { declared, wanted, tried } => {
                let (without, with) = tried;
                format!(
                    "the server seems to want a parameter `{wanted}` instead of `{declared}`; its errors name it as \
                     missing, and with it the answer is {with} instead of {without}"
                )
            }
            Self::Status { expected, received } => format!("{expected} is answered as {received}"),
            Self::NotOnce { status } => format!("of concurrent requests, not exactly one is answered with {status}"),
            Self::NoContentType { declared } => format!("{which} have no content type; {declared} is declared"),
            Self::OtherContentType { declared, received } => {
                format!("{which} have the content type {received}; {declared} is declared")
            }
            Self::NoBodyForContentType => format!("{which} have a content type, but no body"),
            Self::UndeclaredBody => format!("{which} have a body, although none is declared"),
            Self::EmptyBody => format!("{which} have no body; JSON is declared"),
            Self::NotJson => format!("{which} have a body that is not JSON; JSON is declared"),
            Self::Schema { violation } => format!("{which} have a body that violates its schema: {violation}"),
            Self::NoHeader { name } => format!("{which} have no {name}"),
            Self::HeaderSchema { name, violation } => format!("{which} have a wrong {name}: {violation}"),
            Self::HeaderVaries { name } => format!("{name} is not always the same"),
            Self::ForbiddenHeader { name } => format!("{which} have a {name}, which they must not have"),
            Self::NotNamed { header, missing } => format!("{which} have a {header} that does not name {missing}"),
            Self::AllowsRejected => format!("{which} have an allow that names the rejected method"),
            Self::Difference { aspect } => format!("responses that must be alike differ: {aspect}"),
            Self::TokenGone => "a token is rejected that must be accepted".to_owned(),
            Self::TokenStays => "a deleted token is still accepted".to_owned(),
            Self::Leak => "a response contains the secret of a token".to_owned(),
        }
    }
}

/// A cause, and the cases that fail for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct CauseReport {
    /// The cause.
    pub cause: Cause,
    /// The cause as a clause, such as `405 is answered as 404`.
    pub text: String,
    /// The statuses of the responses that show the cause, in order.
    pub statuses: Vec<u16>,
    /// The cases, such as `DeleteToken/effects/deleted`, in the order in which they ran.
    pub cases: Vec<String>,
}

/// The causes of all failed cases, those of most cases first. A case can have several.
pub(in super::super) fn causes(cases: &[CaseReport]) -> Vec<CauseReport> {
    let mut found: std::collections::BTreeMap<&Cause, CauseReport> = std::collections::BTreeMap::new();
    for case in cases {
        let Outcome::Failed { problems, .. } = &case.outcome else { continue };
        for problem in problems {
            let report = found.entry(&problem.cause).or_insert_with(|| CauseReport {
                cause: problem.cause.clone(),
                text: String::new(),
                statuses: Vec::new(),
                cases: Vec::new(),
            });
            report.statuses.extend(problem.status);
            let name = case.full_name();
            if report.cases.last() != Some(&name) {
                report.cases.push(name);
            }
        }
    }
    let mut reports: Vec<CauseReport> = found.into_values().collect();
    for report in &mut reports {
        report.statuses.sort_unstable();
        report.statuses.dedup();
        report.text = report.cause.sentence(&report.statuses);
    }
    // Stable, so that equally frequent causes keep the order of `Cause`.
    reports.sort_by_key(|report| std::cmp::Reverse(report.cases.len()));
    reports
}
