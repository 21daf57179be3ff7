//! The generated traits, fulfilled by the catalog.

use async_trait::async_trait;
use influxdb3_token_api::models::ErrorMessage;
use influxdb3_token_api::security::{AuthenticationError, Authenticator, Credential, SecurityKind};
use influxdb3_token_api::{Api, ApiError, DeleteTokenRequest, DeleteTokenResponse, Has, Location, XSpanIdString};

use crate::{Catalog, DeleteError, Principal};

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
        let Some(principal) = Has::<Option<Principal>>::get(context) else {
            return Err(ApiError::internal("the operation was called without a principal"));
        };
        match self.catalog.delete(principal, &request.id).await {
            Ok(id) => {
                let XSpanIdString(span_id) = Has::<XSpanIdString>::get(context);
                tracing::info!(%id, by = %principal.id(), span_id, "deleted a token");
                Ok(DeleteTokenResponse::Success)
            }
            Err(DeleteError::NotFound) => Ok(DeleteTokenResponse::TokenNotFound),
            Err(error @ (DeleteError::NotAdmin | DeleteError::OperatorToken)) => {
                let message = ErrorMessage { error: Some(error.to_string()), data: None };
                Ok(DeleteTokenResponse::UnauthorizedAccess(message))
            }
            Err(DeleteError::Store(error)) => Err(ApiError::unavailable(error)),
        }
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
