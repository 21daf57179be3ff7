//! The contract kit checks a running server, this project's or another's, against its OpenAPI document.
//!
//! The kit makes its cases from the generated table of operations. They try each declared response, each security scheme
//! with valid and invalid credentials, and each parameter, method and path. After each case the kit looks at what happened
//! to the tokens. It knows no implementation.
//!
//! # Example
//!
//! This checks a server in the same process, with tokens from the server's own catalog. [`CommandTokens`] and
//! [`FileTokens`] supply the tokens of any other server.
//!
//! ```
//! use std::sync::Arc;
//!
//! use async_trait::async_trait;
//! use hyper_util::rt::{TokioExecutor, TokioIo};
//! use hyper_util::server::conn::auto::Builder;
//! use influxdb3_token_api::models::Secret;
//! use influxdb3_token_contract::{Contract, IssuedToken, NotIssued, TokenSource, WantedToken};
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
//!     Ok(IssuedToken::new(record.id.to_string(), &wanted.name, secret))
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
//! let api = TokenApi::new(catalog.clone());
//! tokio::spawn(async move {
//!     while let Ok((stream, _)) = listener.accept().await {
//!         let api = api.clone();
//!         let http = Builder::new(TokioExecutor::new());
//!         tokio::spawn(async move { http.serve_connection(TokioIo::new(stream), api).await });
//!     }
//! });
//!
//! let contract = Contract::new(address, Secret(operator.expose().to_owned())).tokens(Issuer(catalog));
//! let report = contract.run(|case| assert!(case.problems().is_empty(), "{case:?}")).await?;
//! assert!(report.holds() && report.is_complete());
//! # Ok(())
//! # }
//! ```
//!
//! # Map
//!
//! | module | contents |
//! |---|---|
//! | `api` | [`Api`], the operations and the document that a server is checked against |
//! | `tokens` | [`TokenSource`], which supplies the tokens of a run |
//! | `text`, `request` | requests with placeholders for secrets and IDs |
//! | `case`, `cases` | the cases: requests and the allowed responses; one file for each theme |
//! | `document`, `check`, `compare` | the responses that the document declares, and whether responses fit them |
//! | `wanted` | a parameter that the server wants under another name than the document's |
//! | `schemes` | the security schemes that an operation lists |
//! | `exchange` | requests over HTTP |
//! | `pool`, `run` | the tokens in their roles, and the results of the cases |
//! | `shown` | the server's texts, without secrets and escaped |
//! | `report` | [`Report`], for people, as JSON and as JUnit XML |

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use influxdb3_token_api::models::Secret;

mod api;
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
mod schemes;
mod shown;
mod text;
mod tokens;
mod wanted;

/// The version of rustls whose configuration [`Contract::tls`] takes.
pub use rustls;

pub use api::{Api, InvalidApi, TokenIdentifier};
pub use report::{
    CaseReport, Cause, CauseReport, DeclaredResponse, Detail, Exchange, Outcome, Problem, Report, Subject,
};
pub use tokens::{CommandTokens, FileTokens, IssuedToken, NoTokens, NotIssued, TokenSource, WantedToken};

use cases::Call;
use exchange::Server;
use pool::Pool;
use run::Run;
use text::Role;
use tokens::Token;
use wanted::Wanted;

/// How long a response may take by default.
const TIMEOUT: Duration = Duration::from_secs(10);

/// A check of one server.
#[derive(Clone)]
pub struct Contract {
    api: Api,
    host: String,
    token: Secret,
    tokens: Arc<dyn TokenSource>,
    tls: Option<rustls::ClientConfig>,
    http2: bool,
    invalid_calls: bool,
    timeout: Duration,
}

impl Contract {
    /// A check of the server at an address such as `http://127.0.0.1:8181`. If the address has a path, it precedes the path
    /// of each operation. `token` is an admin token of the server, which the check does not delete.
    pub fn new(host: impl Into<String>, token: Secret) -> Self {
        Self {
            api: Api::default(),
            host: host.into(),
            token,
            tokens: Arc::new(NoTokens),
            tls: None,
            http2: false,
            invalid_calls: false,
            timeout: TIMEOUT,
        }
    }

    /// Sets the API to check against; by default, [`Api::default`].
    pub fn api(self, api: Api) -> Self {
        Self { api, ..self }
    }

    /// Sets the source of further tokens. Without one, only the cases that need none are covered.
    pub fn tokens(self, tokens: impl TokenSource + 'static) -> Self {
        Self { tokens: Arc::new(tokens), ..self }
    }

    /// Sets the configuration of TLS, such as one that trusts other certificates; by default, it trusts the system's. Its
    /// ALPN protocols are replaced by those that the kit speaks.
    pub fn tls(self, config: rustls::ClientConfig) -> Self {
        Self { tls: Some(config), ..self }
    }

    /// Speaks HTTP/2 by prior knowledge. By default it is HTTP/1.1, or what TLS negotiates.
    pub fn http2(self) -> Self {
        Self { http2: true, ..self }
    }

    /// Sends calls without a required parameter or with a wrong body to operations that change something too. By default, only
    /// the operation that deletes a token gets them, and operations that only read.
    ///
    /// These calls have a valid credential. A right server rejects each of them; a wrong one may carry them out.
    pub fn invalid_calls(self) -> Self {
        Self { invalid_calls: true, ..self }
    }

    /// Sets how long a response may take; by default, 10 seconds.
    pub fn timeout(self, timeout: Duration) -> Self {
        Self { timeout, ..self }
    }

    /// The names of the cases, in the order in which they run.
    pub fn cases(&self) -> Vec<String> {
        let all = cases::all(&self.api, self.invalid_calls);
        let cases = all.iter().map(|case| (case.operation.id, &*case.name));
        let afterwards = Call::deletion(&self.api).map(|call| (call.operation.id, cases::AFTERWARDS));
        cases.chain(afterwards).map(|(operation, case)| format!("{operation}/{case}")).collect()
    }

    /// Checks the server, and calls `observe` with the result of each case. It must be called in a tokio runtime with I/O
    /// and time.
    ///
    /// It deletes the supplied tokens, some during the check and the others at its end.
    ///
    /// # Errors
    ///
    /// [`CannotRun`] if the server cannot be reached, if it rejects the token, or if the source of tokens fails. A violation
    /// of the contract is not an error; see [`Report::holds`].
    pub async fn run(&self, observe: impl FnMut(&CaseReport)) -> Result<Report, CannotRun> {
        let server = Server::new(&self.host, self.tls.clone(), self.http2, self.timeout)?;
        let caller = Token { identifier: String::new(), name: None, secret: self.token.clone(), expires_at: None };
        let name = format!("contract-{}", uuid::Uuid::new_v4().simple());
        let pool = Pool::new(&self.api, &server, &*self.tokens, caller, name);
        let mut wanted = None;
        if let Some(call) = Call::deletion(&self.api) {
            let response = server.send(&call.idle(Role::Caller), &pool).await.map_err(CannotRun::Unreachable)?;
            if response.status == StatusCode::UNAUTHORIZED {
                let redact = |text: &str| pool.redacted(text);
                return Err(CannotRun::TokenRefused(shown::quoted(&response.body, &redact)));
            }
            wanted = Wanted::find(&call, &server, &pool, &response).await;
        }
        Run::new(&self.api, &server, pool, wanted).report(cases::all(&self.api, self.invalid_calls), observe).await
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
    /// The address is invalid.
    #[error("{0:?} is not the address of a server, such as http://127.0.0.1:8181")]
    Address(String),
    /// The system's certificates cannot be read.
    #[error("the system's certificates cannot be read")]
    Certificates(#[source] std::io::Error),
    /// There was no response.
    #[error("the server does not answer: {0}")]
    Unreachable(String),
    /// The server rejects the token. The text is the beginning of its response.
    #[error("the server rejects the token with 401; it must be an admin token; the response says {0}")]
    TokenRefused(String),
    /// The source of tokens fails.
    #[error("{0}")]
    Tokens(String),
}
