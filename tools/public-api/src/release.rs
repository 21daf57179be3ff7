//! What the newest release of a checkout holds.

use std::path::{Path, PathBuf};
use std::process::Command;

use semver::Version;

use crate::Result;

/// A tag `vX.Y.Z`, and the commit it names.
#[derive(Debug)]
pub(crate) struct Release {
    root: PathBuf,
    version: Version,
}

impl Release {
    /// The newest release that the checkout descends from. `None` where there is none, as in a clone without tags.
    pub(crate) fn newest(root: &Path) -> Result<Option<Self>> {
        let tags = git(root, &["tag", "--list", "v*", "--merged", "HEAD"])?;
        let versions = tags.lines().filter_map(|tag| tag.strip_prefix('v')?.parse::<Version>().ok());
        let newest = versions.filter(|version| version.pre.is_empty()).max();
        Ok(newest.map(|version| Self { root: root.to_owned(), version }))
    }

    pub(crate) fn tag(&self) -> String {
        format!("v{}", self.version)
    }

    /// The text of a file in this release; `None` where it has no such file.
    pub(crate) fn text_of(&self, file: &Path) -> Result<Option<String>> {
        let file = file.to_string_lossy();
        let is_there = !git(&self.root, &["ls-tree", "--name-only", &self.tag(), "--", &file])?.is_empty();
        is_there.then(|| git(&self.root, &["show", &format!("{}:{file}", self.tag())])).transpose()
    }
}

fn git(root: &Path, arguments: &[&str]) -> Result<String> {
    let output = Command::new("git").arg("-C").arg(root).args(arguments).output()?;
    if !output.status.success() {
        return Err(format!("git {}: {}", arguments.join(" "), String::from_utf8_lossy(&output.stderr).trim()).into());
    }
    Ok(String::from_utf8(output.stdout)?)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use tempfile::{TempDir, tempdir};

    use super::*;
    use crate::record::Record;
    use crate::{against_released, file_of};

    const FIRST: &str = "# a 0.1.0\npub fn a::f()\n";

    #[test]
    fn a_checkout_is_compared_with_its_newest_release() {
        let repository = repository();
        assert!(Release::newest(repository.path()).unwrap().is_none());

        commit(&repository, "# a 0.0.9\n");
        for tag in ["v0.0.9", "vendor", "v0.2.0-rc.1"] {
            git(repository.path(), &["tag", tag]).unwrap();
        }
        commit(&repository, FIRST);
        git(repository.path(), &["tag", "v0.0.10"]).unwrap();
        commit(&repository, "# a 0.1.1\n");

        let release = Release::newest(repository.path()).unwrap().unwrap();
        assert_eq!(release.tag(), "v0.0.10");
        assert_eq!(release.text_of(&file_of("a")).unwrap().as_deref(), Some(FIRST));
        assert_eq!(release.text_of(&file_of("b")).unwrap(), None);

        let judge = |text: &str| against_released(Some(&release), &Record::parse(text).unwrap());
        assert!(judge("# a 0.1.1\n").unwrap_err().to_string().starts_with("since v0.0.10: version 0.1.1 must be"));
        assert!(judge("# a 0.2.0\n").unwrap().ends_with("since v0.0.10"));
        assert!(judge("# b 0.1.0\n").unwrap().ends_with("v0.0.10 has no record to compare with"));
    }

    #[test]
    fn a_release_of_another_branch_is_not_that_of_this_one() {
        let repository = repository();
        commit(&repository, FIRST);
        git(repository.path(), &["checkout", "--quiet", "-b", "next"]).unwrap();
        commit(&repository, "# a 0.2.0\n");
        git(repository.path(), &["tag", "v0.2.0"]).unwrap();
        git(repository.path(), &["checkout", "--quiet", "-"]).unwrap();
        assert!(Release::newest(repository.path()).unwrap().is_none());
    }

    #[test]
    fn a_shallow_clone_without_tags_has_nothing_to_compare_with() {
        let repository = repository();
        commit(&repository, FIRST);
        git(repository.path(), &["tag", "v0.1.0"]).unwrap();
        commit(&repository, "# a 0.1.1\n");
        let clone = tempdir().unwrap();
        let source = format!("file://{}", repository.path().display());
        git(clone.path(), &["clone", "--quiet", "--depth", "1", "--no-tags", &source, "."]).unwrap();

        let release = Release::newest(clone.path()).unwrap();
        let said = against_released(release.as_ref(), &Record::parse("# a 0.1.1\n").unwrap()).unwrap();
        assert!(said.contains("no release is tagged here"), "{said}");
    }

    fn repository() -> TempDir {
        let repository = tempdir().unwrap();
        git(repository.path(), &["init", "--quiet"]).unwrap();
        commit(&repository, "");
        repository
    }

    fn commit(repository: &TempDir, record: &str) {
        let file = repository.path().join(file_of("a"));
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, record).unwrap();
        git(repository.path(), &["add", "."]).unwrap();
        let author = ["-c", "user.name=a", "-c", "user.email=a@localhost", "-c", "commit.gpgsign=false"];
        git(repository.path(), &[&author[..], &["commit", "--quiet", "-m", "a", "--allow-empty"]].concat()).unwrap();
    }
}
