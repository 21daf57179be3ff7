//! Wrong servers, each of which the kit must find out.

use futures::future::{BoxFuture, join_all};
use http::request::Parts;
use influxdb3_token_contract::{CaseReport, Problem, Subject};

use super::server::{Answer, Right};

mod answers;
mod credentials;
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
    /// The case that must fail, and with what.
    pub(super) case: &'static str,
    subject: Subject,
    /// Whether it is checked over HTTP/2.
    http2: bool,
    change: Change,
}

/// What a wrong server does otherwise than the right one.
#[derive(Clone, Copy)]
pub(super) enum Change {
    /// To a request, before it is answered.
    Request(fn(&Right, &mut Parts)),
    /// To a response.
    Answer(fn(&Right, &Parts, &mut Answer)),
    /// Where this is true, the connection is closed in the place of a response.
    Close(fn(&Parts, &Answer) -> bool),
    /// To the tokens: the one with this ID is deleted too. The number is that of the token which the request named.
    Deletes(fn(&Right, &Parts, &Answer, Option<u64>) -> Option<String>),
    /// Everything.
    Whole(for<'r> fn(&'r Right, Parts) -> BoxFuture<'r, Answer>),
}

impl Change {
    /// The answer of the wrong server, if it gives one.
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

/// All of them, in the order in which they are documented.
pub(super) fn all() -> Vec<Wrong> {
    let answers = [answers::all(), headers::all(), strangers::all()].concat();
    let requests = [credentials::all(), secrets::all(), requests::all(), forms::all()].concat();
    [answers, requests, deletions::all(), tokens::all()].concat()
}

/// Checks each wrong server, and returns how it was found out.
pub(super) async fn found_out() -> Vec<(Wrong, Vec<CaseReport>)> {
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

    /// The problem for which the case failed that had to.
    pub(super) fn reason<'f>(&self, failed: &'f [CaseReport]) -> Option<&'f Problem> {
        let case = failed.iter().find(|case| case.name == self.case)?;
        case.problems().iter().find(|problem| problem.subject == self.subject)
    }
}
