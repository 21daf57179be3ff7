//! The security that an operation requires. No other module reads [`Operation::security`].

use influxdb3_token_api::Operation;
use influxdb3_token_api::security::{SecurityKind, SecurityRequirement, SecurityScheme};

/// Schemes that a request must satisfy together.
#[derive(Clone, Debug, Default)]
pub(super) struct Alternative {
    /// The names of the schemes, with `+` between them.
    pub(super) name: String,
    /// One scheme for each part of a request that carries a credential.
    pub(super) schemes: Vec<&'static SecurityScheme>,
}

impl Alternative {
    fn of(requirement: &'static SecurityRequirement) -> Self {
        let schemes = requirement.schemes;
        let names: Vec<&str> = schemes.iter().map(|scheme| scheme.name).collect();
        let is_first = |at: &usize| schemes[..*at].iter().all(|other| other.kind != schemes[*at].kind);
        let places = (0..schemes.len()).filter(is_first).map(|at| &schemes[at]);
        Self { name: names.join("+"), schemes: places.collect() }
    }
}

/// The alternatives of an operation for which the kit has credentials, in the document's order. A request must satisfy one of
/// them. The kit presents no certificate.
pub(super) fn alternatives(operation: &'static Operation) -> Vec<Alternative> {
    let certificate = |of: &SecurityRequirement| of.schemes.iter().any(is_certificate);
    let can_satisfy = |of: &&SecurityRequirement| !of.is_anonymous() && !certificate(of);
    operation.security.iter().filter(can_satisfy).map(Alternative::of).collect()
}

/// Every scheme that an operation lists.
pub(super) fn listed(operation: &'static Operation) -> Vec<&'static SecurityScheme> {
    operation.security.iter().flat_map(|requirement| requirement.schemes).collect()
}

/// Whether an operation accepts requests without any credential.
pub(super) fn optional(operation: &Operation) -> bool {
    operation.security.is_empty() || operation.security.iter().any(SecurityRequirement::is_anonymous)
}

/// Whether a scheme is the client's certificate, which no request carries.
pub(super) fn is_certificate(scheme: &SecurityScheme) -> bool {
    scheme.kind == SecurityKind::MutualTls
}
