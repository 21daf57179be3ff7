//! `contract`: checks a running server against the document.

use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use async_trait::async_trait;
use clap::Args;
use clap::builder::BoolishValueParser;
use indicatif::{ProgressBar, ProgressStyle};
use influxdb3_token_api::models::Secret;
use influxdb3_token_contract::{
    CannotRun, CommandTokens, Contract, Detail, FileTokens, IssuedToken, NotIssued, Report, TokenSource, WantedToken,
};
use influxdb3_tokens::{Catalog, Permissions};

use super::arguments::{duration, server_address};
use super::store::{EtcdArguments, Opening};
use super::tls::TlsClientOptions;
use super::{Failure, is_broken_pipe, tell};
use crate::control::{self, Create};

const EXAMPLES: &str = "Examples:
  # INFLUXDB3_AUTH_TOKEN has an admin token, which is not deleted
  influxdb3-tokens contract --host http://127.0.0.1:8181 \\
    --provision 'influxdb3-tokens create token --format json'
  influxdb3-tokens contract --tokens tokens.json --junit report.xml";

/// Check a running server, this one or another's, against the document
///
/// Exit codes: 0, every case passed; 1, the server breaks the contract; 2, the server could not be checked, or without
/// --allow-incomplete, not all of it.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Options {
    /// The server's address. If it has a path, it precedes the path of each operation
    #[arg(short = 'H', long, env = "INFLUXDB3_HOST_URL", hide_env_values = true, value_name = "URL",
        default_value = "http://127.0.0.1:8181", value_parser = server_address)]
    host: String,

    /// An admin token, which is not deleted. Prefer the variable, because other users can see arguments
    #[arg(long, env = "INFLUXDB3_AUTH_TOKEN", hide_env_values = true)]
    token: String,

    #[command(flatten)]
    tls: TlsClientOptions,

    /// Shell command that creates a token and prints it as JSON. It runs once for each token, with `--admin --name N`,
    /// `--permission P --name N` or `--admin --name N --expiry 1s` appended. With --store, none is needed
    #[arg(long, env = "INFLUXDB3_TOKENS_PROVISION", value_name = "COMMAND", conflicts_with = "tokens")]
    provision: Option<String>,

    /// File of tokens that may be deleted: a JSON array of objects with `token` and `id` or `name`. One with a member
    /// `permissions` is not an admin token
    #[arg(long, env = "INFLUXDB3_TOKENS_FILE", value_name = "FILE")]
    tokens: Option<PathBuf>,

    /// Speak HTTP/2 by prior knowledge
    #[arg(long, env = "INFLUXDB3_TOKENS_HTTP2", value_parser = BoolishValueParser::new())]
    http2: bool,

    /// How long a response may take
    #[arg(long, env = "INFLUXDB3_TOKENS_TIMEOUT", value_parser = duration, value_name = "DURATION", default_value = "10s")]
    timeout: Duration,

    /// Exit with 0 even if cases could not be tried, or the server did not send a declared response that a case expects
    #[arg(long, env = "INFLUXDB3_TOKENS_ALLOW_INCOMPLETE", value_parser = BoolishValueParser::new())]
    allow_incomplete: bool,

    /// Send invalid calls with a valid token to operations that change something too. A wrong server may carry them out
    #[arg(long, env = "INFLUXDB3_TOKENS_INVALID_CALLS", value_parser = BoolishValueParser::new())]
    invalid_calls: bool,

    /// Show each failed case whole, instead of one for each cause
    #[arg(long, env = "INFLUXDB3_TOKENS_VERBOSE", value_parser = BoolishValueParser::new())]
    verbose: bool,

    /// Write a report as JUnit XML too
    #[arg(long, env = "INFLUXDB3_TOKENS_JUNIT", value_name = "FILE")]
    junit: Option<PathBuf>,

    /// Write a report as JSON too
    #[arg(long, env = "INFLUXDB3_TOKENS_JSON", value_name = "FILE")]
    json: Option<PathBuf>,

    #[command(flatten)]
    etcd: EtcdArguments,
}

const BROKEN: u8 = 1;
const NOT_CHECKED: u8 = 2;

pub(super) async fn run(options: Options) -> Result<ExitCode, Failure> {
    match check(&options).await {
        Ok(report) if !report.holds() => Ok(ExitCode::from(BROKEN)),
        Ok(report) if !options.allow_incomplete && !report.is_complete() => Ok(ExitCode::from(NOT_CHECKED)),
        Ok(_) => Ok(ExitCode::SUCCESS),
        Err(error) => {
            tell(error.as_ref());
            Ok(ExitCode::from(NOT_CHECKED))
        }
    }
}

async fn check(options: &Options) -> Result<Report, Failure> {
    let mut contract = Contract::new(&options.host, Secret(options.token.clone())).timeout(options.timeout);
    if let Some(command) = &options.provision {
        contract = contract.tokens(CommandTokens::new(command));
    } else if let Some(file) = &options.tokens {
        let tokens = FileTokens::read(file).map_err(|error| format!("{}: {error}", file.display()))?;
        contract = contract.tokens(tokens);
    } else if let Some(etcd) = options.etcd.read()? {
        contract = contract.tokens(StoreTokens(etcd.open(Opening::Existing, Duration::ZERO).await?.catalog));
    }
    if let Some(tls) = options.tls.config()? {
        contract = contract.tls(tls);
    }
    if options.http2 {
        contract = contract.http2();
    }
    if options.invalid_calls {
        contract = contract.invalid_calls();
    }

    // The bar is drawn on standard error, if that is a terminal.
    let progress = ProgressBar::new(contract.cases().len() as u64);
    progress.set_style(ProgressStyle::with_template("{bar:40} {pos}/{len} {wide_msg}")?);
    let mut failed = 0;
    let report = contract
        .run(|case| {
            failed += usize::from(!case.problems().is_empty());
            progress.set_message(format!("{failed} failed, {}", case.name));
            progress.inc(1);
        })
        .await;
    progress.finish_and_clear();
    let report = report.map_err(|error| match error {
        CannotRun::Unreachable(_) => format!("{}: {error}", options.host).into(),
        other => Failure::from(other),
    })?;

    if let Some(file) = &options.junit {
        write_file(file, &report.to_junit())?;
    }
    if let Some(file) = &options.json {
        write_file(file, &serde_json::to_string_pretty(&report)?)?;
    }
    let detail = if options.verbose { Detail::EachCase } else { Detail::OneOfEachCause };
    match report.write(anstream::stdout().lock(), detail) {
        Err(error) if !is_broken_pipe(&error) => Err(error.into()),
        _ => Ok(report),
    }
}

/// Creates tokens in the store of the server under test.
struct StoreTokens(Catalog);

#[async_trait]
impl TokenSource for StoreTokens {
    async fn issue(&self, wanted: &WantedToken) -> Result<IssuedToken, NotIssued> {
        let permissions = wanted.permission.clone().unwrap_or_else(|| Permissions::ADMIN.to_string());
        let (name, expires_in) = (wanted.name.clone(), wanted.expires_in);
        let created = control::create(&self.0, Create { name, description: None, permissions, expires_in }).await;
        let created = created.map_err(|error| match error {
            control::Error::Refused(refusal) => NotIssued::Unavailable(refusal.to_string()),
            other => NotIssued::Failed(other.to_string()),
        })?;
        let (Some(id), Some(secret)) = (created.id, created.token) else {
            return Err(NotIssued::Failed("a new token lacks its ID or its secret".to_owned()));
        };
        let expiry = created.expiry.as_ref().and_then(serde_json::Value::as_str);
        let expires_at = expiry.and_then(|expiry| expiry.parse().ok());
        Ok(IssuedToken { expires_at, ..IssuedToken::new(id.to_string(), &wanted.name, secret) })
    }
}

fn write_file(path: &Path, text: &str) -> Result<(), Failure> {
    let failed = |error: io::Error| format!("{}: {error}", path.display());
    std::fs::write(path, format!("{}\n", text.trim_end())).map_err(|error| failed(error).into())
}
