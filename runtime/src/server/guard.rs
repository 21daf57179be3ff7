//! What precedes an operation, and what completes every response.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use http::header::Entry;
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Response};

use super::credentials::Presented;
use super::realm::Realm;
use super::rejection::Rejection;
use super::{X_SPAN_ID, reply, span};
use crate::security::{Authentication, AuthenticationError, Authenticator, SecurityRequirement};
use crate::{Body, Operation};

/// Authenticates requests and answers rejected ones as [`Service`](super::Service) does, for routes that are not in the
/// document. Every service is built on one.
#[derive(Clone)]
pub struct Guard<A> {
    authenticator: A,
    realm: &'static Realm,
    /// The headers that every response carries: names, and the values of each.
    headers: Vec<(HeaderName, Vec<HeaderValue>)>,
    rejections: Option<Arc<Rejections>>,
}

type Rejections = dyn Fn(&Rejection, Response<Body>) -> Response<Body> + Send + Sync;

impl<A: Authenticator> Guard<A> {
    /// A guard that asks `authenticator` for the principal of a credential, and whose challenges name `realm`.
    pub fn new(authenticator: A, realm: &'static Realm) -> Self {
        Self { authenticator, realm, headers: Vec::new(), rejections: None }
    }

    /// Headers that every response carries, unless it has one of that name already.
    pub fn headers(self, headers: HeaderMap) -> Self {
        let values = |name| headers.get_all(name).iter().cloned().collect();
        Self { headers: headers.keys().map(|name| (name.clone(), values(name))).collect(), ..self }
    }

    /// How rejections are answered: `render` receives the rejection and the response that would be sent, and returns the
    /// one to send.
    ///
    /// The headers of all responses and `x-span-id` are added after that. A panic in `render` is answered with 500.
    pub fn rejections<F>(self, render: F) -> Self
    where
        F: Fn(&Rejection, Response<Body>) -> Response<Body> + Send + Sync + 'static,
    {
        Self { rejections: Some(Arc::new(render)), ..self }
    }

    /// The principal of a request, which must satisfy one of these requirements. [`SecurityRequirement::ANONYMOUS`] admits
    /// no request here, because it yields no principal.
    ///
    /// # Errors
    ///
    /// [`Rejection::Unauthenticated`]; [`Rejection::InsufficientScope`] with 401; or [`Rejection::Unavailable`] if the
    /// authenticator cannot decide now.
    pub async fn check(
        &self,
        security: &'static [SecurityRequirement],
        parts: &Parts,
    ) -> Result<A::Principal, Rejection> {
        let reason = AuthenticationError::Missing;
        self.admit(security, None, parts).await?.ok_or(Rejection::Unauthenticated { security, reason })
    }

    /// The complete response to a rejected request, as the service would send it. It carries the outcome that
    /// [`Rejection::authentication`] says.
    pub fn reject(&self, rejection: &Rejection, parts: &Parts) -> Response<Body> {
        let mut response = self.render(rejection);
        self.finish(&mut response, span::accept_or_make(&parts.headers), &parts.method);
        response.body_mut().set_authentication(rejection.authentication());
        response
    }

    /// The principal of a request for `operation`, by the first of its alternatives that the request satisfies. `None` if
    /// no scheme is listed, or if the request carries no credential and needs none.
    pub(super) async fn admit(
        &self,
        security: &'static [SecurityRequirement],
        operation: Option<&'static Operation>,
        parts: &Parts,
    ) -> Result<Option<A::Principal>, Rejection> {
        if security.iter().all(SecurityRequirement::is_anonymous) {
            return Ok(None);
        }
        let mut reason = AuthenticationError::Missing;
        let Some(presented) = Presented::new(security, parts) else {
            return Err(Rejection::Unauthenticated { security, reason: AuthenticationError::Malformed });
        };
        for requirement in security.iter().filter(|requirement| !requirement.is_anonymous()) {
            let Some(credentials) = presented.credentials(requirement) else { continue };
            let authentication = Authentication::new(requirement, &credentials).of(operation);
            match self.authenticator.authenticate(authentication).await {
                Ok(principal) => return Ok(Some(principal)),
                Err(error) => reason = reason.max(error),
            }
        }
        let is_anonymous = presented.is_anonymous();
        let is_optional = security.iter().any(SecurityRequirement::is_anonymous);
        match reason {
            AuthenticationError::Unavailable => Err(Rejection::Unavailable),
            AuthenticationError::InsufficientScope => Err(Rejection::insufficient_scope(security, operation)),
            _ if is_anonymous && is_optional => Ok(None),
            // No alternative had a credential for every scheme.
            AuthenticationError::Missing if !is_anonymous => {
                Err(Rejection::Unauthenticated { security, reason: AuthenticationError::Malformed })
            }
            _ => Err(Rejection::Unauthenticated { security, reason }),
        }
    }

    /// The response to a rejection, before [`finish`](Self::finish).
    pub(super) fn render(&self, rejection: &Rejection) -> Response<Body> {
        let response = rejection.response(self.realm);
        match &self.rejections {
            None => response,
            Some(render) => catch_unwind(AssertUnwindSafe(|| render(rejection, response))).unwrap_or_else(|_| {
                tracing::error!("the rendering of a rejection panicked");
                Rejection::Internal.response(self.realm)
            }),
        }
    }

    /// Adds the headers that every response carries.
    pub(super) fn finish(&self, response: &mut Response<Body>, span_id: HeaderValue, method: &Method) {
        for (name, values) in &self.headers {
            // The response's own header goes before that of all responses.
            let (Entry::Vacant(entry), [value, more @ ..]) = (response.headers_mut().entry(name), &values[..]) else {
                continue;
            };
            let mut entry = entry.insert_entry(value.clone());
            more.iter().for_each(|value| entry.append(value.clone()));
        }
        response.headers_mut().insert(X_SPAN_ID, span_id);
        if method == Method::HEAD {
            reply::remove_body(response);
        }
    }
}

impl<A> fmt::Debug for Guard<A> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Guard").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
