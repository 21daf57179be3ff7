//! What the log says about requests and connections: nothing that a client chose freely, because it may be a secret.

use std::error::Error;
use std::io;

use http::Method;

/// The method, if it is a usual one. A client can send any text as one.
pub(crate) fn method(method: &Method) -> &'static str {
    match *method {
        Method::CONNECT => "CONNECT",
        Method::DELETE => "DELETE",
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::OPTIONS => "OPTIONS",
        Method::PATCH => "PATCH",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::TRACE => "TRACE",
        _ => "another",
    }
}

/// Why a connection ended. The text of the error is not shown: over HTTP/2 it contains the client's reason.
pub(crate) fn ending(error: &(dyn Error + 'static)) -> String {
    let reason = match error.downcast_ref::<hyper::Error>() {
        Some(error) if error.is_parse_too_large() => "the head of a request is too large",
        Some(error) if error.is_parse() => "a request is malformed",
        Some(error) if error.is_timeout() => "a request did not arrive in time",
        Some(error) if error.is_incomplete_message() => "it closed in the middle of a request",
        Some(error) if error.is_body_write_aborted() => "a response was aborted",
        Some(error) if error.is_canceled() || error.is_closed() => "it was closed",
        Some(error) if error.is_user() => "the service failed",
        _ => "",
    };
    let system = std::iter::successors(Some(error), |&error| error.source());
    let system = system.filter_map(|error| error.downcast_ref::<io::Error>()).map(io::Error::kind).next();
    match (reason, system) {
        ("", None) => "the protocol was violated".to_owned(),
        ("", Some(kind)) => kind.to_string(),
        (reason, None) => reason.to_owned(),
        (reason, Some(kind)) => format!("{reason}: {kind}"),
    }
}
