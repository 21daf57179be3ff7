//! The API that a server is checked against.

use std::sync::{Arc, LazyLock};

use influxdb3_token_api::security::SecurityScheme;
use influxdb3_token_api::{OPENAPI, OPERATIONS, Operation, Parameter, SECURITY_SCHEMES};

use super::document::Document;

/// The API that a server is checked against: its operations, its security schemes, and its document.
///
/// [`Api::default`] is the API of [`influxdb3_token_api`]. The API of another generated crate comes from its constants:
///
/// ```no_run
/// # use influxdb3_token_api as your_api;
/// use influxdb3_token_contract::Api;
///
/// # fn main() -> Result<(), influxdb3_token_contract::InvalidApi> {
/// let api = Api::new(your_api::OPERATIONS, your_api::SECURITY_SCHEMES, your_api::OPENAPI)?;
/// let api = api.token_deletion("DeleteToken", "id")?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Api {
    pub(super) operations: &'static [Operation],
    pub(super) security_schemes: &'static [SecurityScheme],
    pub(super) document: Arc<Document>,
    pub(super) deletion: Option<Deletion>,
}

/// The operation that deletes a token.
#[derive(Clone, Copy, Debug)]
pub(super) struct Deletion {
    pub(super) operation: &'static Operation,
    /// The parameter that says which token.
    pub(super) parameter: &'static Parameter,
    /// What the parameter takes.
    pub(super) identifier: TokenIdentifier,
}

/// What the parameter of a deletion takes to say which token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TokenIdentifier {
    /// The token's ID, which the server chose.
    Id,
    /// The token's name, which the person who created it chose.
    Name,
}

impl TokenIdentifier {
    /// A parameter called `name`, or something that ends with it, takes a name. Any other takes an ID.
    const fn of(parameter: &Parameter) -> Self {
        const NAME: &[u8] = b"name";
        let text = parameter.name.as_bytes();
        match text.split_at_checked(text.len().wrapping_sub(NAME.len())) {
            Some((_, end)) if end.eq_ignore_ascii_case(NAME) => Self::Name,
            _ => Self::Id,
        }
    }
}

impl Deletion {
    /// The deletion of [`Api::default`]: the operation `DeleteToken`, which has one required parameter. Anything else is an
    /// error at compile time, because only a person can say then which parameter says which token.
    const DEFAULT: Self = {
        let mut at = 0;
        while !is(OPERATIONS[at].id, "DeleteToken") {
            at += 1;
            assert!(
                at < OPERATIONS.len(),
                "the document has no operation DeleteToken: write which one deletes a token"
            );
        }
        let operation = &OPERATIONS[at];
        let mut required = None;
        let mut index = 0;
        while index < operation.parameters.len() {
            let parameter = &operation.parameters[index];
            if parameter.required {
                assert!(
                    required.is_none(),
                    "DeleteToken requires several parameters: write which one says which token"
                );
                required = Some(parameter);
            }
            index += 1;
        }
        let Some(parameter) = required else {
            panic!("DeleteToken requires no parameter: write which one says which token")
        };
        Self { operation, parameter, identifier: TokenIdentifier::of(parameter) }
    };
}

/// Whether two texts are equal, at compile time.
const fn is(one: &str, other: &str) -> bool {
    one.len() == other.len() && one.as_bytes().eq_ignore_ascii_case(other.as_bytes())
}

impl Api {
    /// The API of these operations and security schemes. `openapi` is its document as JSON text.
    ///
    /// # Errors
    ///
    /// [`InvalidApi`] if the document is not JSON, lacks a response of one of the operations, or has a schema that is
    /// invalid.
    pub fn new(
        operations: &'static [Operation],
        security_schemes: &'static [SecurityScheme],
        openapi: &str,
    ) -> Result<Self, InvalidApi> {
        let document = Arc::new(Document::read(operations, openapi)?);
        Ok(Self { operations, security_schemes, document, deletion: None })
    }

    /// Says which operation deletes a token, by its `operationId`, and which of its parameters says which token. No document
    /// can state that.
    ///
    /// A parameter whose name ends with `name`, such as `token_name`, takes the name of a token. Any other takes its ID.
    /// [`Api::identifying_by`] changes that. Without a deletion, only the cases that need no further token are covered.
    ///
    /// # Errors
    ///
    /// [`InvalidApi::NoSuchParameter`] if the API has no such operation, or the operation has no such parameter.
    pub fn token_deletion(self, operation: &str, parameter: &str) -> Result<Self, InvalidApi> {
        let found = self.operations.iter().find(|candidate| candidate.id == operation).and_then(|found| {
            let parameter = found.parameters.iter().find(|candidate| candidate.name == parameter)?;
            Some(Deletion { operation: found, parameter, identifier: TokenIdentifier::of(parameter) })
        });
        match found {
            Some(deletion) => Ok(Self { deletion: Some(deletion), ..self }),
            None => {
                Err(InvalidApi::NoSuchParameter { operation: operation.to_owned(), parameter: parameter.to_owned() })
            }
        }
    }

    /// Says what the parameter of [`Api::token_deletion`] takes, where its name does not.
    pub fn identifying_by(self, identifier: TokenIdentifier) -> Self {
        Self { deletion: self.deletion.map(|deletion| Deletion { identifier, ..deletion }), ..self }
    }
}

impl Default for Api {
    /// The API of [`influxdb3_token_api`]. Its operation `DeleteToken` deletes a token, and the only parameter that it
    /// requires says which one.
    fn default() -> Self {
        static API: LazyLock<Api> = LazyLock::new(|| {
            let api = Api::new(OPERATIONS, SECURITY_SCHEMES, OPENAPI);
            let api = api.expect("the generated crate and its document come from the same run of the generator");
            Api { deletion: Some(Deletion::DEFAULT), ..api }
        });
        API.clone()
    }
}

/// Why an [`Api`] cannot be made of a document and its tables.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidApi {
    /// The document is not JSON.
    #[error("the document is not JSON")]
    NotJson(#[source] serde_json::Error),
    /// The document does not declare a response that an operation has.
    #[error("the document has nothing at {place}")]
    NoSuchResponse {
        /// A JSON pointer to where the response should be.
        place: String,
    },
    /// The document has a schema that is invalid.
    #[error("the document has an invalid schema at {place}: {reason}")]
    InvalidSchema {
        /// A JSON pointer to the header or the media type that has the schema.
        place: String,
        /// What is wrong with the schema.
        reason: String,
    },
    /// The operation that is said to delete a token is missing, or its parameter is.
    #[error("the API has no operation {operation} with a parameter {parameter}")]
    NoSuchParameter {
        /// The `operationId`.
        operation: String,
        /// The name of the parameter.
        parameter: String,
    },
}

#[cfg(test)]
mod tests {
    use influxdb3_token_api::Location;

    use super::*;

    #[test]
    fn the_name_of_a_parameter_says_what_it_takes() {
        for (name, identifier) in [
            ("id", TokenIdentifier::Id),
            ("token", TokenIdentifier::Id),
            ("names", TokenIdentifier::Id),
            ("", TokenIdentifier::Id),
            ("name", TokenIdentifier::Name),
            ("token_name", TokenIdentifier::Name),
            ("tokenName", TokenIdentifier::Name),
        ] {
            assert_eq!(TokenIdentifier::of(&Parameter::new(name, Location::Query)), identifier, "{name}");
        }
    }

    #[test]
    fn the_default_deletes_with_the_only_parameter_that_is_required() {
        let deletion = Api::default().deletion.unwrap();
        assert_eq!(deletion.operation.id, "DeleteToken");
        assert!(deletion.parameter.required);
    }
}
