//! The public API of one crate as lines of text.

use std::collections::BTreeSet;
use std::fmt;
use std::fs;
use std::path::Path;

use semver::Version;

use crate::Result;

/// Traits of the compiler's own that are not stable, and the modules of mockall, whose names have a hash in them.
const NOBODY_NAMES: [&str; 4] =
    ["core::marker::Freeze", "core::marker::StructuralPartialEq", "core::marker::UnsafeUnpin", "::__mock_"];

/// The public API of one version of a package: a first line that names both, and a line for each item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Record {
    package: String,
    version: Version,
    items: BTreeSet<String>,
}

impl Record {
    /// What rustdoc's JSON of a crate says, without what [`NOBODY_NAMES`] and what other crates implement for all types.
    pub(crate) fn of_rustdoc(json: &Path) -> Result<Self> {
        let api = public_api::Builder::from_rustdoc_json(json).omit_blanket_impls(true).build()?;
        let document: serde_json::Value = serde_json::from_slice(&fs::read(json)?)?;
        let version = document["crate_version"].as_str().ok_or("rustdoc says no version")?.parse()?;
        let package = json.file_stem().unwrap_or_default().to_string_lossy().replace('_', "-");
        let items = api.items().map(|item| item.to_string());
        let items = items.filter(|item| !NOBODY_NAMES.iter().any(|internal| item.contains(internal))).collect();
        Ok(Self { package, version, items })
    }

    /// Reads what [`Display`](fmt::Display) writes.
    pub(crate) fn parse(text: &str) -> Result<Self> {
        let mut lines = text.lines();
        let title = lines.next().and_then(|line| line.strip_prefix("# ")?.split_once(' '));
        let (package, version) = title.ok_or("a record begins with `# PACKAGE VERSION`")?;
        Ok(Self { package: package.to_owned(), version: version.parse()?, items: lines.map(str::to_owned).collect() })
    }

    pub(crate) fn package(&self) -> &str {
        &self.package
    }

    pub(crate) fn version(&self) -> &Version {
        &self.version
    }

    /// The items that stand in this record and not in another.
    pub(crate) fn beyond<'r>(&'r self, other: &'r Self) -> impl Iterator<Item = &'r String> {
        self.items.difference(&other.items)
    }

    /// What this record has lost and gained since another, a line each.
    pub(crate) fn difference(&self, before: &Self) -> String {
        let version = (before.version != self.version)
            .then(|| [format!("-version {}", before.version), format!("+version {}", self.version)]);
        let lost = before.beyond(self).map(|item| format!("-{item}"));
        let gained = self.beyond(before).map(|item| format!("+{item}"));
        version.into_iter().flatten().chain(lost).chain(gained).collect::<Vec<_>>().join("\n")
    }
}

impl fmt::Display for Record {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(formatter, "# {} {}", self.package, self.version)?;
        self.items.iter().try_for_each(|item| writeln!(formatter, "{item}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_reads_what_it_writes() {
        let text = "# a-crate 0.1.0\npub fn a::f()\npub mod a\n";
        assert_eq!(Record::parse(text).unwrap().to_string(), text);
        for damaged in ["", "pub mod a\n", "# a-crate\n", "# a-crate one\n"] {
            assert!(Record::parse(damaged).is_err(), "{damaged:?}");
        }
    }

    #[test]
    fn a_difference_shows_versions_and_what_was_lost_and_gained() {
        let before = Record::parse("# a 0.1.0\npub fn a::f()\npub mod a\n").unwrap();
        let after = Record::parse("# a 0.2.0\npub fn a::f(u8)\npub mod a\n").unwrap();
        assert_eq!(after.difference(&before), "-version 0.1.0\n+version 0.2.0\n-pub fn a::f()\n+pub fn a::f(u8)");
        assert_eq!(after.difference(&after), "");
    }
}
