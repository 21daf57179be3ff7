//! The generated traits, fulfilled by the catalog.

use std::fmt::Display;

use async_trait::async_trait;
use chrono::{DateTime, SecondsFormat, Utc};
use influxdb3_token_api::models::{self, AdminTokenObject, ErrorMessage};
use influxdb3_token_api::security::{AuthenticationError, Authenticator, Credential, SecurityKind};
use influxdb3_token_api::{Api, ApiError, DeleteTokenRequest, DeleteTokenResponse, Has, Location, XSpanIdString};

use crate::{Catalog, DeleteError, Principal, Secret, TokenRecord};

/// The [`Api`] and the [`Authenticator`] of a [`Catalog`]: what an embedder gives to
/// `influxdb3_token_api::server::Service` or calls without HTTP. It has no rule of its own.
#[derive(Clone, Debug)]
pub struct CatalogApi {
    catalog: Catalog,
}

impl CatalogApi {
    /// The API of these tokens.
    pub fn new(catalog: Catalog) -> Self {
        Self { catalog }
    }

    /// The tokens.
    pub fn catalog(&self) -> &Catalog {
        &self.catalog
    }
}

#[async_trait]
impl<C> Api<C> for CatalogApi
where
    C: Has<Option<Principal>> + Has<XSpanIdString> + Send + Sync,
{
    async fn delete_token(&self, request: DeleteTokenRequest, context: &C) -> Result<DeleteTokenResponse, ApiError> {
        let principal = principal(context)?;
        match self.catalog.delete(principal, &request.id).await {
            Ok(id) => {
                let XSpanIdString(span_id) = Has::<XSpanIdString>::get(context);
                tracing::info!(%id, by = %principal.id(), span_id, "deleted a token");
                Ok(DeleteTokenResponse::Success)
            }
            Err(DeleteError::NotFound) => Ok(DeleteTokenResponse::TokenNotFound),
            Err(error @ (DeleteError::NotAdmin | DeleteError::OperatorToken)) => {
                Ok(DeleteTokenResponse::UnauthorizedAccess(message(&error)))
            }
            Err(DeleteError::Store(error)) => Err(ApiError::unavailable(error)),
        }
    }
}

/// On whose behalf the operation was called.
fn principal(context: &impl Has<Option<Principal>>) -> Result<&Principal, ApiError> {
    context.get().as_ref().ok_or_else(|| ApiError::internal("the operation was called without a principal"))
}

fn message(reason: &impl Display) -> ErrorMessage {
    ErrorMessage { error: Some(reason.to_string()), data: None }
}

/// A new token in the document's form, with its secret. Its expiry is null if it does not expire.
pub fn admin_token_object(token: &TokenRecord, secret: &Secret) -> AdminTokenObject {
    let expiry = token.expires_at.map(|at| DateTime::<Utc>::from(at).to_rfc3339_opts(SecondsFormat::AutoSi, true));
    AdminTokenObject {
        id: i64::try_from(token.id.as_u64()).ok(),
        name: Some(token.name.to_string()),
        token: Some(models::Secret(secret.expose().to_owned())),
        hash: Some(token.digest.to_string()),
        created_at: Some(token.created_at.into()),
        expiry: Some(expiry.into()),
    }
}

impl Authenticator for CatalogApi {
    type Principal = Principal;

    async fn authenticate(&self, credential: Credential<'_>) -> Result<Principal, AuthenticationError> {
        secret(&credential).and_then(|secret| self.catalog.authenticate(secret)).ok_or(AuthenticationError::Refused)
    }
}

/// The secret in a credential. The document's description of each scheme says where it is: the password of `Basic`,
/// behind the case-sensitive word `Token` in `Authorization`, or the whole of another API key.
fn secret<'c>(credential: &'c Credential<'_>) -> Option<&'c str> {
    match credential {
        Credential::Bearer(token) => Some(token),
        Credential::Basic { password, .. } => Some(password),
        Credential::ApiKey { scheme, value } => match scheme.kind {
            SecurityKind::ApiKey { location: Location::Header, name } if name.eq_ignore_ascii_case("authorization") => {
                value.strip_prefix("Token ")
            }
            _ => Some(value),
        },
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use influxdb3_token_api::security::SecurityScheme;

    use super::*;

    fn api_key(location: Location, name: &'static str, value: &'static str) -> Credential<'static> {
        let scheme = Box::leak(Box::new(SecurityScheme::new("", SecurityKind::ApiKey { location, name })));
        Credential::ApiKey { scheme, value: Cow::Borrowed(value) }
    }

    #[test]
    fn each_scheme_of_the_document_carries_a_secret() {
        let basic = Credential::Basic { username: Cow::Borrowed("any"), password: Cow::Borrowed("secret") };
        for credential in [
            Credential::Bearer(Cow::Borrowed("secret")),
            basic,
            api_key(Location::Query, "p", "secret"),
            api_key(Location::Header, "Authorization", "Token secret"),
        ] {
            assert_eq!(secret(&credential), Some("secret"), "{credential:?}");
        }
    }

    #[test]
    fn the_word_token_is_case_sensitive_and_required() {
        for value in ["token secret", "TOKEN secret", "secret", "Tokensecret", "Bearer secret"] {
            assert_eq!(secret(&api_key(Location::Header, "Authorization", value)), None, "{value}");
        }
    }
}
