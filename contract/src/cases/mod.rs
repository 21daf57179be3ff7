//! The cases of each operation, made from the table of operations.

use influxdb3_token_api::security::{SecurityKind, SecurityRequirement};
use influxdb3_token_api::{Location, Operation, Parameter, Status};

use super::api::Api;
use super::case::{Case, Statuses};
use super::request::{ANYTHING, Template};
use super::text::{Role, Text};

mod credentials;
mod effects;
mod methods;
mod parameters;

/// The cases of every operation of an API.
pub(super) fn all(api: &Api) -> Vec<Case> {
    api.operations.iter().flat_map(|operation| of_operation(&Call::of(api, operation))).collect()
}

fn of_operation(call: &Call) -> Vec<Case> {
    let mut cases = effects::cases(call);
    cases.extend(credentials::cases(call));
    cases.extend(parameters::cases(call));
    cases.extend(methods::cases(call));
    cases
}

/// The name of the last case, which looks at all tokens after the others have run.
pub(super) const AFTERWARDS: &str = "effects/afterwards";

/// An ID that no token has, because no server creates that many.
const NO_TOKEN: &str = "9223372036854775807";

/// How an operation is called.
#[derive(Clone, Copy, Debug)]
pub(super) struct Call<'a> {
    api: &'a Api,
    pub(super) operation: &'static Operation,
    /// The parameter that names the token which the operation deletes, if it deletes one.
    deletes: Option<&'static Parameter>,
}

impl<'a> Call<'a> {
    fn of(api: &'a Api, operation: &'static Operation) -> Self {
        let deletion = api.deletion.filter(|deletion| deletion.operation == operation);
        Self { api, operation, deletes: deletion.map(|deletion| deletion.parameter) }
    }

    /// A call of the operation that deletes a token. It also shows whether a token is accepted.
    pub(super) fn deletion(api: &'a Api) -> Option<Self> {
        let deletion = api.deletion.filter(|deletion| !deletion.operation.security.is_empty())?;
        Some(Self::of(api, deletion.operation))
    }

    /// Whether the path names the token.
    fn deletes_by_path(&self) -> bool {
        self.deletes.is_some_and(|parameter| parameter.location == Location::Path)
    }

    /// A call about the token with this ID, without credentials.
    fn about(&self, id: Text) -> Template {
        Template::of(self.operation, |name| self.value(name, &id))
    }

    /// The value of a parameter in a call about the token with this ID.
    fn value(&self, name: &str, id: &Text) -> Text {
        if self.deletes.is_some_and(|parameter| parameter.name == name) { id.clone() } else { ANYTHING.into() }
    }

    /// A correct call by the holder of a token.
    pub(super) fn by(&self, caller: Role, id: Text) -> Template {
        let request = self.about(id);
        match self.requirements().next() {
            Some(requirement) => request.satisfying(requirement, caller),
            None => request,
        }
    }

    /// The alternatives of the operation's security that the kit has credentials for. It presents no certificate.
    fn requirements(&self) -> impl Iterator<Item = &'static SecurityRequirement> {
        let certificate = |of: &SecurityRequirement| of.schemes.iter().any(|of| of.kind == SecurityKind::MutualTls);
        self.operation.security.iter().filter(move |of| !of.is_anonymous() && !certificate(of))
    }

    /// A call that deletes nothing, because no token has its ID.
    pub(super) fn idle(&self, caller: Role) -> Template {
        self.by(caller, NO_TOKEN.into())
    }

    /// A call with the given admin token, about the target.
    fn on_target(&self) -> Template {
        self.by(Role::Caller, Text::id(Role::Target))
    }

    fn case(&self, name: impl Into<String>, rule: impl Into<String>, request: Template, statuses: Statuses) -> Case {
        Case::new(self.operation, name, rule, request, statuses)
    }

    /// The declared statuses of success.
    pub(super) fn succeeded(&self) -> Statuses {
        let codes = self.operation.responses.iter().filter_map(|response| match response.status {
            Status::Code(code) if (200..300).contains(&code) => Some(code),
            _ => None,
        });
        Statuses(codes.collect())
    }

    /// For a request without a valid credential.
    fn unauthenticated(&self) -> Statuses {
        Statuses::one(401)
    }

    /// For a valid credential that does not suffice: 403 if the operation declares it, otherwise 401.
    fn insufficient(&self) -> Statuses {
        Statuses::one(if self.declares(403) { 403 } else { 401 })
    }

    fn bad_request(&self) -> Statuses {
        Statuses::one(400).or(self.declares(422).then_some(422))
    }

    fn not_found(&self) -> Statuses {
        Statuses::one(404)
    }

    /// For an ID that no token can have, although the document allows it.
    fn not_an_id(&self) -> Statuses {
        self.not_found().or(self.bad_request().0)
    }

    fn declares(&self, status: u16) -> bool {
        self.operation.responses.iter().any(|response| response.status == Status::Code(status))
    }
}
