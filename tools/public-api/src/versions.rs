//! Which version a change of the public API asks for, by cargo's rules.

use semver::{Comparator, Op, Version};

use crate::Result;
use crate::record::Record;

/// Checks that the version of `current` may have the changes that it has since `released`.
///
/// # Errors
///
/// Says which changes ask for which version.
pub(crate) fn check(released: &Record, current: &Record) -> Result<()> {
    let (before, now) = (released.version(), current.version());
    let (fits, needed) = if released.beyond(current).next().is_some() {
        (
            now > before && !compatible(before, now),
            format!("incompatible with {before}, as something is gone or changed"),
        )
    } else if current.beyond(released).next().is_some() {
        (now > before && may_add(before, now), format!("newer than {before}, as something was added"))
    } else {
        (now >= before, format!("not older than {before}"))
    };
    if fits {
        return Ok(());
    }
    Err(format!("version {now} must be {needed}\n{}", current.difference(released)).into())
}

/// Whether cargo takes one version for another: the leftmost number that is not 0 is the same.
fn compatible(before: &Version, now: &Version) -> bool {
    let numbers = before.clone();
    let caret = Comparator {
        op: Op::Caret,
        major: numbers.major,
        minor: Some(numbers.minor),
        patch: Some(numbers.patch),
        pre: numbers.pre,
    };
    caret.matches(now)
}

/// Whether a newer version may have more than another: from 1.0 on a patch may not.
fn may_add(before: &Version, now: &Version) -> bool {
    before.major == 0 || (now.major, now.minor) != (before.major, before.minor)
}

#[cfg(test)]
mod tests {
    use super::*;

    const API: &str = "pub fn a::f()\npub mod a";
    const MORE: &str = "pub fn a::f()\npub fn a::g()\npub mod a";
    const LESS: &str = "pub mod a";
    const OTHER: &str = "pub fn a::f(u8)\npub mod a";

    #[test]
    fn what_is_the_same_may_have_the_same_version_or_a_newer_one() {
        fits(&[("0.1.0", "0.1.0"), ("0.1.0", "0.1.1"), ("1.2.3", "1.2.4"), ("1.2.3", "2.0.0")], API);
        fits_not(&[("0.1.1", "0.1.0"), ("2.0.0", "1.9.0")], API);
    }

    #[test]
    fn what_was_added_asks_for_a_newer_version_and_from_1_on_for_a_minor_one() {
        fits(&[("0.1.0", "0.1.1"), ("0.1.0", "0.2.0"), ("1.2.3", "1.3.0"), ("1.2.3", "2.0.0")], MORE);
        fits_not(&[("0.1.0", "0.1.0"), ("1.2.3", "1.2.3"), ("1.2.3", "1.2.4"), ("0.2.0", "0.1.0")], MORE);
    }

    #[test]
    fn what_is_gone_or_changed_asks_for_an_incompatible_version() {
        for changed in [LESS, OTHER] {
            fits(&[("0.1.0", "0.2.0"), ("0.0.1", "0.0.2"), ("0.1.0", "1.0.0"), ("1.2.3", "2.0.0")], changed);
            fits_not(&[("0.1.0", "0.1.0"), ("0.1.0", "0.1.1"), ("1.2.3", "1.3.0"), ("0.2.0", "0.1.0")], changed);
        }
    }

    #[test]
    fn what_is_said_names_the_versions_and_the_items() {
        let error = check(&record("0.1.0", API), &record("0.1.1", OTHER)).unwrap_err().to_string();
        assert!(error.starts_with("version 0.1.1 must be incompatible with 0.1.0"), "{error}");
        assert!(error.ends_with("-pub fn a::f()\n+pub fn a::f(u8)"), "{error}");
    }

    fn fits(versions: &[(&str, &str)], changed: &str) {
        for (before, now) in versions {
            assert!(check(&record(before, API), &record(now, changed)).is_ok(), "{before} {now}");
        }
    }

    fn fits_not(versions: &[(&str, &str)], changed: &str) {
        for (before, now) in versions {
            assert!(check(&record(before, API), &record(now, changed)).is_err(), "{before} {now}");
        }
    }

    fn record(version: &str, items: &str) -> Record {
        Record::parse(&format!("# a {version}\n{items}\n")).unwrap()
    }
}
