//! What a listener serves.

use http::{Request, Response};
use hyper::body::Incoming;
use influxdb3_token_api::security::Authenticator;
use influxdb3_token_api::server::{Body, Rejection};
use influxdb3_tokens::{Principal, TokenApi};

/// Answers the requests that a server accepts. [`TokenApi`] is one, and so is a service of your own around it.
pub trait Service: Send + Sync + 'static {
    /// Answers one request.
    fn handle(&self, request: Request<Incoming>) -> impl Future<Output = Response<Body>> + Send;

    /// The response to a request that the server rejects before the service sees it, such as one whose head is too long.
    fn reject(&self, rejection: &Rejection, request: Request<Incoming>) -> Response<Body>;
}

impl<A: Authenticator<Principal = Principal>> Service for TokenApi<A> {
    fn handle(&self, request: Request<Incoming>) -> impl Future<Output = Response<Body>> + Send {
        self.handle(request)
    }

    fn reject(&self, rejection: &Rejection, request: Request<Incoming>) -> Response<Body> {
        self.reject(rejection, request)
    }
}
