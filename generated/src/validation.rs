//! What the document's schemas state about values beyond their types.
//!
//! The service validates bodies and parameters before it calls an implementation. A client may call
//! [`Validate::validate`] before it sends.

use std::fmt;

/// A value about which its schema states something.
pub trait Validate {
    /// Whether all holds that the schema states, here and in whatever the value contains; the first thing that does not.
    fn validate(&self) -> Result<(), Violation>;
}

/// Something that a schema states and that does not hold.
///
/// Its text says where and what must hold, and never repeats the value, which may be a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    path: String,
    must: String,
}

impl Violation {
    /// A violation of the value itself, which `must` be something: "must be positive".
    pub fn new(must: impl Into<String>) -> Self {
        Self { path: String::new(), must: must.into() }
    }

    /// Where in the validated value it is, such as `fields[0].name`; empty for the value itself.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// What must hold: "must have at least 1 character".
    pub fn must(&self) -> &str {
        &self.must
    }

    /// The violation as seen from the object that has the value as the property `name`.
    pub fn within(self, name: &str) -> Self {
        let dot = if self.path.is_empty() || self.path.starts_with('[') { "" } else { "." };
        Self { path: format!("{name}{dot}{}", self.path), ..self }
    }

    /// The violation as seen from the array that has the value at `index`.
    pub fn item(self, index: usize) -> Self {
        self.within(&format!("[{index}]"))
    }

    /// The violation as seen from the map that has the value under `key`.
    pub fn key(self, key: &str) -> Self {
        self.within(&format!("[{key:?}]"))
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.path.is_empty() {
            write!(formatter, "`{}` ", self.path)?;
        }
        formatter.write_str(&self.must)
    }
}

impl std::error::Error for Violation {}

fn ensure(holds: bool, must: impl FnOnce() -> String) -> Result<(), Violation> {
    if holds { Ok(()) } else { Err(Violation::new(must())) }
}
