//! The contract kit: checks a running server, this one or another's, against the document.
//!
//! Its cases come from the generated table of operations and the effective document. It tries every declared response,
//! every security scheme in every way that is right or wrong, every parameter, method and path, and looks at what
//! became of the tokens. It knows nothing of how this server is implemented.
//!
//! | module | what it is |
//! |---|---|
//! | `tokens` | [`TokenSource`], which supplies the tokens of a run |
//! | `request` | requests with holes for secrets and IDs |
//! | `case`, `cases` | what must hold, as requests and what may be answered; one file for each theme |
//! | `document`, `check`, `compare` | what the document declares of a response, whether one is so, and several |
//! | `exchange` | requests over HTTP |
//! | `pool`, `run` | who has which role, and what came of each case |
//! | `report` | [`Report`], for people, as JSON and as JUnit XML |
//!
//! # Example
//!
//! A server in the same process is checked with tokens that come straight from its catalog. The whole of what a kind of
//! server needs for that is a [`TokenSource`].
//!
//! ```
//! use std::sync::Arc;
//!
//! use async_trait::async_trait;
//! use influxdb3_token_api::models::Secret;
//! use influxdb3_tokens::contract::{Contract, IssuedToken, NotIssued, TokenSource, WantedToken};
//! use influxdb3_tokens::{Catalog, MemoryStore, NewToken, Permissions, SystemClock, TokenApi};
//!
//! type Error = Box<dyn std::error::Error + Send + Sync>;
//!
//! struct Issuer(Catalog);
//!
//! #[async_trait]
//! impl TokenSource for Issuer {
//!     async fn issue(&self, wanted: &WantedToken) -> Result<IssuedToken, NotIssued> {
//!         create(&self.0, wanted).await.map_err(|error| NotIssued::Failed(error.to_string()))
//!     }
//! }
//!
//! async fn create(catalog: &Catalog, wanted: &WantedToken) -> Result<IssuedToken, Error> {
//!     let permissions = wanted.permission.as_deref().unwrap_or("*:*:*").parse()?;
//!     let (token, secret) = NewToken::fresh(wanted.name.parse()?, permissions)?;
//!     let expires_at = wanted.expires_in.and_then(|duration| catalog.now().checked_add(duration));
//!     let record = catalog.create(NewToken { expires_at, ..token }).await?;
//!     let secret = Secret(secret.expose().to_owned());
//!     Ok(IssuedToken { id: record.id.to_string(), secret, expires_at: None })
//! }
//!
//! # #[tokio::main]
//! # async fn main() -> Result<(), Error> {
//! let catalog = Catalog::open(Arc::new(MemoryStore::new()), Arc::new(SystemClock)).await?;
//! let (token, operator) = NewToken::fresh("_admin".parse()?, Permissions::ADMIN)?;
//! catalog.create(token).await?;
//!
//! let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
//! let address = format!("http://{}", listener.local_addr()?);
//! # #[cfg(feature = "server")]
//! tokio::spawn(influxdb3_tokens::server::serve(listener, TokenApi::new(catalog.clone()), std::future::pending()));
//!
//! # if cfg!(feature = "server") {
//! let contract = Contract::new(address, Secret(operator.expose().to_owned())).tokens(Issuer(catalog));
//! let report = contract.run(|case| assert!(case.problems().is_empty(), "{case:?}")).await?;
//! assert!(report.holds() && report.is_complete());
//! # }
//! # Ok(())
//! # }
//! ```

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use influxdb3_token_api::models::Secret;

mod case;
mod cases;
mod check;
mod compare;
mod document;
mod exchange;
mod pool;
mod report;
mod request;
mod run;
mod tokens;

pub use report::{CaseReport, DeclaredResponse, Exchange, Outcome, Problem, Report, Subject};
pub use tokens::{CommandTokens, FileTokens, IssuedToken, NoTokens, NotIssued, TokenSource, WantedToken};

use cases::Call;
use exchange::Server;
use pool::Pool;
use request::Role;
use run::Run;

/// How long a response may take, unless it is said otherwise.
const TIMEOUT: Duration = Duration::from_secs(10);

/// A check of one server.
#[derive(Clone)]
pub struct Contract {
    host: String,
    token: Secret,
    tokens: Arc<dyn TokenSource>,
    http2: bool,
    timeout: Duration,
}

impl Contract {
    /// A check of the server at an address such as `http://127.0.0.1:8181`, whose path, if it has one, precedes that of
    /// each operation. `token` is an admin token of it, which the check does not delete.
    pub fn new(host: impl Into<String>, token: Secret) -> Self {
        Self { host: host.into(), token, tokens: Arc::new(NoTokens), http2: false, timeout: TIMEOUT }
    }

    /// Where the check gets further tokens from; without, only what needs none is covered.
    pub fn tokens(self, tokens: impl TokenSource + 'static) -> Self {
        Self { tokens: Arc::new(tokens), ..self }
    }

    /// Speaks HTTP/2 without asking first. Otherwise it is HTTP/1.1, or what TLS agrees on.
    pub fn http2(self) -> Self {
        Self { http2: true, ..self }
    }

    /// How long a response may take; 10 seconds unless it is said here.
    pub fn timeout(self, timeout: Duration) -> Self {
        Self { timeout, ..self }
    }

    /// The names of the cases, in the order in which they are tried.
    pub fn cases() -> Vec<String> {
        let all = cases::all();
        let cases = all.iter().map(|case| (case.operation.id, &*case.name));
        let afterwards = Call::deletion().map(|call| (call.operation.id, cases::AFTERWARDS));
        cases.chain(afterwards).map(|(operation, case)| format!("{operation}/{case}")).collect()
    }

    /// Checks the server, and calls `observe` with what came of each case. Must be called in a tokio runtime with I/O
    /// and time.
    ///
    /// The tokens that were supplied are deleted, some in the course of the check and the others at its end.
    ///
    /// # Errors
    ///
    /// [`CannotRun`] where the server cannot be reached, does not accept the token, or tokens cannot be had. That the
    /// contract is broken is no error: [`Report::holds`] tells.
    pub async fn run(&self, observe: impl FnMut(&CaseReport)) -> Result<Report, CannotRun> {
        let server = Server::new(&self.host, self.http2, self.timeout)?;
        let caller = IssuedToken { id: String::new(), secret: self.token.clone(), expires_at: None };
        let name = format!("contract-{}", uuid::Uuid::new_v4().simple());
        let pool = Pool::new(&server, &*self.tokens, caller, name);
        if let Some(call) = Call::deletion() {
            let response = server.send(&call.idle(Role::Caller), &pool).await.map_err(CannotRun::Unreachable)?;
            if response.status == StatusCode::UNAUTHORIZED {
                return Err(CannotRun::TokenRefused);
            }
        }
        Run::new(&server, pool).report(cases::all(), observe).await
    }
}

impl fmt::Debug for Contract {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Contract").field("host", &self.host).finish_non_exhaustive()
    }
}

/// Why a server could not be checked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CannotRun {
    /// The address is not one of a server.
    #[error("{0:?} is no address of a server; write it as in http://127.0.0.1:8181")]
    Address(String),
    /// The system's certificates cannot be read.
    #[error("the system's certificates cannot be read")]
    Certificates(#[source] std::io::Error),
    /// There was no response.
    #[error("the server does not answer: {0}")]
    Unreachable(String),
    /// The token is not accepted.
    #[error("the server refuses the token, which must be an admin token: 401")]
    TokenRefused,
    /// Tokens could not be had.
    #[error("{0}")]
    Tokens(String),
}
