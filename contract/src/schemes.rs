//! The security that an operation requires. No other module reads [`Operation::security`].

use influxdb3_token_api::Operation;
use influxdb3_token_api::security::SecurityScheme;

/// Schemes that a request must satisfy together.
#[derive(Clone, Debug, Default)]
pub(super) struct Alternative {
    /// The names of the schemes, with `+` between them.
    pub(super) name: String,
    /// One scheme for each part of a request that carries a credential.
    pub(super) schemes: Vec<&'static SecurityScheme>,
}

impl Alternative {
    fn of(schemes: &'static [SecurityScheme]) -> Self {
        let names: Vec<&str> = schemes.iter().map(|scheme| scheme.name).collect();
        let is_first = |at: &usize| schemes[..*at].iter().all(|other| other.kind != schemes[*at].kind);
        let places = (0..schemes.len()).filter(is_first).map(|at| &schemes[at]);
        Self { name: names.join("+"), schemes: places.collect() }
    }
}

/// The alternatives of an operation, in the document's order. A request must satisfy one of them. Empty for a public
/// operation.
pub(super) fn alternatives(operation: &'static Operation) -> Vec<Alternative> {
    operation.security.chunks(1).map(Alternative::of).collect()
}

/// Every scheme that an operation lists.
pub(super) fn listed(operation: &'static Operation) -> Vec<&'static SecurityScheme> {
    operation.security.iter().collect()
}

/// Whether an operation accepts requests without any credential.
pub(super) fn optional(operation: &Operation) -> bool {
    operation.credentials_optional || operation.security.is_empty()
}
