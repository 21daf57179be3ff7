//! Wrong servers. The kit must detect each of them.

use futures::future::{BoxFuture, join_all};
use http::request::Parts;
use influxdb3_token_contract::{CaseReport, Problem, Subject};

use super::server::{Answer, Right};

mod answers;
pub(super) mod credentials;
mod deletions;
mod forms;
mod headers;
mod requests;
mod secrets;
mod strangers;
mod tokens;

/// A server with one thing wrong in it.
#[derive(Clone, Copy)]
pub(super) struct Wrong {
    pub(super) name: &'static str,
    /// What is wrong, as a sentence.
    pub(super) says: &'static str,
    /// The case that must fail, and the subject of its problem.
    pub(super) case: &'static str,
    subject: Subject,
    /// Whether it is checked over HTTP/2.
    http2: bool,
    change: Change,
}

/// How a wrong server differs from the right one.
#[derive(Clone, Copy)]
pub(super) enum Change {
    /// Changes a request before it is answered.
    Request(fn(&Right, &mut Parts)),
    /// Changes a response.
    Answer(fn(&Right, &Parts, &mut Answer)),
    /// If this is true, the server closes the connection instead of sending the response.
    Close(fn(&Parts, &Answer) -> bool),
    /// Deletes the token with this ID too. The number is the ID of the token that the request named.
    Deletes(fn(&Right, &Parts, &Answer, Option<u64>) -> Option<String>),
    /// Answers in its own way.
    Whole(for<'r> fn(&'r Right, Parts) -> BoxFuture<'r, Answer>),
}

impl Change {
    /// The response of the wrong server, if it sends one.
    pub(super) async fn answer(self, right: &Right, mut head: Parts) -> Option<Answer> {
        Some(match self {
            Self::Request(change) => {
                change(right, &mut head);
                right.answer(&head).await
            }
            Self::Answer(change) => {
                let mut answer = right.answer(&head).await;
                change(right, &head, &mut answer);
                answer
            }
            Self::Close(closes) => {
                let answer = right.answer(&head).await;
                return (!closes(&head, &answer)).then_some(answer);
            }
            Self::Deletes(too) => {
                let named = right.named(&head).map(|token| token.id().as_u64());
                let answer = right.answer(&head).await;
                if let Some(id) = too(right, &head, &answer, named) {
                    right.delete(id).await;
                }
                answer
            }
            Self::Whole(answer) => answer(right, head).await,
        })
    }
}

fn wrong(name: &'static str, says: &'static str, (case, subject): (&'static str, Subject), change: Change) -> Wrong {
    Wrong { name, says, case, subject, http2: false, change }
}

/// All wrong servers, in the order of the documentation.
pub(super) fn all() -> Vec<Wrong> {
    let answers = [answers::all(), headers::all(), strangers::all()].concat();
    let requests = [credentials::all(), secrets::all(), requests::all(), forms::all()].concat();
    [answers, requests, deletions::all(), tokens::all()].concat()
}

/// Checks each wrong server, and returns its failed cases.
pub(super) async fn check_all() -> Vec<(Wrong, Vec<CaseReport>)> {
    let checks = all().into_iter().map(|wrong| {
        tokio::spawn(async move {
            let right = Right::in_memory().await;
            let address = right.serve(Some(wrong.change)).await;
            let contract = right.contract(&format!("http://{address}"));
            let contract = if wrong.http2 { contract.http2() } else { contract };
            let report = contract.run(|_| ()).await.unwrap_or_else(|error| panic!("{}: {error}", wrong.name));
            (wrong, report.failed().cloned().collect())
        })
    });
    join_all(checks).await.into_iter().map(Result::unwrap).collect()
}

impl Wrong {
    fn over_http2(self) -> Self {
        Self { http2: true, ..self }
    }

    /// The expected problem of the case that must fail.
    pub(super) fn reason<'f>(&self, failed: &'f [CaseReport]) -> Option<&'f Problem> {
        let case = failed.iter().find(|case| case.name == self.case)?;
        case.problems().iter().find(|problem| problem.subject == self.subject)
    }
}
