//! The generated traits, fulfilled by the catalog.

use std::fmt::Display;

use async_trait::async_trait;
use chrono::{DateTime, SecondsFormat, Utc};
use influxdb3_token_api::models::{self, AdminTokenObject, ErrorMessage};
use influxdb3_token_api::security::{Authentication, AuthenticationError, Authenticator, Credential, PeerAddress};
use influxdb3_token_api::server::logged_span_id;
use influxdb3_token_api::{Api, ApiError, DeleteTokenRequest, DeleteTokenResponse, Has, IdempotencyKey, XSpanIdString};

use crate::{Catalog, DeleteError, Origin, Principal, Secret, TokenRecord};

/// The target of the log lines about changes.
const AUDIT: &str = "influxdb3_tokens::audit";

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
    C: Has<Option<Principal>> + Has<XSpanIdString> + Has<PeerAddress> + Has<IdempotencyKey> + Send + Sync,
{
    async fn delete_token(&self, request: DeleteTokenRequest, context: &C) -> Result<DeleteTokenResponse, ApiError> {
        let principal = principal(context)?;
        let peer = Has::<PeerAddress>::get(context).ip();
        let key = Has::<IdempotencyKey>::get(context).clone();
        let catalog = self.catalog.requested_from(peer.map(Origin::Peer)).with_idempotency_key(key);
        match catalog.delete(principal, &request.id).await {
            Ok(id) => {
                let XSpanIdString(span_id) = Has::<XSpanIdString>::get(context);
                let (by, peer, span_id) = (principal.id(), peer.map(tracing::field::display), logged_span_id(span_id));
                tracing::info!(target: AUDIT, %id, %by, origin = peer, span_id, change = "deleted", "deleted a token");
                Ok(DeleteTokenResponse::Success)
            }
            Err(DeleteError::NotFound) => Ok(DeleteTokenResponse::TokenNotFound),
            Err(error @ (DeleteError::NotAdmin | DeleteError::OperatorToken)) => {
                Ok(DeleteTokenResponse::UnauthorizedAccess(message(&error)))
            }
            Err(DeleteError::Unauthorized) => Err(ApiError::Unauthenticated),
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

    async fn authenticate(&self, request: Authentication<'_>) -> Result<Principal, AuthenticationError> {
        self.catalog.authenticate_or_ask(secret(&request).ok_or(AuthenticationError::Malformed)?).await
    }
}

/// The secret in the only credential. The document's description of each scheme says where it is: the password of
/// `Basic`, behind the case-sensitive word `Token` in `Authorization`, or the whole of another API key.
fn secret<'r>(request: &Authentication<'r>) -> Option<&'r str> {
    let (scheme, credential) = request.only()?;
    match credential {
        Credential::Bearer(token) => Some(token),
        Credential::Basic { password, .. } => Some(password),
        Credential::ApiKey(key) if scheme.kind.is_key_in_authorization() => key.strip_prefix("Token "),
        Credential::ApiKey(key) => Some(key),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use influxdb3_token_api::Location;
    use influxdb3_token_api::security::{SecurityKind, SecurityRequirement, SecurityScheme};

    use super::*;

    const BEARER: SecurityScheme = SecurityScheme::new("bearer", SecurityKind::Bearer);
    const BASIC: SecurityScheme = SecurityScheme::new("basic", SecurityKind::Basic);
    const QUERY: SecurityScheme = key(Location::Query, "p");
    const TOKEN: SecurityScheme = key(Location::Header, "Authorization");

    const fn key(location: Location, name: &'static str) -> SecurityScheme {
        SecurityScheme::new("key", SecurityKind::ApiKey { location, name })
    }

    fn secret_under(schemes: &'static [SecurityScheme], credentials: &[Credential<'_>]) -> Option<String> {
        let requirement = Box::leak(Box::new(SecurityRequirement::new(schemes)));
        secret(&Authentication::new(requirement, credentials)).map(str::to_owned)
    }

    #[test]
    fn each_scheme_of_the_document_carries_a_secret() {
        for (schemes, credential) in [
            (&[BEARER], Credential::Bearer("secret".into())),
            (&[BASIC], Credential::Basic { username: "any".into(), password: "secret".into() }),
            (&[QUERY], Credential::ApiKey("secret".into())),
            (&[TOKEN], Credential::ApiKey("Token secret".into())),
        ] {
            assert_eq!(secret_under(schemes, &[credential]).as_deref(), Some("secret"), "{schemes:?}");
        }
    }

    #[test]
    fn the_word_token_is_case_sensitive_and_required() {
        for value in ["token secret", "TOKEN secret", "secret", "Tokensecret", "Bearer secret"] {
            assert_eq!(secret_under(&[TOKEN], &[Credential::ApiKey(value.into())]), None, "{value}");
        }
    }

    #[test]
    fn one_credential_of_two_that_are_required_together_is_not_enough() {
        let credentials = [Credential::Bearer("secret".into()), Credential::ApiKey("secret".into())];
        assert_eq!(secret_under(&[BEARER, QUERY], &credentials), None);
    }
}
