//! The HTTP machinery of crates that are generated from OpenAPI documents.
//!
//! A generated crate holds what its document says: a trait with a method for each operation, models, a table of
//! operations. Everything else is here and depends on no document: the service that turns requests into calls of the
//! trait, the client that turns calls into requests, and how parameters, bodies and credentials are read and written.
//!
//! | module | contents |
//! |---|---|
//! | [`Operation`], [`Parameter`], [`Response`] | a document's operations as tables |
//! | [`security`] | security requirements, credentials, and [`Authenticator`](security::Authenticator) |
//! | `server` (feature `server`) | the service over a generated trait, `Guard` for other routes, rejections |
//! | `client` (feature `client`) | a generated trait over HTTP |
//! | [`Scalar`], [`Value`] | values as the texts of paths, queries, headers and cookies |
//! | [`Body`], [`Payload`] | bodies that are sent, and bodies of any length |
//! | [`json`], [`validation`] | how models are read and written, and the limits of their values |
//! | [`ApiError`], [`UndeclaredResponse`] | failures, and the responses behind them |
//! | [`Context`], [`Secret`] | the context of a call, values that are never printed |
//! | [`Printable`], [`without_userinfo`] | texts of strangers, and URLs, for a terminal or a log |
//!
//! # Features
//!
//! | feature | what it adds |
//! |---|---|
//! | `server` | `server`, the HTTP service |
//! | `client` | `client`, calls over HTTP/1.1 and HTTP/2 |
//! | `tls` | HTTPS for the client, with rustls and the system's certificates |
//! | `chrono`, `uuid` | [`Scalar`] for their types |
//! | `json`, `form` | JSON and forms as the bodies of requests |
//! | `pattern` | limits that are regular expressions |
//!
//! # Example
//!
//! One authenticator serves the service of every generated crate:
//!
//! ```
//! use openapi_stub_runtime::security::{Authentication, AuthenticationError, Authenticator, Credential};
//!
//! /// Knows the one token that it was configured with.
//! struct Configured {
//!     token: String,
//! }
//!
//! impl Authenticator for Configured {
//!     type Principal = &'static str;
//!
//!     async fn authenticate(&self, request: Authentication<'_>) -> Result<&'static str, AuthenticationError> {
//!         match request.only() {
//!             Some((_, Credential::Bearer(token))) if *token == self.token => Ok("the operator"),
//!             _ => Err(AuthenticationError::Refused),
//!         }
//!     }
//! }
//!
//! # use openapi_stub_runtime::security::{SecurityKind, SecurityRequirement, SecurityScheme};
//! static BEARER: SecurityRequirement =
//!     SecurityRequirement::new(&[SecurityScheme::new("Bearer", SecurityKind::Bearer)]);
//! let configured = Configured { token: "secret".to_owned() };
//! let credentials = [Credential::Bearer("secret".into())];
//! let principal = futures::executor::block_on(configured.authenticate(Authentication::new(&BEARER, &credentials)));
//! assert_eq!(principal, Ok("the operator"));
//! ```

#![cfg_attr(docsrs, feature(doc_cfg))]

mod body;
mod context;
mod error;
#[cfg(any(feature = "server", all(feature = "client", feature = "form")))]
mod form;
mod idempotency;
#[cfg(any(feature = "client", feature = "server"))]
mod media_type;
mod operation;
mod payload;
mod printable;
mod properties;
mod scalar;
mod secret;
mod undeclared;
mod userinfo;

pub mod json;
pub mod security;
pub mod validation;

#[cfg(feature = "client")]
pub mod client;
#[cfg(feature = "server")]
pub mod server;

pub use body::Body;
pub use context::Context;
pub use error::{ApiError, BoxError, with_sources};
pub use idempotency::IdempotencyKey;
pub use json::UnknownValue;
pub use operation::{Location, Operation, Parameter, Response, Status, Style};
pub use payload::{ByteStream, Payload};
pub use printable::Printable;
pub use properties::Properties;
pub use scalar::{Scalar, Texts, Value, ValueError};
pub use secret::Secret;
pub use swagger::{self, Authorization, Has, XSpanIdString};
pub use undeclared::UndeclaredResponse;
pub use userinfo::without_userinfo;
