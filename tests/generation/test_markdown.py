"""Tests that descriptions become documentation comments with the same meaning, and without a warning from any tool."""

import json
import os
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

from api.facts.markdown import comment, inline, plain

ROOT = Path(__file__).resolve().parents[2]

# Descriptions, and the lines of their comments.
COMMENTS = {
    # Text
    "One line.": ["One line."],
    "\n\n  First \n\n\n\n Second\n\n": ["First", "", "Second"],
    " \n\t\n": [],
    "An end\\": ["An end\\"],
    "hard  \nbreak": ["hard\\", "break"],
    "*/ /* // /// //!": ["*/ /* // /// //!"],
    "✅ “quoted” – 日本語": ["✅ “quoted” – 日本語"],
    "`one` and `two": ["`one` and \\`two"],
    "``a ` b`` ```": ["``a ` b`` \\`\\`\\`"],
    "`over\n- lines`": ["\\`over", "- lines\\`"],
    "`over\nlines`": ["`over lines`"],
    # Characters
    "a\r\nb\rc": ["a", "b", "c"],
    "nul\0 bell\a esc\x1b[0m": ["nul bell esc\\[0m"],
    "right\u202eleft\u2066 mark\ufeff": ["rightleft mark"],
    "no\u00a0break\u2028line\u3000": ["no break line"],
    "half \ud83d": ["half \ufffd"],
    "- a\tb\n\tc": ["- a b", "  c"],
    # Headings, rules, tables
    "# Title\ntext\n\nOther\n---\n***": ["# Title", "text", "", "Other", "---", "***"],
    "# Errors [1] #": ["# Errors \\[1] #"],
    "| a | `b|c` |\n|---|:-:|\n| [x] | y\\|z |": ["| a | \\`b|c\\` |", "|---|:-:|", "| \\[x] | y\\|z |"],
    # Lists and quotes
    "*   wide\n*   items\n\n    of two": ["* wide", "* items", "", "  of two"],
    "- lazy\nline": ["- lazy", "  line"],
    "1. one\n   more\n     deeper\n2. two": ["1. one", "   more", "   deeper", "2. two"],
    "10) ten\n    - sub\n    text": ["10) ten", "    - sub", "      text"],
    "text\n    - indented": ["text", "- indented"],
    "text\n2. no list": ["text", "2. no list"],
    "- [ ] todo\n  more\n\n  para\n  graph\n- [x] done [ ]": [
        "- ☐ todo", "  more", "", "  para", "  graph", "- ☑ done \\[ ]"
    ],
    "> quote\nlazy\n\nafter": ["> quote", "> lazy", "", "after"],
    "> quote\n===": ["> quote", "> \\==="],
    ">- a\n>\n>   b": ["> - a", ">", ">   b"],
    "-\n\ntext": ["-", "", "text"],
    # Code
    "```\nlet x;\n```": ["```text", "let x;", "```"],
    "```rust\nlet x;\n```": ["```text", "let x;", "```"],
    "```rust,should_panic\n```": ["```text", "```"],
    "```no-run\n```": ["```text", "```"],
    "``` {.json}\n```": ["```text", "```"],
    "```JSON title=\"x\"\n{\n\n\n  [a]: <b>\n}\n```": ["```json", "{", "", "", "  [a]: <b>", "}", "```"],
    "~~~sh\necho ```\n~~~": ["````sh", "echo ```", "````"],
    "````\n```\n````": ["````text", "```", "````"],
    "```sh\nunclosed": ["```sh", "unclosed", "```"],
    "text\n\n    code\n\n      more\n\nend": ["text", "", "```text", "code", "", "  more", "```", "", "end"],
    "- item\n\n      code": ["- item", "", "  ```text", "  code", "  ```"],
    "1. item\n   ```sh\n   echo\n   ```\n2. two": ["1. item", "   ```sh", "   echo", "   ```", "2. two"],
    # Links
    "See https://example.com/a_(b).": ["See <https://example.com/a_(b)>."],
    "\\https://example.com": ["\\\\<https://example.com>"],
    "(**http://localhost:8181**)": ["(**<http://localhost:8181>**)"],
    "`https://a.example` <https://b.example> <me@c.example>": [
        "`https://a.example` <https://b.example> <me@c.example>"
    ],
    "[a](https://a.example \"A\") ![b](https://b.example/i.png)": [
        "[a](https://a.example \"A\") ![b](https://b.example/i.png)"
    ],
    "[https://a.example](https://a.example)": ["[https://a.example](https://a.example)"],
    "[`/ping`](#operation/GetPing) and [the guide](/docs/guide/)": ["`/ping` and the guide"],
    "[1. Setup](#setup)": ["\\[1. Setup]"],
    "[RFC][1], [two], [Three][]\n\n[1]: https://a.example\n[two]: /two\n[three]: <https://c.example> 'C'": [
        "[RFC](https://a.example), two, [Three](<https://c.example> 'C')"
    ],
    "[text] [Vec] [`Vec`] [][a] [x](y": ["\\[text] \\[Vec] \\[`Vec`] \\[]\\[a] \\[x](y"],
    "Note[^1]\n\n[^1]: text": ["Note\\[^1]", "", "\\[^1]: text"],
    "arr[0] \\[kept] [a [b](https://b.example)](https://a.example)": [
        "arr\\[0] \\[kept] [a b](https://a.example)"
    ],
    # HTML
    "Vec<T>, <token>, a < b, <=": ["Vec\\<T>, \\<token>, a < b, <="],
    "a<br>b <br/> <a href=\"https://a.example\">x</a>": ["a<br>b <br/> <a href=\"https://a.example\">x</a>"],
    "<b>unclosed, <i>closed</i>": ["\\<b>unclosed, <i>closed</i>"],
    "<b><i></b></i>": ["\\<b><i>\\</b></i>"],
    "<details>\n<summary>More</summary>\n\n- [x]\n\n</details>": [
        "<details>", "<summary>More</summary>", "", "- \\[x]", "", "</details>",
    ],
    "<p>\n[raw] <T> `</p>": ["<p>", "[raw] &lt;T> `</p>"],
    "<pre>x</pre>": ["\\<pre>x\\</pre>"],
    "a <!-- b --> c\n<!-- d\n\ne -->\nf": ["a  c", "", "f"],
    "<![CDATA[x": ["\\<!\\[CDATA\\[x"],
}  # fmt: skip

INLINES = {
    "One\n  line.": "One line.",
    "First.\n\nSecond `a|b`.": "First. Second `a|b`.",
    "The unit:\n\n- ms\n- s": "The unit:",
    "- first\n- second": "first",
    "```\ncode\n```": "",
    "See [a] and [b].\n\n[b]: https://b.example": "See \\[a] and [b](https://b.example).",
    "Long, e.g. `a. B` (see. This). " + "More of it. " * 30: "Long, e.g. `a. B` (see. This).",
}

PLAINS = {
    "The **API** of [`x`](/y), see <br>\nhttps://z.example. More.": "The API of x, see https://z.example.",
    "# Title\n\nA \\* b.": "A * b.",
    "": "",
}


class Markdown(unittest.TestCase):
    maxDiff = None

    def test_a_comment_has_the_meaning_of_its_description(self):
        for text, lines in COMMENTS.items():
            with self.subTest(text):
                self.assertEqual(comment(text).split("\n"), [f"/// {line}".rstrip() for line in lines] or [""])

    def test_all_lines_of_a_comment_are_indented(self):
        self.assertEqual(comment("a\n\nb", "    "), "    /// a\n    ///\n    /// b")

    def test_a_comment_that_is_parsed_again_stays_the_same(self):
        for lines in COMMENTS.values():
            with self.subTest(lines):
                self.assertEqual(comment("\n".join(lines)), comment_of(lines))

    def test_inline_text_is_one_line(self):
        for text, line in INLINES.items():
            with self.subTest(text):
                self.assertEqual(inline(text), line)

    def test_a_cell_escapes_characters_that_would_end_it(self):
        self.assertEqual(inline("a | b \\| `c|d`", cell=True), "a \\| b \\| `c\\|d`")

    def test_plain_text_has_no_markdown(self):
        for text, line in PLAINS.items():
            with self.subTest(text):
                self.assertEqual(plain(text), line)

    def test_no_tool_warns_about_a_comment(self):
        texts = [*COMMENTS, *INLINES, *descriptions(json.loads((ROOT / "generated/openapi.json").read_text("utf-8")))]
        with tempfile.TemporaryDirectory() as folder:
            crate = Path(folder)
            (crate / "src").mkdir()
            (crate / "Cargo.toml").write_text('[package]\nname = "samples"\nversion = "0.0.0"\nedition = "2024"\n')
            shutil.copy(ROOT / "rust-toolchain.toml", crate)
            items = "".join(item(number, text) for number, text in enumerate(texts))
            source = f"//! Samples.\n#![deny(warnings, missing_docs, clippy::all, rustdoc::all)]\n{items}"
            (crate / "src/lib.rs").write_text(source, "utf-8")
            for command in ("clippy", "doc", "test --doc"):
                with self.subTest(command):
                    done = cargo(crate, command)
                    self.assertEqual(done.returncode, 0, done.stderr)
            self.assertIn("running 0 tests", done.stdout)


def comment_of(lines):
    return "\n".join(f"/// {line}".rstrip() for line in lines)


def descriptions(value):
    """Every description and summary in a document."""
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
        if key in ("description", "summary") and isinstance(inner, str):
            yield inner
        elif isinstance(inner, (dict, list)):
            yield from descriptions(inner)


def item(number, text):
    """A struct that has the text as its comment and as a field's comment, and one that has it in a list and a table."""
    line, cell = inline(text), inline(text, cell=True)
    whole, field = comment(text) or "/// Nothing.", comment(text, "    ") or "    /// Nothing."
    return (
        f"{whole}\npub struct Item{number} {{\n{field}\n    pub field: u8,\n}}\n"
        f"/// - `x`: {line}\n///\n/// | a | b |\n/// |---|---|\n/// | `x` | {cell} |\npub struct Line{number};\n"
    )


def cargo(crate, command):
    environment = {**os.environ, "CARGO_TARGET_DIR": str(crate / "target")}
    return subprocess.run(
        ["cargo", *command.split()], cwd=crate, env=environment, capture_output=True, text=True, timeout=900
    )


if __name__ == "__main__":
    unittest.main()
