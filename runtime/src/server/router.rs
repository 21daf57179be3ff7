//! From a method and a path to an operation.

use std::cmp::Reverse;
use std::fmt;

use http::Method;

use super::rejection::Rejection;
use crate::Operation;

/// The operations of a document, found by the method and the path of a request.
pub(super) struct Router {
    operations: &'static [Operation],
    /// The indices of operations whose path has no parameter, sorted by path.
    concrete: Vec<usize>,
    /// The indices of operations whose path has parameters, the more specific path first.
    templates: Vec<usize>,
}

impl Router {
    pub(super) fn new(operations: &'static [Operation]) -> Self {
        let (mut templates, mut concrete): (Vec<_>, Vec<_>) =
            (0..operations.len()).partition(|&index| operations[index].path.contains('{'));
        concrete.sort_by_key(|&index| operations[index].path);
        templates.sort_by_key(|&index| specificity(operations[index].path));
        Self { operations, concrete, templates }
    }

    /// The index of the operation that a request asks for. A path without parameters goes before one with parameters.
    ///
    /// # Errors
    ///
    /// [`Rejection::UnknownPath`], or [`Rejection::MethodNotAllowed`] if the path has other methods.
    pub(super) fn find(&self, method: &Method, path: &str) -> Result<usize, Rejection> {
        let concrete = self.concrete(path);
        if !concrete.is_empty() {
            return self.with_method(concrete.iter().copied(), method);
        }
        let operations = self.templates.iter().copied();
        self.with_method(operations.filter(|&index| matches(self.operations[index].path, path)), method)
    }

    /// The operations with exactly this path.
    fn concrete(&self, path: &str) -> &[usize] {
        let start = self.concrete.partition_point(|&index| self.operations[index].path < path);
        let same = self.concrete[start..].iter().take_while(|&&index| self.operations[index].path == path).count();
        &self.concrete[start..start + same]
    }

    fn with_method(&self, indices: impl Iterator<Item = usize> + Clone, method: &Method) -> Result<usize, Rejection> {
        let mut same_path = indices.clone();
        if let Some(found) = same_path.find(|&index| self.operations[index].method == *method) {
            return Ok(found);
        }
        let mut allow = String::new();
        for index in indices {
            let method = self.operations[index].method.as_str();
            if allow.is_empty() {
                allow.push_str(method);
            } else if !allow.split(", ").any(|other| other == method) {
                allow.push_str(", ");
                allow.push_str(method);
            }
        }
        Err(if allow.is_empty() { Rejection::UnknownPath } else { Rejection::MethodNotAllowed { allow } })
    }
}

impl fmt::Debug for Router {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Router").field("operations", &self.operations.len()).finish_non_exhaustive()
    }
}

/// Sorts templates so that the first of two that match a path is the more specific: segment by segment, a text goes
/// before a mixed segment, and a mixed segment before one that is a parameter.
fn specificity(template: &str) -> Vec<(bool, usize, Reverse<usize>)> {
    let whole = |segment: &str| segment.starts_with('{') && segment.find('}') == Some(segment.len() - 1);
    let key = |segment: &str| (whole(segment), segment.matches('{').count(), Reverse(segment.len()));
    template.split('/').map(key).collect()
}

/// Whether a path matches a template.
fn matches(template: &str, path: &str) -> bool {
    captures(template, path, |_, _| ())
}

/// The undecoded text that a path has for the parameter `name` of a template.
pub(super) fn capture<'p>(template: &str, path: &'p str, name: &str) -> Option<&'p str> {
    let mut found = None;
    captures(template, path, |key, value| {
        if key == name {
            found = Some(value);
        }
    });
    found
}

/// Whether a path matches a template, segment by segment. Calls `found` with the name and the undecoded value of each
/// parameter.
fn captures<'t, 'p>(template: &'t str, path: &'p str, mut found: impl FnMut(&'t str, &'p str)) -> bool {
    let mut segments = path.split('/');
    let same =
        template.split('/').all(|expected| segments.next().is_some_and(|actual| segment(expected, actual, &mut found)));
    same && segments.next().is_none()
}

/// Whether a segment matches that of a template: the text outside of braces is the same, and each name in braces stands
/// for a text that is not empty. The last parameter takes as much as possible, the others as little.
fn segment<'t, 'p>(mut expected: &'t str, mut actual: &'p str, found: &mut impl FnMut(&'t str, &'p str)) -> bool {
    while let Some((before, rest)) = expected.split_once('{') {
        let (name, after) = rest.split_once('}').unwrap_or((rest, ""));
        let Some(value) = actual.strip_prefix(before) else { return false };
        let end = match after.split_once('{') {
            None => value.strip_suffix(after).map(str::len),
            Some((literal, _)) => {
                value.match_indices(literal).map(|(at, _)| at).find(|&at| at > 0 && !is_in_escape(value, at))
            }
        };
        let Some(end) = end.filter(|end| *end > 0) else { return false };
        found(name, &value[..end]);
        (expected, actual) = (after, &value[end..]);
    }
    expected == actual
}

/// Whether the text at an index is one of the two digits of a percent-encoded byte.
fn is_in_escape(text: &str, at: usize) -> bool {
    text.as_bytes()[at.saturating_sub(2)..at].contains(&b'%')
}

#[cfg(test)]
mod tests;
