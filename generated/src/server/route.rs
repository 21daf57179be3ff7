//! From a method and a path to an operation.

use http::Method;

use super::rejection::Rejection;
use crate::{OPERATIONS, Operation};

/// An operation of the document; in the order of [`OPERATIONS`].
#[derive(Clone, Copy)]
#[allow(clippy::enum_variant_names, reason = "the document's names")]
pub(super) enum Route {
    DeleteToken,
}

impl Route {
    pub(super) fn operation(self) -> &'static Operation {
        &OPERATIONS[self as usize]
    }
}

/// The operation that a request asks for; `path` is what follows the service's base.
pub(super) fn find(method: &Method, path: &str) -> Result<Route, Rejection> {
    match (method.as_str(), path) {
        ("DELETE", "/api/v3/configure/token") => Ok(Route::DeleteToken),
        _ => Err(refuse(path)),
    }
}

/// Tells an unknown path from a known one that does not have the method.
fn refuse(path: &str) -> Rejection {
    let mut methods: Vec<&str> = Vec::new();
    for operation in OPERATIONS.iter().filter(|operation| operation.path == path) {
        if !methods.contains(&operation.method.as_str()) {
            methods.push(operation.method.as_str());
        }
    }
    if methods.is_empty() { Rejection::UnknownPath } else { Rejection::MethodNotAllowed { allow: methods.join(", ") } }
}

#[cfg(test)]
mod tests;
