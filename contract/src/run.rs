//! A run: tries each case, and compares the responses with the rules.

use std::time::Instant;

use futures::future::join_all;
use influxdb3_token_api::Status;

use super::api::Api;
use super::case::{Case, Effect, Expected};
use super::cases::{AFTERWARDS, Call};
use super::document::{CLUSTER_UUID, label};
use super::exchange::{Answer, Response, Server};
use super::pool::{Asked, Pool};
use super::report::{self, CaseReport, Cause, DeclaredResponse, Exchange, Outcome, Problem, Report};
use super::request::Template;
use super::text::{Holders, Role};
use super::tokens::Token;
use super::wanted::Wanted;
use super::{CannotRun, check, compare};

pub(super) struct Run<'r> {
    api: &'r Api,
    server: &'r Server,
    pool: Pool<'r>,
    /// The parameter that the server wants instead of the document's.
    wanted: Option<Wanted>,
    /// Why the server no longer answers.
    gone: Option<String>,
    /// The operation and the declared status of each response that a case expects.
    expected: Vec<(&'static str, Status)>,
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
    /// The requests after the case that found a token in the wrong state. Their indexes follow those of `sent`.
    asked: Vec<Exchange>,
}

impl<'r> Run<'r> {
    pub(super) fn new(api: &'r Api, server: &'r Server, pool: Pool<'r>, wanted: Option<Wanted>) -> Self {
        Self { api, server, pool, wanted, gone: None, expected: Vec::new(), reached: Vec::new(), cluster: None }
    }

    pub(super) async fn report(
        mut self,
        cases: Vec<Case>,
        mut observe: impl FnMut(&CaseReport),
    ) -> Result<Report, CannotRun> {
        let reports = self.cases(cases, &mut observe).await;
        let left_behind = match self.gone {
            None => self.pool.clear(self.wanted.as_ref()).await,
            Some(_) => self.pool.abandon(),
        };
        let cases = reports?;
        Ok(Report {
            server: self.server.address().base.clone(),
            document: self.api.document.name.clone(),
            causes: report::causes(&cases),
            cases,
            responses: self.responses(),
            left_behind,
        })
    }

    async fn cases(
        &mut self,
        cases: Vec<Case>,
        observe: &mut impl FnMut(&CaseReport),
    ) -> Result<Vec<CaseReport>, CannotRun> {
        self.expected = cases.iter().flat_map(|case| self.expected_by(case)).collect();
        self.pool.prepare().await?;
        let mut reports = Vec::new();
        for case in cases {
            let report = self.case(&case).await;
            observe(&report);
            reports.push(report);
        }
        if let Some(report) = self.afterwards().await {
            observe(&report);
            reports.push(report);
        }
        Ok(reports)
    }

    /// The declared responses that a case expects.
    fn expected_by(&self, case: &Case) -> Vec<(&'static str, Status)> {
        let calls = case.steps.iter().filter(|step| step.requests.iter().any(|request| request.calls(case.operation)));
        let statuses = calls.flat_map(|step| match &step.expected {
            Expected::Each(statuses) | Expected::Alike(statuses) => vec![statuses.first()],
            Expected::Once(one, others) => vec![one.first(), others.first()],
        });
        let declared = statuses.filter_map(|status| self.api.document.of_status(case.operation, status));
        declared.map(|declared| (declared.operation, declared.status)).collect()
    }

    async fn case(&mut self, case: &Case) -> CaseReport {
        let begun = Instant::now();
        let outcome = match &self.gone {
            Some(reason) => Outcome::NotCovered { reason: reason.clone() },
            None => self.outcome(case).await.unwrap_or_else(|reason| Outcome::NotCovered { reason }),
        };
        if let Outcome::Failed { problems, .. } = &outcome
            && problems.iter().any(|problem| problem.cause == Cause::NoResponse)
        {
            let reason = self.server.is_gone(self.api, &self.pool).await;
            self.gone = reason.map(|reason| format!("the server went away: {reason}"));
        }
        CaseReport {
            operation: case.operation.id,
            name: case.name.clone(),
            rule: case.rule.clone(),
            outcome,
            duration: begun.elapsed(),
        }
    }

    /// The outcome of a case, or the reason why it cannot be tried.
    async fn outcome(&mut self, case: &Case) -> Result<Outcome, String> {
        for role in case.roles() {
            self.pool.fill(role).await?;
        }
        let mut findings = Findings::default();
        for step in &case.steps {
            let server = self.server;
            let answers = join_all(step.requests.iter().map(|request| server.send(request, &self.pool))).await;
            let sent: Vec<_> = step.requests.iter().cloned().zip(answers).collect();
            findings.problems.extend(self.compare(case, &step.expected, &sent, findings.sent.len()));
            findings.sent.extend(sent);
        }
        let gone = self.effects(case, &mut findings).await;
        // First, because showing the requests takes the token of each role.
        let outcome = self.conclude(findings);
        gone.iter().for_each(|(token, is_rejected)| self.pool.give_up(token, *is_rejected));
        Ok(outcome)
    }

    /// The problems of a step's responses. `before` is the number of exchanges before the step.
    fn compare(
        &mut self,
        case: &Case,
        expected: &Expected,
        sent: &[(Template, Answer)],
        before: usize,
    ) -> Vec<Problem> {
        let mut problems = Vec::new();
        let mut responses = Vec::new();
        for (at, (request, answer)) in sent.iter().enumerate() {
            let exchange = Some(before + at);
            match answer {
                Err(reason) => {
                    problems.push(Problem { exchange, ..Problem::new(Cause::NoResponse, reason.clone()) });
                }
                Ok(response) => {
                    self.note(case, request, response);
                    let redact = |text: &str| self.pool.redacted(text);
                    let mut found = check::problems(self.api, case.operation, request, response, &redact);
                    found.extend(self.leak(response));
                    found.extend(self.other_cluster(response));
                    let status = Some(response.status.as_u16());
                    problems.extend(found.into_iter().map(|problem| Problem { exchange, status, ..problem }));
                    responses.push((before + at, response));
                }
            }
        }
        let compared = compare::problems(expected, &responses, &|text| self.pool.redacted(text));
        problems.extend(compared.into_iter().map(|problem| self.explained(case, problem, sent, before)));
        problems
    }

    /// A wrong status with its cause, if the response names a parameter that the server wants.
    fn explained(&self, case: &Case, problem: Problem, sent: &[(Template, Answer)], before: usize) -> Problem {
        let (Some(wanted), Some(call)) = (&self.wanted, Call::deletion(self.api)) else { return problem };
        let exchange = problem.exchange.and_then(|at| sent.get(at - before));
        match exchange {
            Some((request, Ok(response))) if case.operation == call.operation && request.calls(call.operation) => {
                match wanted.cause(&call, response) {
                    Some(cause) => {
                        let text = format!("{}; the server says that `{}` is missing", problem.text, wanted.name);
                        Problem { cause, text, ..problem }
                    }
                    None => problem,
                }
            }
            _ => problem,
        }
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
        let text = || format!("{CLUSTER_UUID} differs from the one before");
        (*first != cluster).then(|| Problem::new(Cause::HeaderVaries { name: CLUSTER_UUID }, text()))
    }

    fn leak(&self, response: &Response) -> Option<Problem> {
        let headers = response.headers.values().map(|value| value.as_bytes());
        let texts: Vec<_> = headers.chain([&*response.body]).map(String::from_utf8_lossy).collect();
        let shown = |secret: &str| texts.iter().any(|text| text.contains(secret));
        let problem = || Problem::new(Cause::Leak, "the response contains the secret of a token");
        self.pool.secrets().any(shown).then(problem)
    }

    /// Looks at the tokens after a case, and returns those that are deleted or should be, with whether each is rejected.
    async fn effects(&self, case: &Case, findings: &mut Findings) -> Vec<(Token, bool)> {
        let mut gone = Vec::new();
        let deleted = match case.effect {
            Effect::Deleted(role) => Some(role),
            Effect::Nothing => None,
        };
        if let Some(role) = deleted {
            let token = self.pool.token(role);
            let is_rejected = self.must_be_rejected(token, "the deleted token", findings).await;
            gone.push((token.clone(), is_rejected));
        }
        let target = self.pool.held(Role::Target).filter(|_| deleted != Some(Role::Target));
        let which = if deleted.is_some() {
            "a token other than the one to delete"
        } else {
            "a token that should not be deleted"
        };
        for token in target.into_iter().chain(self.pool.neighbours()) {
            if !self.must_be_accepted(token, which, findings).await {
                gone.push((token.clone(), true));
            }
        }
        gone
    }

    /// The last case: no other token was deleted, and no deleted token is accepted again.
    async fn afterwards(&self) -> Option<CaseReport> {
        let begun = Instant::now();
        let operation = Call::deletion(self.api)?.operation;
        let nothing = self.pool.witnesses().is_empty() && self.pool.deleted().is_empty();
        let nothing = nothing.then(|| "there are no tokens to look at".to_owned());
        let outcome = match self.gone.clone().or(nothing) {
            Some(reason) => Outcome::NotCovered { reason },
            None => {
                let mut findings = Findings::default();
                for token in self.pool.witnesses() {
                    self.must_be_accepted(token, "a token that no request was about", &mut findings).await;
                }
                for token in self.pool.deleted() {
                    self.must_be_rejected(token, "a deleted token", &mut findings).await;
                }
                self.conclude(findings)
            }
        };
        Some(CaseReport {
            operation: operation.id,
            name: AFTERWARDS.to_owned(),
            rule: "No other token is deleted, and a deleted token stays deleted.".to_owned(),
            outcome,
            duration: begun.elapsed(),
        })
    }

    /// Returns whether it is.
    async fn must_be_rejected(&self, token: &Token, which: &str, findings: &mut Findings) -> bool {
        let wrong =
            |status| (status != 401).then(|| Problem::new(Cause::TokenStays, format!("{which} is accepted: {status}")));
        self.ask(token, wrong, findings).await
    }

    /// Returns whether later cases can use the token.
    async fn must_be_accepted(&self, token: &Token, which: &str, findings: &mut Findings) -> bool {
        let wrong = |status| (status == 401).then(|| Problem::new(Cause::TokenGone, format!("{which} is rejected")));
        self.ask(token, wrong, findings).await
    }

    /// Asks whether a token is accepted. `wrong` returns the problem with the status of the response, if it has one.
    /// Returns whether there is no problem, or it is not known.
    async fn ask(&self, token: &Token, wrong: impl Fn(u16) -> Option<Problem>, findings: &mut Findings) -> bool {
        let Some((request, answer)) = self.pool.ask(token).await else { return true };
        let problem = match &answer {
            Ok(response) => wrong(response.status.as_u16()),
            Err(reason) => Some(Problem::new(Cause::NoResponse, reason.clone())),
        };
        let Some(problem) = problem else { return true };
        let exchange = Some(findings.sent.len() + findings.asked.len());
        let status = answer.as_ref().ok().map(|response| response.status.as_u16());
        findings.problems.push(Problem { exchange, status, ..problem });
        findings.asked.push(self.exchange(&request, &answer, &Asked::by(token)));
        answer.is_err()
    }

    fn conclude(&self, mut findings: Findings) -> Outcome {
        if findings.problems.is_empty() {
            return Outcome::Passed;
        }
        let is_misnamed = |problem: &Problem| matches!(problem.cause, Cause::ParameterName { .. });
        if findings.problems.iter().any(is_misnamed) {
            // What follows from a deletion that the server did not understand is not another cause.
            let follows = |cause: &Cause| matches!(cause, Cause::TokenStays | Cause::NotOnce { .. });
            findings.problems.retain(|problem| !follows(&problem.cause));
        }
        findings.problems.sort_by_key(|problem| problem.subject);
        let mut seen: Vec<(Cause, String)> = Vec::new();
        findings.problems.retain(|problem| {
            let key = (problem.cause.clone(), problem.text.clone());
            let new = !seen.contains(&key);
            seen.extend(new.then_some(key));
            new
        });
        let sent = findings.sent.iter().map(|(request, answer)| self.exchange(request, answer, &self.pool));
        Outcome::Failed { problems: findings.problems, exchanges: sent.chain(findings.asked).collect() }
    }

    fn exchange(&self, request: &Template, answer: &Answer, holders: &dyn Holders) -> Exchange {
        Exchange::new(self.server.address(), request, answer, holders, &|text| self.pool.redacted(text))
    }

    fn responses(&self) -> Vec<DeclaredResponse> {
        let declared = self.api.document.responses().iter().map(|declared| DeclaredResponse {
            operation: declared.operation,
            status: label(declared.status),
            expected: self.expected.contains(&(declared.operation, declared.status)),
            reached: self.reached.contains(&(declared.operation, declared.status)),
        });
        declared.collect()
    }
}
