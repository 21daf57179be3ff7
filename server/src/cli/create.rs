//! `create`: creates a token in the database or in a token file.

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::builder::BoolishValueParser;
use clap::{Args, ValueEnum};
use influxdb3_token_api::models::AdminTokenObject;
use influxdb3_tokens::{Clock, NewToken, Permission, Permissions, SystemClock, TokenName};

use super::access::Access;
use super::token_file;
use super::{DataDir, Failure};
use crate::control::Create;

/// Create a token, and print its secret, which is not shown again
#[derive(Args)]
pub(super) struct Options {
    /// Allow everything, including the deletion of other tokens
    #[arg(long, env = "INFLUXDB3_TOKENS_ADMIN", value_parser = BoolishValueParser::new())]
    admin: bool,

    /// Allow actions on resources, such as `db:sensors,metrics:read,write` or `system:*:read`. Separate several with
    /// spaces, or repeat the option
    #[arg(long, env = "INFLUXDB3_TOKENS_PERMISSION", value_delimiter = ' ')]
    permission: Vec<Permission>,

    /// A name that no other token has [default with --admin: _admin, the operator token]
    #[arg(long, env = "INFLUXDB3_TOKENS_NAME")]
    name: Option<TokenName>,

    /// Lifetime of the token, such as `30d` or `1h 30m` [default: it never expires]
    #[arg(long, env = "INFLUXDB3_TOKENS_EXPIRY", value_parser = humantime::parse_duration, value_name = "DURATION")]
    expiry: Option<Duration>,

    /// Output format
    #[arg(long, env = "INFLUXDB3_TOKENS_CREATE_FORMAT", value_enum, default_value_t = Format::Text)]
    format: Format,

    /// Write the token to a file for `serve --admin-token-file` or `--permission-tokens-file`, instead of the database
    #[arg(long, env = "INFLUXDB3_TOKENS_OFFLINE", value_parser = BoolishValueParser::new())]
    offline: bool,

    /// The file for --offline. A permission token is added to the file if it exists
    #[arg(long, env = "INFLUXDB3_TOKENS_OUTPUT_FILE", value_name = "FILE")]
    output_file: Option<PathBuf>,

    #[command(flatten)]
    directory: DataDir,
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
    match (options.offline, &options.output_file) {
        (true, Some(file)) => {
            let (token, secret) = NewToken::fresh(name, permissions)?;
            let expires_at = match options.expiry {
                Some(duration) => {
                    Some(SystemClock.now().checked_add(duration).ok_or("--expiry is after the year 9999")?)
                }
                None => None,
            };
            token_file::write(file, &NewToken { expires_at, ..token }, &secret)?;
            // The token is safe in the file, even if nobody reads this.
            let _ = writeln!(io::stdout(), "wrote the token to {}", file.display());
        }
        (true, None) => wrong_usage("--offline needs --output-file"),
        (false, Some(_)) => wrong_usage("--output-file is for --offline"),
        (false, None) => {
            let token =
                Create { name: name.to_string(), permissions: permissions.to_string(), expires_in: options.expiry };
            let token = Access::to(&options.directory).await?.create(token).await?;
            print(&token, options.format).map_err(|error| lost(&token, &error))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// The error for a token whose secret could not be printed.
fn lost(token: &AdminTokenObject, error: &io::Error) -> String {
    match token.id.unwrap_or_default() {
        0 => format!("the operator token was created, but its secret is lost; create another admin token: {error}"),
        id => format!("token {id} was created, but its secret is lost; delete the token: {error}"),
    }
}

/// What the options ask for together. It is not left to the parser which of them go together: it would take a variable
/// with the value `false` for an option that is given.
fn name_and_permissions(options: &Options) -> Result<(TokenName, Permissions), Failure> {
    let permissions = match (options.admin, Permissions::scoped(options.permission.iter().cloned())) {
        (true, None) => Permissions::ADMIN,
        (false, Some(permissions)) => permissions,
        (true, Some(_)) => wrong_usage("--admin allows everything, and takes no --permission"),
        (false, None) => wrong_usage("what the token may do is missing: --admin or --permission"),
    };
    let name = match &options.name {
        Some(name) if name.is_operator() && !options.admin => {
            wrong_usage("the token named _admin is the operator token, and must be an --admin token")
        }
        Some(name) => name.clone(),
        None if options.admin => TokenName::OPERATOR.parse()?,
        None => wrong_usage("--name is missing"),
    };
    Ok((name, permissions))
}

fn wrong_usage(reason: &str) -> ! {
    super::wrong_usage("create", reason)
}

fn print(token: &AdminTokenObject, format: Format) -> io::Result<()> {
    let mut out = io::stdout().lock();
    match format {
        Format::Json => writeln!(out, "{}", serde_json::to_string_pretty(token)?)?,
        Format::Text => {
            let secret = token.token.as_ref().map_or("", |secret| &secret.0);
            writeln!(out, "Token {} was created.\n", token.id.unwrap_or_default())?;
            writeln!(out, "Token:  {secret}")?;
            writeln!(out, "Header: Authorization: Bearer {secret}\n")?;
            writeln!(out, "Keep the token: it is not shown again, because only its hash is stored.")?;
        }
    }
    out.flush()
}
