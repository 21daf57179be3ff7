//! `create`: creates a token in the database or in a token file.

use std::fmt;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::builder::BoolishValueParser;
use clap::{Args, ValueEnum};
use influxdb3_token_api::models::AdminTokenObject;
use influxdb3_tokens::{Clock, NewToken, Permission, Permissions, SystemClock, TokenDescription, TokenName};
use openapi_stub_runtime::Printable;

use super::access::Access;
use super::arguments::duration;
use super::confirmation::is_confirmed;
use super::named_server::ServerOptions;
use super::output::{is_stdout_closed, printable_json};
use super::store::StoreArguments;
use super::{Failure, advice, tell_reason, token_file, warn};
use crate::control::Create;

const EXAMPLES: &str = "Examples:
  # The operator token, which is created first
  influxdb3-tokens create token --admin
  # An admin token that is good for 30 days, as JSON
  influxdb3-tokens create token --admin --name ci --expiry 30d --format json
  # A token for two databases
  influxdb3-tokens create token --permission db:sensors,metrics:read,write --name writer
  # A file for `serve --admin-token-file`
  influxdb3-tokens create token --admin --offline --output-file admin-token.json
  # Another secret for the operator token, without being asked
  influxdb3-tokens create token --admin --regenerate --yes";

/// Create a token, and print its secret, which is not shown again
///
/// Exit codes: 0, the token was created; 1, it was not, or its secret could not be printed; 2, wrong usage.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Options {
    /// Allow everything, including the deletion of other tokens
    #[arg(long, env = "INFLUXDB3_TOKENS_ADMIN", value_parser = BoolishValueParser::new())]
    admin: bool,

    /// Allow actions on resources, such as `db:sensors,metrics:read,write` or `system:*:read`. Separate several with
    /// spaces, or repeat the option
    #[arg(long, env = "INFLUXDB3_TOKENS_PERMISSION", value_delimiter = ' ', value_parser = permission)]
    permission: Vec<Permission>,

    /// A name that no other token has [default with --admin: _admin, the operator token]
    #[arg(long, env = "INFLUXDB3_TOKENS_NAME")]
    name: Option<TokenName>,

    /// What the token is for
    #[arg(long, env = "INFLUXDB3_TOKENS_DESCRIPTION", value_name = "TEXT")]
    description: Option<TokenDescription>,

    /// Give the operator token another secret, instead of creating a token. The old secret is refused at once. Asks
    /// first if standard input is a terminal. Needs --admin
    #[arg(long, env = "INFLUXDB3_TOKENS_REGENERATE", value_parser = BoolishValueParser::new())]
    regenerate: bool,

    /// Do not ask before --regenerate
    #[arg(long, short)]
    yes: bool,

    /// Lifetime of the token, such as `30d` or `1h 30m`. The operator token cannot expire [default: it never
    /// expires]
    #[arg(long, env = "INFLUXDB3_TOKENS_EXPIRY", value_parser = duration, value_name = "DURATION")]
    expiry: Option<Duration>,

    /// Output format
    #[arg(long, env = "INFLUXDB3_TOKENS_CREATE_FORMAT", value_enum, default_value_t = Format::Text)]
    format: Format,

    /// Write the token to a file for `serve --admin-token-file` or `--permission-tokens-file`, instead of the database
    #[arg(long, env = "INFLUXDB3_TOKENS_OFFLINE", value_parser = BoolishValueParser::new())]
    offline: bool,

    /// The file for --offline. A permission token is added to the file if it exists, and everything else in the file
    /// stays as it is
    #[arg(long, env = "INFLUXDB3_TOKENS_OUTPUT_FILE", value_name = "FILE")]
    output_file: Option<PathBuf>,

    /// Databases that InfluxDB 3 would make. This server has none
    #[arg(long, value_name = "NAMES", hide = true)]
    create_databases: Option<String>,

    #[command(flatten)]
    store: StoreArguments,

    #[command(flatten)]
    server: ServerOptions,
}

#[derive(Clone, Copy, ValueEnum)]
enum Format {
    /// For people
    Text,
    /// The document's `AdminTokenObject`
    Json,
}

pub(super) async fn run(options: Options) -> Result<ExitCode, Failure> {
    let (name, permissions) = name_and_permissions(&options)?;
    if !options.offline && is_stdout_closed() {
        return Err("standard output is closed, so the secret would be lost; nothing was created or changed".into());
    }
    if options.create_databases.is_some() {
        warn("--create-databases has no effect: this server has tokens, and no databases");
    }
    if options.regenerate {
        let access = options.server.access("create", &options.store, true).await?;
        if !options.yes && !is_confirmed("Replace the secret of the operator token?")? {
            tell_reason("the operator token was not changed, because that was not confirmed");
            return Ok(ExitCode::FAILURE);
        }
        let token = access.regenerate().await?;
        print(&token, Change::Regenerated, options.format)
            .map_err(|error| lost(&token, Change::Regenerated, &error))?;
        return Ok(ExitCode::SUCCESS);
    }
    let is_operator = name.is_operator();
    advice::undefined(&permissions).for_each(|warning| warn(&warning));
    match (options.offline, &options.output_file) {
        (true, Some(file)) => {
            let (token, secret) = NewToken::fresh(name, permissions)?;
            let token = NewToken { description: options.description, ..token };
            token_file::write(file, &token.with_lifetime(SystemClock.now(), options.expiry)?, &secret)?;
            // The token is safe in the file, even if nobody reads this.
            let _ = writeln!(io::stdout(), "wrote the token to {}", Printable(&file.to_string_lossy()));
        }
        (true, None) => wrong_usage("--offline needs --output-file"),
        (false, Some(_)) => wrong_usage("--output-file is for --offline"),
        (false, None) => {
            let token = Create {
                name: name.to_string(),
                description: options.description.as_ref().map(ToString::to_string),
                permissions: permissions.to_string(),
                expires_in: options.expiry,
            };
            // Under a mistyped prefix no token but the first one is created.
            let existing = options.store.is_etcd() && !is_operator;
            let access = options.server.access("create", &options.store, existing).await?;
            let is_served = options.store.is_etcd() || matches!(access, Access::Running(_));
            let token = access.create(token).await?;
            print(&token, Change::Created, options.format).map_err(|error| lost(&token, Change::Created, &error))?;
            if !is_served && matches!(options.format, Format::Text) {
                let directory = Printable(&options.store.directory.data_dir.to_string_lossy()).to_string();
                // Unlike the secret, it can be lost.
                let _ = writeln!(
                    io::stdout(),
                    "No server uses the directory {directory}: start one with `influxdb3-tokens serve --data-dir {directory}`, or \
                     name the directory of a running server with --data-dir."
                );
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// What happened to a token.
#[derive(Clone, Copy)]
enum Change {
    Created,
    Regenerated,
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Created => "created",
            Self::Regenerated => "regenerated",
        })
    }
}

/// The error for a token whose secret could not be printed.
fn lost(token: &AdminTokenObject, change: Change, error: &io::Error) -> String {
    match token.id.unwrap_or_default() {
        0 => format!("the operator token was {change}, but its secret is lost; use --regenerate: {error}"),
        id => format!("token {id} was {change}, but its secret is lost; delete the token: {error}"),
    }
}

/// What the options ask for together. It is not left to the parser which of them go together: it would take a variable
/// with the value `false` for an option that is given.
fn name_and_permissions(options: &Options) -> Result<(TokenName, Permissions), Failure> {
    let permissions = match (options.admin, Permissions::scoped(options.permission.iter().cloned())) {
        (true, None) => Permissions::ADMIN,
        (false, Some(permissions)) => permissions,
        (true, Some(_)) => wrong_usage("--admin allows everything, and takes no --permission"),
        (false, None) => wrong_usage("say what the token may do, with --admin or --permission"),
    };
    let name = match &options.name {
        Some(name) if name.is_operator() && !options.admin => {
            wrong_usage("the token named _admin is the operator token, and must be an --admin token")
        }
        Some(name) => name.clone(),
        None if options.admin => TokenName::OPERATOR.parse()?,
        None => wrong_usage("--name is missing"),
    };
    if name.is_operator() && options.expiry.is_some() {
        wrong_usage("the operator token cannot expire; give the token another --name, or leave out --expiry")
    }
    if options.regenerate && !name.is_operator() {
        wrong_usage("--regenerate is for the operator token: it needs --admin, and takes no other --name")
    }
    if options.regenerate && (options.offline || options.output_file.is_some()) {
        wrong_usage("--regenerate changes the token in the database, and takes neither --offline nor --output-file")
    }
    Ok((name, permissions))
}

/// Reads a permission of a token that is not an admin token.
fn permission(text: &str) -> Result<Permission, String> {
    if text == "*:*:*" {
        return Err("it allows everything; use --admin for that".to_owned());
    }
    text.parse().map_err(|error: influxdb3_tokens::InvalidPermission| error.to_string())
}

fn wrong_usage(reason: &str) -> ! {
    super::wrong_usage("create", reason)
}

fn print(token: &AdminTokenObject, change: Change, format: Format) -> io::Result<()> {
    let mut out = io::stdout().lock();
    match format {
        Format::Json => writeln!(out, "{}", printable_json(&serde_json::to_string_pretty(token)?))?,
        Format::Text => {
            let secret = Printable(token.token.as_ref().map_or("", |secret| &secret.0));
            let name = Printable(token.name.as_deref().unwrap_or_default());
            writeln!(out, "The token \"{name}\" (ID {}) was {change}.\n", token.id.unwrap_or_default())?;
            writeln!(out, "Token: {secret}")?;
            writeln!(out, "HTTP Requests Header: Authorization: Bearer {secret}\n")?;
            writeln!(out, "Store the token now: it is not shown again, because only its hash is kept.")?;
        }
    }
    out.flush()
}
