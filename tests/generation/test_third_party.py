"""Tests that a target folder receives the third-party crates of another, and no other crates."""

import tempfile
import unittest
from pathlib import Path

from tools import third_party

LOCK = """
[[package]]
name = "ours"
version = "0.1.0"

[[package]]
name = "third-party"
version = "1.0.0"
source = "registry+https://github.com/rust-lang/crates.io-index"
"""
FILES = {
    "third-party": (
        ".fingerprint/third-party-0123456789abcdef/lib-third_party",
        "build/third-party-0123456789abcdef/output",
        "deps/libthird_party-0123456789abcdef.rlib",
    ),
    "ours": (
        ".fingerprint/ours-fedcba9876543210/lib-ours",
        "build/ours-fedcba9876543210/output",
        "deps/libours-fedcba9876543210.rlib",
        "deps/ours-fedcba9876543210",
    ),
}


class ThirdParty(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.source, self.target = Path(folder.name) / "source", Path(folder.name) / "target"
        self.lock = Path(folder.name) / "Cargo.lock"
        self.lock.write_text(LOCK, encoding="utf-8")

    def fill(self):
        for name in (name for names in FILES.values() for name in names):
            (self.source / "debug" / name).parent.mkdir(parents=True, exist_ok=True)
            (self.source / "debug" / name).write_text("of the source", encoding="utf-8")

    def shared(self):
        third_party.share(self.source, self.target, self.lock)
        files = (path for path in self.target.rglob("*") if path.is_file())
        return sorted(path.relative_to(self.target / "debug").as_posix() for path in files)

    def test_only_crates_of_a_registry_are_shared(self):
        self.fill()
        self.assertEqual(self.shared(), sorted(FILES["third-party"]))

    def test_crates_that_are_compiled_later_are_shared_too(self):
        self.fill()
        self.shared()
        later = "deps/libthird_party-0123456789abcdee.rlib"
        for name in (later, ".fingerprint/third-party-0123456789abcdee/lib-third_party"):
            (self.source / "debug" / name).parent.mkdir(parents=True, exist_ok=True)
            (self.source / "debug" / name).write_text("of the source", encoding="utf-8")
        self.assertIn(later, self.shared())

    def test_a_folder_that_has_compiled_a_crate_itself_gets_no_others(self):
        self.fill()
        name = FILES["third-party"][2]
        (self.target / "debug" / name).parent.mkdir(parents=True)
        (self.target / "debug" / name).write_text("of the target", encoding="utf-8")
        self.assertEqual(self.shared(), [name])
        self.assertEqual((self.target / "debug" / name).read_text(encoding="utf-8"), "of the target")

    def test_a_file_that_cargo_writes_again_does_not_change_the_source(self):
        self.fill()
        self.shared()
        for name in FILES["third-party"][:2]:
            (self.target / "debug" / name).write_text("of the target", encoding="utf-8")
            self.assertEqual((self.source / "debug" / name).read_text(encoding="utf-8"), "of the source")

    def test_without_a_build_nothing_is_shared(self):
        self.assertEqual(self.shared(), [])


if __name__ == "__main__":
    unittest.main()
