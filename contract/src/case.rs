//! A case: requests, the responses that are allowed, and what must be true of the tokens afterwards.

use influxdb3_token_api::Operation;

use super::request::Template;
use super::text::Role;

/// A test of one rule.
#[derive(Clone, Debug)]
pub(super) struct Case {
    pub(super) operation: &'static Operation,
    /// Such as `credentials/BearerAuthentication/expired`; unique within its operation.
    pub(super) name: String,
    /// The rule, as a sentence.
    pub(super) rule: String,
    /// Run in this order.
    pub(super) steps: Vec<Step>,
    pub(super) effect: Effect,
}

/// Requests that are sent at the same time.
#[derive(Clone, Debug)]
pub(super) struct Step {
    pub(super) requests: Vec<Template>,
    pub(super) expected: Expected,
}

/// What the responses of a step must be.
#[derive(Clone, Debug)]
pub(super) enum Expected {
    /// Each has one of these statuses.
    Each(Statuses),
    /// Exactly one has one of the first statuses, and each other has one of the second.
    Once(Statuses, Statuses),
    /// Each has one of these statuses, and they do not differ. The second half of the requests repeats the first, which
    /// shows what differs between responses to the same request.
    Alike(Statuses),
}

/// Allowed statuses: those that the document declares, and those that HTTP requires. There is at least one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Statuses(pub(super) Vec<u16>);

/// What must be true of the tokens after a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Effect {
    /// No token was deleted.
    Nothing,
    /// The token in this role was deleted, and no other.
    Deleted(Role),
}

impl Case {
    pub(super) fn new(
        operation: &'static Operation,
        name: impl Into<String>,
        rule: impl Into<String>,
        request: Template,
        statuses: Statuses,
    ) -> Self {
        let steps = vec![Step { requests: vec![request], expected: Expected::Each(statuses) }];
        Self { operation, name: name.into(), rule: rule.into(), steps, effect: Effect::Nothing }
    }

    /// The same case, but it deletes the token in this role.
    pub(super) fn deleting(self, role: Role) -> Self {
        Self { effect: Effect::Deleted(role), ..self }
    }

    /// The same case with another request at its end.
    pub(super) fn then(mut self, request: Template, statuses: Statuses) -> Self {
        self.steps.push(Step { requests: vec![request], expected: Expected::Each(statuses) });
        self
    }

    /// The roles of the tokens that the case needs.
    pub(super) fn roles(&self) -> Vec<Role> {
        let requests = self.steps.iter().flat_map(|step| &step.requests);
        let mut roles: Vec<Role> = requests.flat_map(Template::roles).collect();
        if let Effect::Deleted(role) = self.effect {
            roles.push(role);
        }
        roles.sort_unstable();
        roles.dedup();
        roles
    }
}

impl Statuses {
    pub(super) fn one(status: u16) -> Self {
        Self(vec![status])
    }

    /// These statuses and others.
    pub(super) fn or(mut self, others: impl IntoIterator<Item = u16>) -> Self {
        self.0.extend(others);
        self
    }

    /// The expected status, before those that are allowed too.
    pub(super) fn first(&self) -> u16 {
        self.0.first().copied().unwrap_or_default()
    }

    pub(super) fn contain(&self, status: u16) -> bool {
        self.0.contains(&status)
    }
}

impl std::fmt::Display for Statuses {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let texts: Vec<String> = self.0.iter().map(u16::to_string).collect();
        f.write_str(&texts.join(" or "))
    }
}
