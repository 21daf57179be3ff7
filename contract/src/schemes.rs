//! The security schemes of an operation. No other module reads [`Operation::security`].

use influxdb3_token_api::Operation;
use influxdb3_token_api::security::SecurityScheme;

/// Schemes that a request must satisfy together.
pub(super) type Alternative = Vec<&'static SecurityScheme>;

/// The alternatives of an operation, in the document's order. A request must satisfy one of them. Empty for a public
/// operation.
pub(super) fn alternatives(operation: &'static Operation) -> Vec<Alternative> {
    operation.security.iter().map(|scheme| vec![scheme]).collect()
}

/// Every scheme that an operation lists, each once.
pub(super) fn listed(operation: &'static Operation) -> Vec<&'static SecurityScheme> {
    let mut listed: Vec<&'static SecurityScheme> = Vec::new();
    for scheme in alternatives(operation).into_iter().flatten() {
        if !listed.contains(&scheme) {
            listed.push(scheme);
        }
    }
    listed
}

/// Whether an operation accepts requests without any credential.
pub(super) fn optional(operation: &Operation) -> bool {
    operation.credentials_optional || operation.security.is_empty()
}
