//! `create`: a new token, in the database or in a token file.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, ValueEnum};
use influxdb3_token_api::models::{self, AdminTokenObject};
use influxdb3_tokens::server::control::{Reply, Request};
use influxdb3_tokens::{Clock, Permission, Permissions, Secret, SystemClock, TokenName};

use super::access::Access;
use super::token_file::{self, AdminToken, PermissionToken};
use super::{DataDir, Failure};

/// Create a token, and print its secret, which is not shown again
#[derive(Args)]
pub(super) struct Options {
    /// Allow everything, deletion of other tokens included
    #[arg(long, env = "INFLUXDB3_TOKENS_ADMIN", conflicts_with = "permission", required_unless_present = "permission")]
    admin: bool,

    /// Allow actions on resources, as in `db:sensors,metrics:read,write` or `system:*:read`; several with spaces between
    /// them, or by repeating the option
    #[arg(long, env = "INFLUXDB3_TOKENS_PERMISSION", value_delimiter = ' ')]
    permission: Vec<Permission>,

    /// A name that no other token has [default with --admin: _admin, the operator token]
    #[arg(long, env = "INFLUXDB3_TOKENS_NAME", required_unless_present = "admin")]
    name: Option<TokenName>,

    /// How long the token is good for, as in `30d` or `1h 30m` [default: for ever]
    #[arg(long, env = "INFLUXDB3_TOKENS_EXPIRY", value_parser = humantime::parse_duration, value_name = "DURATION")]
    expiry: Option<Duration>,

    /// Output
    #[arg(long, env = "INFLUXDB3_TOKENS_FORMAT", value_enum, default_value_t = Format::Text)]
    format: Format,

    /// Write the token to a file for `serve --admin-token-file` or `--permission-tokens-file`, and touch no database
    #[arg(long, env = "INFLUXDB3_TOKENS_OFFLINE", requires = "output_file")]
    offline: bool,

    /// The file for --offline; a file of permission tokens that exists already gains an entry
    #[arg(long, env = "INFLUXDB3_TOKENS_OUTPUT_FILE", value_name = "FILE", requires = "offline")]
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
    let name = match options.name.clone() {
        Some(name) => name,
        None => TokenName::OPERATOR.parse()?,
    };
    match &options.output_file {
        Some(file) => {
            write_offline(&options, name, file)?;
            writeln!(std::io::stdout(), "wrote the token to {}", file.display())?;
        }
        None => {
            let permissions = Permissions::scoped(options.permission).unwrap_or(Permissions::ADMIN);
            let request = Request::Create {
                name: name.to_string(),
                permissions: permissions.to_string(),
                expires_in: options.expiry,
            };
            let reply = Access::to(&options.directory).await?.ask(request).await?;
            let Reply::Created(token) = reply else { return Err("the server answered something else".into()) };
            print(&token, options.format)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn write_offline(options: &Options, name: TokenName, file: &std::path::Path) -> Result<(), Failure> {
    let expires_at = match options.expiry {
        Some(duration) => Some(SystemClock.now().checked_add(duration).ok_or("--expiry is after the year 9999")?),
        None => None,
    };
    let expiry_millis = expires_at.map(|at| at.as_millis());
    let token = models::Secret(Secret::generate()?.expose().to_owned());
    let name = name.to_string();
    if options.admin {
        token_file::write_admin(file, &AdminToken { token, name, description: None, expiry_millis })
    } else {
        let permissions = options.permission.iter().map(Permission::to_string).collect();
        token_file::append_permission(file, PermissionToken { token, name, expiry_millis, permissions })
    }
}

fn print(token: &AdminTokenObject, format: Format) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    match format {
        Format::Json => writeln!(out, "{}", serde_json::to_string_pretty(token)?)?,
        Format::Text => {
            let secret = token.token.as_ref().map_or("", |secret| &secret.0);
            writeln!(out, "Token {} was created.\n", token.id.unwrap_or_default())?;
            writeln!(out, "Token:  {secret}")?;
            writeln!(out, "Header: Authorization: Bearer {secret}\n")?;
            writeln!(out, "Keep it now: only its hash is stored, and it is not shown again.")?;
        }
    }
    Ok(())
}
