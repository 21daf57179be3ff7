"""The checks of the book, in small checkouts with one fault each."""

import tempfile
import unittest
from pathlib import Path

from tools import book

TITLE = '[book]\ntitle = "test"\nsrc = "source"\n[build]\ncreate-missing = false\n'


class Book(unittest.TestCase):
    def problems(self, pages):
        with tempfile.TemporaryDirectory() as name:
            root = Path(name, "checkout")
            for path, text in {"docs/book.toml": TITLE, **pages}.items():
                (root / path).parent.mkdir(parents=True, exist_ok=True)
                (root / path).write_text(text, encoding="utf-8")
            built = Path(name, "book")
            return book.build(root, built) + book.dead_links(built / "html")

    def of_page(self, text, **more):
        pages = {"README.md": "# Read me\n", "docs/SUMMARY.md": "[Read](../README.md)\n\n- [Page](page.md)\n"}
        return self.problems({**pages, "docs/page.md": f"# Page\n\n## Part\n\n{text}\n", **more})

    def test_links_to_pages_anchors_and_files_are_right(self):
        text = (
            "[a](../README.md), [b](#part), [`c`](page.md#part), [d](../src/lib.rs), <https://example.org>, `[e](f.md)`"
        )
        self.assertEqual(self.of_page(text, **{"src/lib.rs": ""}), [])

    def test_a_link_to_a_missing_file_is_found(self):
        for target in ("missing.md", "../src/missing.rs", "../../outside.md"):
            self.assertIn(f"docs/page.md: {target} does not exist", self.of_page(f"[a]({target})"))

    def test_a_link_to_a_missing_anchor_is_found(self):
        self.assertEqual(self.of_page("[a](#other)"), ["docs/page.html: #other has no such anchor"])
        self.assertEqual(
            self.of_page("[a](../README.md#other)"), ["docs/page.html: ../index.html#other has no such anchor"]
        )

    def test_an_external_link_needs_a_host(self):
        self.assertEqual(self.of_page("[a](https:///path)"), ["docs/page.md: https:///path is not a URL of the web"])

    def test_a_page_that_the_summary_lacks_is_named_and_the_other_way_round(self):
        self.assertEqual(self.of_page("", **{"docs/b/new.md": "# New\n"}), ["docs/b/new.md is not in docs/SUMMARY.md"])
        found = self.problems({"docs/SUMMARY.md": "- [A](a.md)\n- [B](b.md)\n", "docs/a.md": "# A\n"})
        self.assertEqual(found, ["docs/b.md is in docs/SUMMARY.md but does not exist"])


if __name__ == "__main__":
    unittest.main()
