//! Security: the schemes that operations require, the credentials that requests carry, and the trait that turns these
//! into a principal.
//!
//! | item | contents |
//! |---|---|
//! | [`SecurityScheme`], [`SecurityKind`] | how a request carries a credential |
//! | [`SecurityRequirement`] | the schemes that a request must satisfy together |
//! | [`Credential`], [`PeerCertificate`] | what a request carries under a scheme |
//! | [`PeerAddress`] | where a request comes from, which is no credential |
//! | [`Authenticator`], [`Authentication`], [`AuthenticationError`] | from credentials to a principal |
//! | [`AuthenticationOutcome`] | how that went, for logs and metrics |
//!
//! [`Operation::security`](crate::Operation::security) lists requirements, which are alternatives.

mod authenticator;
mod credential;
mod outcome;
mod peer;
mod scheme;

pub use authenticator::{Authentication, AuthenticationError, Authenticator};
pub use credential::{Credential, PeerCertificate};
pub use outcome::AuthenticationOutcome;
pub use peer::PeerAddress;
pub use scheme::{SecurityKind, SecurityRequirement, SecurityScheme};
