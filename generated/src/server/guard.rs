//! What comes before an operation, and what comes after every response.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use http::header::Entry;
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Response};

use super::rejection::Rejection;
use super::{Body, X_SPAN_ID, credentials, response, span};
use crate::security::{Authenticator, SecurityScheme};

/// Finds out who a request acts as, and refuses it as [`Service`](super::Service) does, which is built over one. For
/// routes that are not in the document.
#[derive(Clone)]
pub struct Guard<A> {
    authenticator: A,
    /// What every response carries: names, and the values of each.
    headers: Vec<(HeaderName, Vec<HeaderValue>)>,
    rejections: Option<Arc<Rejections>>,
}

type Rejections = dyn Fn(&Rejection, Response<Body>) -> Response<Body> + Send + Sync;

impl<A: Authenticator> Guard<A> {
    /// A guard that asks `authenticator` whose a credential is.
    pub fn new(authenticator: A) -> Self {
        Self { authenticator, headers: Vec::new(), rejections: None }
    }

    /// Headers that every response carries, unless it has one of that name already.
    pub fn headers(self, headers: HeaderMap) -> Self {
        let values = |name| headers.get_all(name).iter().cloned().collect();
        Self { headers: headers.keys().map(|name| (name.clone(), values(name))).collect(), ..self }
    }

    /// How a rejection is answered: `render` gets it with the response that would be sent, and returns the one to send.
    ///
    /// The headers of all responses and `x-span-id` come after that. A panic in it is answered with 500.
    pub fn rejections<F>(self, render: F) -> Self
    where
        F: Fn(&Rejection, Response<Body>) -> Response<Body> + Send + Sync + 'static,
    {
        Self { rejections: Some(Arc::new(render)), ..self }
    }

    /// Who a request acts as that carries one valid credential, under one of these schemes.
    ///
    /// # Errors
    ///
    /// [`Rejection::Unauthenticated`], or [`Rejection::Unavailable`] where the authenticator cannot decide now.
    pub async fn check(&self, schemes: &'static [SecurityScheme], parts: &Parts) -> Result<A::Principal, Rejection> {
        self.admit(schemes, false, parts).await?.ok_or(Rejection::Unauthenticated(schemes))
    }

    /// The finished response to a request that is refused, as the service would send it.
    pub fn refuse(&self, rejection: &Rejection, parts: &Parts) -> Response<Body> {
        let mut response = self.render(rejection);
        self.finish(&mut response, span::accept_or_make(&parts.headers), &parts.method);
        response
    }

    /// Who a request acts as; `None` where no scheme is listed, or where a credential is optional and there is none.
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
        let response = response::rejected(rejection);
        let Some(render) = &self.rejections else { return response };
        catch_unwind(AssertUnwindSafe(|| render(rejection, response))).unwrap_or_else(|_| {
            tracing::error!("a panic in the rendering of a rejection");
            response::rejected(&Rejection::Internal)
        })
    }

    /// Adds what every response carries.
    pub(super) fn finish(&self, response: &mut Response<Body>, span_id: HeaderValue, method: &Method) {
        for (name, values) in &self.headers {
            // What is said of this response goes before what is said of all.
            let (Entry::Vacant(entry), [value, more @ ..]) = (response.headers_mut().entry(name), &values[..]) else {
                continue;
            };
            let mut entry = entry.insert_entry(value.clone());
            more.iter().for_each(|value| entry.append(value.clone()));
        }
        response.headers_mut().insert(X_SPAN_ID, span_id);
        if method == Method::HEAD {
            response::remove_body(response);
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
