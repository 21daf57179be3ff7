//! The cases of each operation, made from the table of operations.

use influxdb3_token_api::security::SecurityScheme;
use influxdb3_token_api::{Location, Operation, Parameter, Status};

use super::api::Api;
use super::case::{Case, Statuses};
use super::request::{ANYTHING, Template};
use super::schemes;
use super::text::{Role, Text};

mod bodies;
mod credentials;
mod effects;
mod methods;
mod parameters;

/// The cases of every operation of an API. With `invalid_calls`, operations that change something get calls with a valid
/// credential that the document does not allow. A wrong server may carry them out.
pub(super) fn all(api: &Api, invalid_calls: bool) -> Vec<Case> {
    api.operations.iter().flat_map(|operation| of_operation(&Call::of(api, operation), invalid_calls)).collect()
}

fn of_operation(call: &Call, invalid_calls: bool) -> Vec<Case> {
    let mut cases = effects::cases(call);
    cases.extend(credentials::cases(call));
    if invalid_calls || call.deletes.is_some() || call.operation.method.is_safe() {
        cases.extend(parameters::cases(call));
        cases.extend(bodies::cases(call));
    }
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
    /// The parameter that says which token the operation deletes, if it deletes one.
    deletes: Option<&'static Parameter>,
}

impl<'a> Call<'a> {
    fn of(api: &'a Api, operation: &'static Operation) -> Self {
        let deletion = api.deletion.filter(|deletion| deletion.operation == operation);
        Self { api, operation, deletes: deletion.map(|deletion| deletion.parameter) }
    }

    /// A call of the operation that deletes a token. It also shows whether a token is accepted.
    pub(super) fn deletion(api: &'a Api) -> Option<Self> {
        let deletion = api.deletion.filter(|deletion| !schemes::alternatives(deletion.operation).is_empty())?;
        Some(Self::of(api, deletion.operation))
    }

    /// The parameter that says which token the operation deletes, if it deletes one.
    pub(super) fn deletes(&self) -> Option<&'static Parameter> {
        self.deletes
    }

    /// What no token has as its ID or its name.
    pub(super) fn no_token(&self) -> Text {
        NO_TOKEN.into()
    }

    /// Whether the path names the token.
    fn deletes_by_path(&self) -> bool {
        self.deletes.is_some_and(|parameter| parameter.location == Location::Path)
    }

    /// A call about the token with this ID, without credentials.
    fn about(&self, id: Text) -> Template {
        let request = Template::of(self.operation, |name| self.value(name, &id));
        if self.deletes.is_some() { self.with_body(request) } else { request }
    }

    /// The same request with a valid body, if the operation requires one.
    fn with_body(&self, request: Template) -> Template {
        match self.api.document.required_body(self.operation) {
            Some(body) => request.with_body(&body.media_type, body.example.to_string()),
            None => request,
        }
    }
    /// The value of a parameter in a call about the token with this ID.
    fn value(&self, name: &str, id: &Text) -> Text {
        if self.deletes.is_some_and(|parameter| parameter.name == name) { id.clone() } else { ANYTHING.into() }
    }

    /// A correct call by the holder of a token.
    pub(super) fn by(&self, caller: Role, id: Text) -> Template {
        self.about(id).signed(&self.first_schemes(), caller)
    }

    /// The schemes under which callers authenticate, unless a case is about others.
    fn first_schemes(&self) -> Vec<&'static SecurityScheme> {
        let first = schemes::alternatives(self.operation).into_iter().next();
        first.unwrap_or_default().schemes
    }

    /// A call that deletes nothing, because no token has its ID.
    pub(super) fn idle(&self, caller: Role) -> Template {
        self.by(caller, NO_TOKEN.into())
    }

    /// A call with the given admin token, about the target.
    fn on_target(&self) -> Template {
        self.by(Role::Caller, Text::id(Role::Target))
    }

    /// A request that is almost a call, and its allowed statuses. The one about a token has a valid credential. Any other has
    /// none, because a wrong server might take it for a call, and may be answered with 401.
    fn almost(&self, request: Template, statuses: Statuses) -> (Template, Statuses) {
        if self.deletes.is_some() {
            (request.signed(&self.first_schemes(), Role::Caller), statuses)
        } else {
            (request, statuses.or([401]))
        }
    }

    fn case(&self, name: impl Into<String>, rule: impl Into<String>, request: Template, statuses: Statuses) -> Case {
        Case::new(self.operation, name, rule, request, statuses)
    }

    /// The declared statuses of success. If the document has a range or only a default, its usual statuses.
    pub(super) fn succeeded(&self) -> Statuses {
        let codes = self.operation.responses.iter().filter_map(|response| match response.status {
            Status::Code(code) if (200..300).contains(&code) => Some(code),
            _ => None,
        });
        let codes: Vec<u16> = codes.collect();
        Statuses(if codes.is_empty() { vec![204, 200, 202] } else { codes })
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

    /// For a request whose body is missing or wrong.
    fn bad_body(&self) -> Statuses {
        self.bad_request().or([415, 422])
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
