//! A run: each case is tried, and what came back is compared with what must hold.

use std::time::Instant;

use futures::future::join_all;
use influxdb3_token_api::Status;

use super::case::{Case, Effect, Expected};
use super::cases::Call;
use super::document::{CLUSTER_UUID, Document, label};
use super::exchange::{Answer, Response, Server};
use super::pool::{Missing, Pool};
use super::report::{CaseReport, DeclaredResponse, Exchange, Outcome, Problem, Report, Subject};
use super::request::{Holders, Role, Template};
use super::tokens::IssuedToken;
use super::{CannotRun, check, compare};

pub(super) struct Run<'r> {
    document: Document,
    server: &'r Server,
    pool: Pool<'r>,
    /// The operation and the declared status of each response that was seen.
    reached: Vec<(&'static str, Status)>,
    /// The cluster that the first response came from.
    cluster: Option<String>,
}

/// What has been found so far of one case.
#[derive(Default)]
struct Findings {
    problems: Vec<Problem>,
    exchanges: Vec<(Template, Answer)>,
}

impl<'r> Run<'r> {
    pub(super) fn new(server: &'r Server, pool: Pool<'r>) -> Self {
        Self { document: Document::effective(), server, pool, reached: Vec::new(), cluster: None }
    }

    pub(super) async fn report(
        mut self,
        cases: Vec<Case>,
        mut observe: impl FnMut(&CaseReport),
    ) -> Result<Report, CannotRun> {
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
        Ok(Report {
            server: self.server.base().to_owned(),
            document: self.document.name.clone(),
            cases: reports,
            responses: self.responses(),
            left_behind: self.pool.clear().await,
        })
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
            findings.exchanges.extend(sent);
        }
        let spent = self.effects(case, &mut findings).await;
        let outcome = self.conclude(findings);
        if let Some(role) = spent {
            self.pool.give_up(role);
        }
        Ok(outcome)
    }

    /// What is wrong with the responses of a step.
    fn compare(&mut self, case: &Case, expected: &Expected, sent: &[(Template, Answer)]) -> Vec<Problem> {
        let mut problems = Vec::new();
        let mut responses = Vec::new();
        for (request, answer) in sent {
            match answer {
                Err(reason) => problems.push((Subject::Connection, reason.clone()).into()),
                Ok(response) => {
                    self.note(case, request, response);
                    problems.extend(check::problems(&self.document, case.operation, request, response));
                    problems.extend(self.other_cluster(response));
                    problems.extend(self.leak(response));
                    responses.push(response);
                }
            }
        }
        problems.extend(compare::problems(expected, &responses));
        problems
    }

    /// Takes down which declared response this is.
    fn note(&mut self, case: &Case, request: &Template, response: &Response) {
        let operation = case.operation;
        if request.path == operation.path && request.method == operation.method.as_str() {
            let declared = self.document.declared(operation, response.status.as_u16());
            self.reached.extend(declared.map(|declared| (operation.id, declared.status)));
        }
    }

    /// All responses come from one cluster.
    fn other_cluster(&mut self, response: &Response) -> Option<Problem> {
        let cluster = response.header(CLUSTER_UUID)?;
        let first = self.cluster.get_or_insert_with(|| cluster.to_owned());
        (*first != cluster).then(|| (Subject::Header, format!("{CLUSTER_UUID} is another than before")).into())
    }

    fn leak(&self, response: &Response) -> Option<Problem> {
        let shown = |secret: &str| {
            let within = |bytes: &[u8]| bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
            within(&response.body) || response.headers.values().any(|value| within(value.as_bytes()))
        };
        self.pool.secrets().any(shown).then(|| (Subject::Leak, "a token's secret stands in the response").into())
    }

    /// What became of the tokens, and which role needs another one now.
    async fn effects(&self, case: &Case, findings: &mut Findings) -> Option<Role> {
        match case.effect {
            Effect::Deleted(role) => {
                self.must_be_refused(self.pool.token(role), "the deleted token", findings).await;
                for neighbour in self.pool.neighbours() {
                    self.must_be_accepted(neighbour, "another token than the one to delete", findings).await;
                }
                Some(role)
            }
            Effect::Nothing if case.roles().contains(&Role::Target) => {
                let target = self.pool.token(Role::Target);
                let accepted = self.must_be_accepted(target, "the token that was not to be deleted", findings).await;
                (!accepted).then_some(Role::Target)
            }
            Effect::Nothing => None,
        }
    }

    /// Once everything was tried: no token was touched that was not to be, and none came back.
    async fn afterwards(&self) -> Option<CaseReport> {
        let begun = Instant::now();
        let operation = Call::deletion()?.operation;
        let mut findings = Findings::default();
        for token in self.pool.witnesses() {
            self.must_be_accepted(token, "a token that no request was about", &mut findings).await;
        }
        for token in self.pool.deleted() {
            self.must_be_refused(token, "a deleted token", &mut findings).await;
        }
        let nothing = self.pool.witnesses().is_empty();
        let reason = "there are no tokens to look at".to_owned();
        Some(CaseReport {
            operation: operation.id,
            name: "effects/afterwards".to_owned(),
            rule: "No other token is touched, and a deleted token stays so.".to_owned(),
            outcome: if nothing { Outcome::NotCovered { reason } } else { self.conclude(findings) },
            duration: begun.elapsed(),
        })
    }

    async fn must_be_refused(&self, token: &IssuedToken, which: &str, findings: &mut Findings) {
        let Some((request, answer)) = self.pool.ask(token).await else { return };
        match &answer {
            Ok(response) if response.status == 401 => return,
            Ok(response) => findings.add(Subject::Effect, format!("{which} is accepted: {}", response.status.as_u16())),
            Err(reason) => findings.add(Subject::Connection, reason.clone()),
        }
        findings.exchanges.push((request, answer));
    }

    async fn must_be_accepted(&self, token: &IssuedToken, which: &str, findings: &mut Findings) -> bool {
        let Some((request, answer)) = self.pool.ask(token).await else { return true };
        match &answer {
            Ok(response) if response.status != 401 => return true,
            Ok(_) => findings.add(Subject::Effect, format!("{which} is refused")),
            Err(reason) => findings.add(Subject::Connection, reason.clone()),
        }
        findings.exchanges.push((request, answer));
        false
    }

    fn conclude(&self, mut findings: Findings) -> Outcome {
        if findings.problems.is_empty() {
            return Outcome::Passed;
        }
        findings.problems.sort_by_key(|problem| problem.subject);
        findings.problems.dedup();
        let exchanges = findings.exchanges.iter().map(|(request, answer)| self.exchange(request, answer)).collect();
        Outcome::Failed { problems: findings.problems, exchanges }
    }

    fn exchange(&self, request: &Template, answer: &Answer) -> Exchange {
        Exchange::new(self.server.base(), request, answer, &self.pool as &dyn Holders, &|text| self.redacted(text))
    }

    /// A text that came from the server, without secrets.
    fn redacted(&self, text: &str) -> String {
        self.pool.secrets().fold(text.to_owned(), |text, secret| text.replace(secret, "[secret]"))
    }

    fn responses(&self) -> Vec<DeclaredResponse> {
        let declared = self.document.responses().iter().map(|declared| DeclaredResponse {
            operation: declared.operation,
            status: label(declared.status),
            reached: self.reached.contains(&(declared.operation, declared.status)),
        });
        declared.collect()
    }
}

impl Findings {
    fn add(&mut self, subject: Subject, text: String) {
        self.problems.push((subject, text).into());
    }
}
