//! The cases of every operation, made from the table of operations.

use influxdb3_token_api::security::SecurityScheme;
use influxdb3_token_api::{OPERATIONS, Operation, SECURITY_SCHEMES, Status};

use super::case::{Case, Statuses};
use super::request::{Role, Template, Text};

mod credentials;
mod effects;
mod methods;
mod parameters;

/// Everything that must hold, of every operation.
pub(super) fn all() -> Vec<Case> {
    OPERATIONS.iter().map(Call::of).flat_map(|call| of_operation(&call)).collect()
}

fn of_operation(call: &Call) -> Vec<Case> {
    let mut cases = effects::cases(call);
    cases.extend(credentials::cases(call, SECURITY_SCHEMES));
    cases.extend(parameters::cases(call));
    cases.extend(methods::cases(call));
    cases
}

/// What is left to see once each case was tried, by its name: what became of the tokens in the end.
pub(super) const AFTERWARDS: &str = "effects/afterwards";

/// An ID that no token has: nobody creates so many.
const NO_TOKEN: &str = "9223372036854775807";

/// How an operation is called.
#[derive(Clone, Copy, Debug)]
pub(super) struct Call {
    pub(super) operation: &'static Operation,
    /// The parameter that names the token which the operation deletes. The document does not say that in a form that
    /// can be read, and it is all that is known here of an operation beyond it.
    deletes: Option<&'static str>,
}

impl Call {
    fn of(operation: &'static Operation) -> Self {
        Self { operation, deletes: (operation.id == "DeleteToken").then_some("id") }
    }

    /// A call of the operation that deletes a token, by which one is also seen to be refused.
    pub(super) fn deletion() -> Option<Self> {
        OPERATIONS.iter().map(Self::of).find(|call| call.deletes.is_some() && !call.operation.security.is_empty())
    }

    /// A call with everything but credentials, which is about the token with this ID.
    fn about(&self, id: Text) -> Template {
        Template::of(self.operation, |name| (self.deletes == Some(name)).then(|| id.clone()))
    }

    /// A call that is right in everything, by the holder of a token.
    pub(super) fn by(&self, caller: Role, id: Text) -> Template {
        signed(self.operation.security.first(), self.about(id), caller)
    }

    /// One that deletes nothing, because it is about no token.
    pub(super) fn idle(&self, caller: Role) -> Template {
        self.by(caller, NO_TOKEN.into())
    }

    /// One by the given admin token, about the target.
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

    /// Without a valid credential.
    fn unauthenticated(&self) -> Statuses {
        Statuses::one(401)
    }

    /// With one that does not suffice: 403 where that is declared, else 401.
    fn insufficient(&self) -> Statuses {
        Statuses::one(if self.declares(403) { 403 } else { 401 })
    }

    fn bad_request(&self) -> Statuses {
        Statuses::one(400).or(self.declares(422).then_some(422))
    }

    fn not_found(&self) -> Statuses {
        Statuses::one(404)
    }

    /// Of a parameter's value that is no good, without being wrong by the document.
    fn no_good(&self) -> Statuses {
        self.not_found().or(self.bad_request().0)
    }

    fn declares(&self, status: u16) -> bool {
        self.operation.responses.iter().any(|response| response.status == Status::Code(status))
    }
}

fn signed(scheme: Option<&SecurityScheme>, request: Template, caller: Role) -> Template {
    match scheme {
        Some(scheme) => request.with(scheme, caller),
        None => request,
    }
}
