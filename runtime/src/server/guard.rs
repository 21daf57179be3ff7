//! What precedes an operation, and what completes every response.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use http::header::Entry;
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Response};

use super::realm::Realm;
use super::rejection::Rejection;
use super::{X_SPAN_ID, credentials, reply, span};
use crate::Body;
use crate::security::{Authenticator, SecurityScheme};

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

    /// The principal of a request, which must carry one valid credential under one of these schemes.
    ///
    /// # Errors
    ///
    /// [`Rejection::Unauthenticated`], or [`Rejection::Unavailable`] if the authenticator cannot decide now.
    pub async fn check(&self, schemes: &'static [SecurityScheme], parts: &Parts) -> Result<A::Principal, Rejection> {
        self.admit(schemes, false, parts).await?.ok_or(Rejection::Unauthenticated(schemes))
    }

    /// The complete response to a rejected request, as the service would send it.
    pub fn reject(&self, rejection: &Rejection, parts: &Parts) -> Response<Body> {
        let mut response = self.render(rejection);
        self.finish(&mut response, span::accept_or_make(&parts.headers), &parts.method);
        response
    }

    /// The principal of a request. `None` if no scheme is listed, or if a credential is optional and the request carries
    /// none.
    pub(super) async fn admit(
        &self,
        schemes: &'static [SecurityScheme],
        optional: bool,
        parts: &Parts,
    ) -> Result<Option<A::Principal>, Rejection> {
        let Some(credential) = credentials::find(schemes, optional, parts)? else { return Ok(None) };
        let authenticated = self.authenticator.authenticate(credential).await;
        authenticated.map(Some).map_err(|error| Rejection::unauthenticated(error, schemes))
    }

    /// The response to a rejection, before [`finish`](Self::finish).
    pub(super) fn render(&self, rejection: &Rejection) -> Response<Body> {
        let response = rejection.response(self.realm);
        let Some(render) = &self.rejections else { return response };
        catch_unwind(AssertUnwindSafe(|| render(rejection, response))).unwrap_or_else(|_| {
            tracing::error!("the rendering of a rejection panicked");
            Rejection::Internal.response(self.realm)
        })
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
