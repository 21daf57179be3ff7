//! The document's names for what the tests do, from the table of operations.

use std::fmt;

use influxdb3_token_api::security::SecurityKind;
use influxdb3_token_api::{OPERATIONS, Operation, Status};
use influxdb3_tokens::{TokenId, TokenName};

const DELETION: &Operation = &OPERATIONS[0];

pub(crate) const PATH: &str = DELETION.path;

/// The parameter that selects the token to delete.
pub(crate) const PARAMETER: &str = DELETION.parameters[0].name;

/// The status of a successful deletion.
pub(crate) const DELETED: u16 = match DELETION.responses[0].status {
    Status::Code(status) => status,
    Status::Class(_) | Status::Default => panic!("the first response has one status"),
};

/// Whether a deletion may present its credential in this way alone.
pub(crate) fn accepts(kind: SecurityKind) -> bool {
    DELETION.security.iter().any(|requirement| requirement.schemes.iter().all(|scheme| scheme.kind == kind))
}

/// A token that a test created. Its text selects it in a request to delete it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Token {
    pub(crate) id: TokenId,
    pub(crate) name: &'static str,
}

impl Token {
    pub(crate) const OPERATOR: Self = Self { id: TokenId::OPERATOR, name: TokenName::OPERATOR };

    pub(crate) fn new(id: TokenId, name: &str) -> Self {
        Self { id, name: name.to_owned().leak() }
    }
}

impl fmt::Display for Token {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.id.fmt(formatter)
    }
}

#[test]
fn the_first_operation_is_the_deletion() {
    assert_eq!(DELETION.id, "DeleteToken");
}
