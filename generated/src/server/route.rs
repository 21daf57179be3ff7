//! From a method and a path to an operation.

use http::Method;

use super::response::Rejection;
use crate::{OPERATIONS, Operation};

/// An operation of the document; in the order of [`OPERATIONS`].
#[derive(Clone, Copy)]
pub(super) enum Route {
    DeleteToken,
}

impl Route {
    pub(super) fn operation(self) -> &'static Operation {
        &OPERATIONS[self as usize]
    }
}

/// The operation that a request asks for.
pub(super) fn find(method: &Method, path: &str) -> Result<Route, Rejection> {
    match (method.as_str(), path) {
        ("DELETE", "/api/v3/configure/token") => Ok(Route::DeleteToken),
        _ => Err(refuse(path)),
    }
}

/// Tells an unknown path from a known one that does not have the method.
fn refuse(path: &str) -> Rejection {
    let known =
        |operation: &&Operation| path.strip_prefix(crate::BASE_PATH).is_some_and(|path| matches(operation.path, path));
    let methods: Vec<&str> = OPERATIONS.iter().filter(known).map(|operation| operation.method.as_str()).collect();
    if methods.is_empty() { Rejection::UnknownPath } else { Rejection::MethodNotAllowed { allow: methods.join(", ") } }
}

/// Whether a path has a template's segments; one in braces stands for any that is not empty.
fn matches(template: &str, path: &str) -> bool {
    let mut segments = path.split('/');
    let same = template.split('/').all(|expected| {
        segments.next().is_some_and(|segment| expected == segment || (expected.starts_with('{') && !segment.is_empty()))
    });
    same && segments.next().is_none()
}

#[cfg(test)]
mod tests;
