//! The tokens that a file gives, checked.

use std::collections::HashMap;
use std::fmt::Display;
use std::path::Path;

use influxdb3_tokens::{NewToken, Permissions, Secret, Timestamp, TokenDescription, TokenName};

use super::fields::Fields;
use super::reading::TokenFile;
use super::{TOKENS, entries, wrong};
use crate::cli::{Failure, advice};

/// How many warnings about the tokens of one file are given.
const WARNINGS: usize = 20;

/// The tokens of files.
#[derive(Debug, Default)]
pub(in crate::cli) struct Given {
    /// In the order of the files. The operator token has the expiry that its file has.
    pub(in crate::cli) tokens: Vec<NewToken>,
    /// What the reader of the log should know about the files, which are accepted.
    pub(in crate::cli) warnings: Vec<String>,
}

/// Reads the files for `--admin-token-file` and `--permission-tokens-file`.
///
/// # Errors
///
/// Names the file, the token and the field that is wrong, and shows the value of no field but the name.
pub(in crate::cli) fn given_tokens(admin: Option<&Path>, permission: Option<&Path>) -> Result<Given, Failure> {
    let mut given = Given::default();
    for (path, read) in [(admin, admin_token as fn(&str) -> Result<_, String>), (permission, permission_tokens)] {
        let Some(path) = path else { continue };
        let file = TokenFile::open(path)?;
        let tokens = read(file.json()).map_err(|reason| wrong(path, &reason))?;
        given.warnings.extend(file.warning());
        let advice = tokens.iter().flat_map(|(token, secret)| advice::about(token, Some(secret)));
        let mut advice: Vec<String> = advice.map(|advice| wrong(path, &advice).to_string()).collect();
        if advice.len() > WARNINGS {
            let more = advice.split_off(WARNINGS).len();
            advice.push(wrong(path, &format_args!("{more} more warnings like these")).to_string());
        }
        given.warnings.extend(advice);
        given.tokens.extend(tokens.into_iter().map(|(token, _)| token));
    }
    Ok(given)
}

type Tokens = Vec<(NewToken, Secret)>;

fn admin_token(json: &str) -> Result<Tokens, String> {
    let fields = Fields::of(json)?;
    if fields.has(TOKENS) && !fields.has("token") {
        return Err(format!("it has `{TOKENS}`, which a file for `--permission-tokens-file` has; `token` is missing"));
    }
    let name = fields.optional::<String>("name", "a text")?.unwrap_or_else(|| TokenName::OPERATOR.to_owned());
    token(&fields, name, Permissions::ADMIN).map(|token| vec![token])
}

fn permission_tokens(json: &str) -> Result<Tokens, String> {
    let fields = Fields::of(json)?;
    if fields.has("token") && !fields.has(TOKENS) {
        return Err(format!("it has `token`, which a file for `--admin-token-file` has; `{TOKENS}` is missing"));
    }
    let (mut names, mut secrets) = (HashMap::new(), HashMap::new());
    let tokens = entries(fields.text(TOKENS)?)?.into_iter().enumerate().map(|(index, entry)| {
        let at = |reason: String| format!("{TOKENS}[{index}]: {reason}");
        let fields = Fields::of(entry).map_err(at)?;
        let at = |reason: String| match shown_name(&fields) {
            Some(name) => format!("{TOKENS}[{index}] {:?}: {reason}", name.as_str()),
            None => format!("{TOKENS}[{index}]: {reason}"),
        };
        let (token, secret) = permission_token(&fields).map_err(at)?;
        if let Some(first) = names.insert(token.name.clone(), index) {
            return Err(at(format!("{TOKENS}[{first}] has the same `name`")));
        }
        if let Some(first) = secrets.insert(token.digest, index) {
            return Err(at(format!("{TOKENS}[{first}] has the same `token`")));
        }
        Ok((token, secret))
    });
    tokens.collect()
}

/// The name of the token with these fields, unless it may be a secret in the wrong place.
fn shown_name(fields: &Fields<'_>) -> Option<TokenName> {
    let name: TokenName = fields.optional::<String>("name", "a text").ok()??.parse().ok()?;
    (!name.as_str().to_ascii_lowercase().contains("apiv3")).then_some(name)
}

fn permission_token(fields: &Fields<'_>) -> Result<(NewToken, Secret), String> {
    let name: String = fields.required("name", "a text")?;
    let (token, secret) = token(fields, name, permissions(fields)?)?;
    if token.name.is_operator() && !token.permissions.is_admin() {
        let reason = "the token named _admin is the operator token, which must be an admin token";
        return Err(format!("{reason}; put it into a file for `--admin-token-file`, or give it another `name`"));
    }
    Ok((token, secret))
}

/// What a token of a list may do.
fn permissions(fields: &Fields<'_>) -> Result<Permissions, String> {
    let list: Vec<String> = fields.required("permissions", "a list of texts")?;
    for (index, permission) in list.iter().enumerate() {
        permission.parse::<Permissions>().map_err(|error| {
            let form = "write `db:NAMES:read,write`, `system:NAMES:read` or `*:*:*`";
            format!("`permissions[{index}]` is not a permission: {}; {form}", error.reason())
        })?;
    }
    if list.is_empty() {
        return Err("`permissions` is empty".to_owned());
    }
    // The error may show them, because each is a permission.
    list.join(" ").parse().map_err(|error| format!("`permissions`: {error}"))
}

/// The token with these fields, a name and permissions.
fn token(fields: &Fields<'_>, name: String, permissions: Permissions) -> Result<(NewToken, Secret), String> {
    let of = |field: &'static str| move |error: &dyn Display| format!("`{field}`: {error}");
    let secret = fields.secret("token")?;
    let secret: Secret = secret.parse().map_err(|error| of("token")(&error))?;
    let name: TokenName = name.parse().map_err(|error| of("name")(&error))?;
    let description = match fields.optional::<String>("description", "a text")? {
        Some(text) if !text.is_empty() => {
            Some(text.parse::<TokenDescription>().map_err(|error| of("description")(&error))?)
        }
        _ => None,
    };
    let expires_at = match fields.optional("expiry_millis", "a number of milliseconds since 1970")? {
        Some(millis) => Some(Timestamp::from_millis(millis).ok_or("`expiry_millis` is after the year 9999")?),
        None => None,
    };
    let token = NewToken { description, expires_at, ..NewToken::given(name, permissions, &secret) };
    Ok((token, secret))
}
