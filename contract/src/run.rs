//! A run: tries each case, and compares the responses with the rules.

use std::time::Instant;

use futures::future::join_all;
use influxdb3_token_api::Status;

use super::api::Api;
use super::case::{Case, Effect, Expected};
use super::cases::{AFTERWARDS, Call};
use super::document::{CLUSTER_UUID, label};
use super::exchange::{Answer, Response, Server};
use super::pool::{Asked, Missing, Pool};
use super::report::{CaseReport, DeclaredResponse, Exchange, Outcome, Problem, Report, Subject};
use super::request::Template;
use super::text::{Holders, Role};
use super::tokens::IssuedToken;
use super::{CannotRun, check, compare};

pub(super) struct Run<'r> {
    api: &'r Api,
    server: &'r Server,
    pool: Pool<'r>,
    /// The operation and the declared status of each response so far.
    reached: Vec<(&'static str, Status)>,
    /// The cluster of the first response.
    cluster: Option<String>,
}

/// The findings about one case so far.
#[derive(Default)]
struct Findings {
    problems: Vec<Problem>,
    /// The requests of the case.
    sent: Vec<(Template, Answer)>,
    /// The requests after the case that found a token in the wrong state.
    asked: Vec<Exchange>,
}

impl<'r> Run<'r> {
    pub(super) fn new(api: &'r Api, server: &'r Server, pool: Pool<'r>) -> Self {
        Self { api, server, pool, reached: Vec::new(), cluster: None }
    }

    pub(super) async fn report(
        mut self,
        cases: Vec<Case>,
        mut observe: impl FnMut(&CaseReport),
    ) -> Result<Report, CannotRun> {
        let reports = self.cases(cases, &mut observe).await;
        let left_behind = self.pool.clear().await;
        Ok(Report {
            server: self.server.address().base.clone(),
            document: self.api.document.name.clone(),
            cases: reports?,
            responses: self.responses(),
            left_behind,
        })
    }

    async fn cases(
        &mut self,
        cases: Vec<Case>,
        observe: &mut impl FnMut(&CaseReport),
    ) -> Result<Vec<CaseReport>, CannotRun> {
        self.pool.prepare().await?;
        let mut reports = Vec::new();
        for case in cases {
            let report = self.case(&case).await?;
            observe(&report);
            reports.push(report);
        }
        if let Some(report) = self.afterwards().await {
            observe(&report);
            reports.push(report);
        }
        Ok(reports)
    }

    async fn case(&mut self, case: &Case) -> Result<CaseReport, CannotRun> {
        let begun = Instant::now();
        let outcome = match self.outcome(case).await {
            Ok(outcome) => outcome,
            Err(Missing::NotCovered(reason)) => Outcome::NotCovered { reason },
            Err(Missing::CannotRun(error)) => return Err(error),
        };
        Ok(CaseReport {
            operation: case.operation.id,
            name: case.name.clone(),
            rule: case.rule.clone(),
            outcome,
            duration: begun.elapsed(),
        })
    }

    async fn outcome(&mut self, case: &Case) -> Result<Outcome, Missing> {
        for role in case.roles() {
            self.pool.fill(role).await?;
        }
        let mut findings = Findings::default();
        for step in &case.steps {
            let server = self.server;
            let answers = join_all(step.requests.iter().map(|request| server.send(request, &self.pool))).await;
            let sent: Vec<_> = step.requests.iter().cloned().zip(answers).collect();
            findings.problems.extend(self.compare(case, &step.expected, &sent));
            findings.sent.extend(sent);
        }
        let gone = self.effects(case, &mut findings).await;
        // First, because showing the requests takes the token of each role.
        let outcome = self.conclude(findings);
        gone.iter().for_each(|token| self.pool.give_up(token));
        Ok(outcome)
    }

    /// The problems of a step's responses.
    fn compare(&mut self, case: &Case, expected: &Expected, sent: &[(Template, Answer)]) -> Vec<Problem> {
        let mut problems = Vec::new();
        let mut responses = Vec::new();
        for (request, answer) in sent {
            match answer {
                Err(reason) => problems.push((Subject::Connection, reason.clone()).into()),
                Ok(response) => {
                    self.note(case, request, response);
                    problems.extend(check::problems(self.api, case.operation, request, response));
                    problems.extend(self.other_cluster(response));
                    problems.extend(self.leak(response));
                    responses.push(response);
                }
            }
        }
        problems.extend(compare::problems(expected, &responses));
        problems
    }

    /// Notes which declared response this is.
    fn note(&mut self, case: &Case, request: &Template, response: &Response) {
        let declared = self.api.document.declared(case.operation, request, response);
        self.reached.extend(declared.map(|declared| (declared.operation, declared.status)));
    }

    /// All responses come from one cluster.
    fn other_cluster(&mut self, response: &Response) -> Option<Problem> {
        let cluster = response.header(CLUSTER_UUID)?;
        let first = self.cluster.get_or_insert_with(|| cluster.to_owned());
        (*first != cluster).then(|| (Subject::Header, format!("{CLUSTER_UUID} differs from the one before")).into())
    }

    fn leak(&self, response: &Response) -> Option<Problem> {
        let headers = response.headers.values().map(|value| value.as_bytes());
        let texts: Vec<&[u8]> = headers.chain([&*response.body]).collect();
        let longest = texts.iter().map(|text| text.len()).max().unwrap_or_default();
        let shown = |secret: &str| {
            texts.iter().any(|text| text.windows(secret.len()).any(|window| window == secret.as_bytes()))
        };
        let mut secrets = self.pool.secrets().filter(|secret| secret.len() <= longest);
        secrets.any(shown).then(|| (Subject::Leak, "the response contains the secret of a token").into())
    }

    /// Looks at the tokens after a case, and returns those that are deleted or should be.
    async fn effects(&self, case: &Case, findings: &mut Findings) -> Vec<IssuedToken> {
        let mut gone = Vec::new();
        let deleted = match case.effect {
            Effect::Deleted(role) => Some(role),
            Effect::Nothing => None,
        };
        if let Some(role) = deleted {
            let token = self.pool.token(role);
            self.must_be_rejected(token, "the deleted token", findings).await;
            gone.push(token.clone());
        }
        let target = self.pool.held(Role::Target).filter(|_| deleted != Some(Role::Target));
        let which = if deleted.is_some() {
            "a token other than the one to delete"
        } else {
            "a token that should not be deleted"
        };
        for token in target.into_iter().chain(self.pool.neighbours()) {
            if !self.must_be_accepted(token, which, findings).await {
                gone.push(token.clone());
            }
        }
        gone
    }

    /// The last case: no other token was deleted, and no deleted token is accepted again.
    async fn afterwards(&self) -> Option<CaseReport> {
        let begun = Instant::now();
        let operation = Call::deletion(self.api)?.operation;
        let mut findings = Findings::default();
        for token in self.pool.witnesses() {
            self.must_be_accepted(token, "a token that no request was about", &mut findings).await;
        }
        for token in self.pool.deleted() {
            self.must_be_rejected(token, "a deleted token", &mut findings).await;
        }
        let nothing = self.pool.witnesses().is_empty() && self.pool.deleted().is_empty();
        let reason = "there are no tokens to look at".to_owned();
        Some(CaseReport {
            operation: operation.id,
            name: AFTERWARDS.to_owned(),
            rule: "No other token is deleted, and a deleted token stays deleted.".to_owned(),
            outcome: if nothing { Outcome::NotCovered { reason } } else { self.conclude(findings) },
            duration: begun.elapsed(),
        })
    }

    async fn must_be_rejected(&self, token: &IssuedToken, which: &str, findings: &mut Findings) {
        let wrong = |status| (status != 401).then(|| format!("{which} is accepted: {status}"));
        self.ask(token, wrong, findings).await;
    }

    /// Returns whether later cases can use the token.
    async fn must_be_accepted(&self, token: &IssuedToken, which: &str, findings: &mut Findings) -> bool {
        let wrong = |status| (status == 401).then(|| format!("{which} is rejected"));
        self.ask(token, wrong, findings).await
    }

    /// Asks whether a token is accepted. `wrong` returns the problem with the status of the response, if it has one.
    /// Returns whether there is no problem, or it is not known.
    async fn ask(&self, token: &IssuedToken, wrong: impl Fn(u16) -> Option<String>, findings: &mut Findings) -> bool {
        let Some((request, answer)) = self.pool.ask(token).await else { return true };
        let problem = match &answer {
            Ok(response) => wrong(response.status.as_u16()).map(|text| (Subject::Effect, text)),
            Err(reason) => Some((Subject::Connection, reason.clone())),
        };
        let Some(problem) = problem else { return true };
        findings.problems.push(problem.into());
        findings.asked.push(self.exchange(&request, &answer, &Asked::by(token)));
        answer.is_err()
    }

    fn conclude(&self, mut findings: Findings) -> Outcome {
        if findings.problems.is_empty() {
            return Outcome::Passed;
        }
        findings.problems.sort_by_key(|problem| problem.subject);
        findings.problems.dedup();
        let sent = findings.sent.iter().map(|(request, answer)| self.exchange(request, answer, &self.pool));
        Outcome::Failed { problems: findings.problems, exchanges: sent.chain(findings.asked).collect() }
    }

    fn exchange(&self, request: &Template, answer: &Answer, holders: &dyn Holders) -> Exchange {
        Exchange::new(self.server.address(), request, answer, holders, &|text| self.redacted(text))
    }

    /// A text from the server, without secrets.
    fn redacted(&self, text: &str) -> String {
        self.pool.secrets().fold(text.to_owned(), |text, secret| text.replace(secret, "[secret]"))
    }

    fn responses(&self) -> Vec<DeclaredResponse> {
        let declared = self.api.document.responses().iter().map(|declared| DeclaredResponse {
            operation: declared.operation,
            status: label(declared.status),
            reached: self.reached.contains(&(declared.operation, declared.status)),
        });
        declared.collect()
    }
}
