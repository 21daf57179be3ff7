//! The API that a server is checked against.

use std::sync::{Arc, LazyLock};

use influxdb3_token_api::security::SecurityScheme;
use influxdb3_token_api::{OPENAPI, OPERATIONS, Operation, Parameter, SECURITY_SCHEMES};

use super::document::Document;

/// The API that a server is checked against: its operations, its security schemes, and its document.
///
/// [`Api::default`] is the API of [`influxdb3_token_api`]. The API of another generated crate comes from its constants:
///
/// ```
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
    /// The parameter that names the token.
    pub(super) parameter: &'static Parameter,
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

    /// Says which operation deletes a token, by its `operationId`, and which of its parameters is the token's ID. No
    /// document can state that.
    ///
    /// Without it, only the cases that need no further token are covered.
    ///
    /// # Errors
    ///
    /// [`InvalidApi::NoSuchParameter`] if the API has no such operation, or the operation has no such parameter.
    pub fn token_deletion(self, operation: &str, parameter: &str) -> Result<Self, InvalidApi> {
        let found = self.operations.iter().find(|candidate| candidate.id == operation).and_then(|found| {
            let parameter = found.parameters.iter().find(|candidate| candidate.name == parameter)?;
            Some(Deletion { operation: found, parameter })
        });
        match found {
            Some(deletion) => Ok(Self { deletion: Some(deletion), ..self }),
            None => {
                Err(InvalidApi::NoSuchParameter { operation: operation.to_owned(), parameter: parameter.to_owned() })
            }
        }
    }
}

impl Default for Api {
    /// The API of [`influxdb3_token_api`].
    fn default() -> Self {
        static API: LazyLock<Api> = LazyLock::new(|| {
            Api::new(OPERATIONS, SECURITY_SCHEMES, OPENAPI)
                .and_then(|api| api.token_deletion("DeleteToken", "id"))
                .expect("the generated crate was made from a valid document, and deletes tokens by their ID")
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
