//! The limits that a document's schemas set and Rust's types cannot express.
//!
//! The service validates parameters and bodies before it calls an implementation. A client may call
//! [`Validate::validate`] before it sends.

use std::collections::HashSet;
use std::fmt;

use serde::Serialize;
use serde_json::Value;

#[cfg(feature = "pattern")]
mod pattern;

#[cfg(feature = "pattern")]
pub use pattern::{Pattern, pattern};

/// A value whose schema sets limits.
pub trait Validate {
    /// Checks every limit that the schemas of the value and of its parts set.
    ///
    /// # Errors
    ///
    /// The first limit that the value exceeds.
    fn validate(&self) -> Result<(), Violation>;
}

/// A limit that a value exceeds.
///
/// Its text says where the value is and what must hold. It never repeats the value, which may be a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    path: String,
    must: String,
}

impl Violation {
    /// A violation by the validated value itself. `must` says what has to hold: "must be positive".
    pub fn new(must: impl Into<String>) -> Self {
        Self { path: String::new(), must: must.into() }
    }

    /// The path to the part that is wrong, such as `fields[0].name`; empty for the validated value itself.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// What has to hold: "must have at least 1 character".
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

fn count(number: usize, one: &str, many: &str) -> String {
    if number == 1 { format!("1 {one}") } else { format!("{number} {many}") }
}

/// Checks that a text has at least `least` characters.
pub fn min_length(text: &str, least: usize) -> Result<(), Violation> {
    ensure(text.chars().take(least).count() == least, || {
        format!("must have at least {}", count(least, "character", "characters"))
    })
}

/// Checks that a text has at most `most` characters.
pub fn max_length(text: &str, most: usize) -> Result<(), Violation> {
    ensure(text.chars().nth(most).is_none(), || format!("must have at most {}", count(most, "character", "characters")))
}

/// Checks that a number is at least `least`.
pub fn minimum<N: PartialOrd + fmt::Display>(number: &N, least: N) -> Result<(), Violation> {
    ensure(*number >= least, || format!("must be at least {least}"))
}

/// Checks that a number is greater than `bound`.
pub fn exclusive_minimum<N: PartialOrd + fmt::Display>(number: &N, bound: N) -> Result<(), Violation> {
    ensure(*number > bound, || format!("must be greater than {bound}"))
}

/// Checks that a number is at most `most`.
pub fn maximum<N: PartialOrd + fmt::Display>(number: &N, most: N) -> Result<(), Violation> {
    ensure(*number <= most, || format!("must be at most {most}"))
}

/// Checks that a number is less than `bound`.
pub fn exclusive_maximum<N: PartialOrd + fmt::Display>(number: &N, bound: N) -> Result<(), Violation> {
    ensure(*number < bound, || format!("must be less than {bound}"))
}

/// Checks that a number is a multiple of `step`.
pub fn multiple_of<N: Multiple>(number: &N, step: N) -> Result<(), Violation> {
    ensure(number.is_multiple(&step), || format!("must be a multiple of {step}"))
}

/// Numbers that can be multiples of one another.
pub trait Multiple: fmt::Display {
    /// Whether the number is `step` times a whole number.
    fn is_multiple(&self, step: &Self) -> bool;
}

macro_rules! multiple {
    ($($integer:ty)*) => {
        $(
            impl Multiple for $integer {
                fn is_multiple(&self, step: &Self) -> bool {
                    self % step == 0
                }
            }
        )*
    };
}
multiple!(i32 i64 i128 u32 u64);

impl Multiple for f64 {
    /// Up to the precision of the type: 0.07 is a multiple of 0.01, although their quotient is not quite 7.
    fn is_multiple(&self, step: &Self) -> bool {
        let quotient = self / step;
        (quotient - quotient.round()).abs() <= 1e-9 * quotient.abs().max(1.0)
    }
}

/// Checks that an array has at least `least` items.
pub fn min_items<T>(items: &[T], least: usize) -> Result<(), Violation> {
    ensure(items.len() >= least, || format!("must have at least {}", count(least, "item", "items")))
}

/// Checks that an array has at most `most` items.
pub fn max_items<T>(items: &[T], most: usize) -> Result<(), Violation> {
    ensure(items.len() <= most, || format!("must have at most {}", count(most, "item", "items")))
}

/// Checks that no two items of an array are equal. Compares their JSON, so that the time grows linearly.
pub fn unique_items<T: Serialize>(items: &[T]) -> Result<(), Violation> {
    let mut seen = HashSet::new();
    let mut texts = items.iter().filter_map(|item| serde_json::to_string(item).ok());
    ensure(texts.all(|text| seen.insert(text)), || "must not repeat an item".to_owned())
}

/// Checks that an object has at least `least` properties.
pub fn min_properties(number: usize, least: usize) -> Result<(), Violation> {
    ensure(number >= least, || format!("must have at least {}", count(least, "property", "properties")))
}

/// Checks that an object has at most `most` properties.
pub fn max_properties(number: usize, most: usize) -> Result<(), Violation> {
    ensure(number <= most, || format!("must have at most {}", count(most, "property", "properties")))
}

/// The number of properties that a struct has as JSON.
pub fn properties<T: Serialize>(object: &T) -> usize {
    serde_json::to_value(object).ok().and_then(|value| value.as_object().map(serde_json::Map::len)).unwrap_or_default()
}

/// Checks that an object that is read as a map has a property.
pub fn required(present: bool, name: &str) -> Result<(), Violation> {
    ensure(present, || format!("must have the property `{name}`"))
}

/// Checks that a value is in a list that is given as JSON.
pub fn listed<T: Serialize>(value: &T, list: &str) -> Result<(), Violation> {
    let values: Vec<Value> = serde_json::from_str(list).unwrap_or_default();
    let held = serde_json::to_value(value).is_ok_and(|value| values.contains(&value));
    ensure(held, || format!("must be one of {list}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn must(result: Result<(), Violation>) -> Option<String> {
        result.err().map(|violation| violation.to_string())
    }

    #[test]
    fn a_limit_holds_up_to_its_bound() {
        for (result, expected) in [
            (min_length("é", 1), None),
            (min_length("", 1), Some("must have at least 1 character")),
            (max_length("éé", 2), None),
            (max_length("ééé", 2), Some("must have at most 2 characters")),
            (minimum(&1, 1), None),
            (minimum(&0, 1), Some("must be at least 1")),
            (exclusive_minimum(&1, 1), Some("must be greater than 1")),
            (maximum(&1, 1), None),
            (maximum(&2, 1), Some("must be at most 1")),
            (exclusive_maximum(&1, 1), Some("must be less than 1")),
            (multiple_of(&6, 3), None),
            (multiple_of(&7, 3), Some("must be a multiple of 3")),
            (multiple_of(&0.07, 0.01), None),
            (multiple_of(&0.075, 0.01), Some("must be a multiple of 0.01")),
            (min_items(&[1], 2), Some("must have at least 2 items")),
            (max_items(&[1, 2], 1), Some("must have at most 1 item")),
            (unique_items(&["a", "b"]), None),
            (unique_items(&["a", "a"]), Some("must not repeat an item")),
            (min_properties(0, 1), Some("must have at least 1 property")),
            (max_properties(2, 1), Some("must have at most 1 property")),
            (required(false, "name"), Some("must have the property `name`")),
            (listed(&1, "[1, 2]"), None),
            (listed(&3, "[1, 2]"), Some("must be one of [1, 2]")),
        ] {
            assert_eq!(must(result).as_deref(), expected);
        }
    }

    #[test]
    fn a_violation_names_the_path_to_the_value() {
        let violation = Violation::new("must be positive").within("number").item(0).within("fields").key("a");
        assert_eq!(violation.to_string(), r#"`["a"].fields[0].number` must be positive"#);
    }
}
