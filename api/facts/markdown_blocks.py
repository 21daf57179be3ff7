"""The blocks of a Markdown text: paragraphs, lists, block quotes, code, tables, HTML.

Reads a text line by line according to CommonMark, and writes it in one canonical form. Three rules are simpler than
CommonMark's, and hardly any author relies on the difference: a link definition is one line, a code span in a table ends
with its cell, and a list may interrupt a paragraph at any indentation.
"""

import re
from dataclasses import dataclass

from .markdown_spans import COMMENT, DEFINITION, TAG, key

# A line that begins with one of these starts an HTML block in CommonMark, even within a paragraph.
BLOCK_TAGS = frozenset(
    """
    blockquote center dd details div dl dt h1 h2 h3 h4 h5 h6 hr li ol p summary table tbody td tfoot th thead tr ul
    """.split()
)  # fmt: skip
# The languages, without punctuation, that rustdoc takes for Rust or for a misspelling of its attributes.
RUST = re.compile(r"rust|ignore|edition|custom|norun|shouldpanic|compilefail|testharness|standalone|e\d{4}$")

QUOTE = re.compile(r" {0,3}> ?")
ITEM = re.compile(r" {0,3}(?P<marker>[-+*]|(?P<number>\d{1,9})[.)])(?: *$| {1,4}(?=\S)| (?= {4}))")
RULE = re.compile(r" {0,3}([-*_])(?: *\1){2,} *$")
UNDERLINE = re.compile(r" *(?:=+|-+) *$")
HEADING = re.compile(r"(#{1,6})(?: +|$)")
FENCE = re.compile(r"(`{3,}(?=[^`]*$)|~{3,}) *([A-Za-z0-9][A-Za-z0-9+_-]*|)")
TASK = re.compile(r"^\[([ xX])\] (?=\S)")
DELIMITER_ROW = re.compile(r"^(?=.*\|)(?=.*-)[|: -]+$", re.M)
CELL_END = re.compile(r"((?<!\\)\||\n)")


@dataclass
class Container:
    """A block quote, or a list item, whose contents begin at a column of the source line."""

    marker: str
    column: int | None = None
    written: bool = False

    def contents(self, line):
        """The part of a line that belongs to the container; None if the line ends the container."""
        if self.column is None:
            return line[quote.end() :] if (quote := QUOTE.match(line)) else None
        return None if line[: self.column].strip() else line[self.column :]

    def begins_item(self):
        """Whether this is a list item, and none of its lines is written yet."""
        return self.column is not None and not self.written

    def prefix(self):
        """The start of the container's next line."""
        first, self.written = not self.written, True
        return self.marker if first or self.column is None else " " * len(self.marker)


class Blocks:
    """Reads a text line by line and writes its blocks."""

    def __init__(self, spans):
        self.spans = spans
        self.lines, self.paragraphs, self.definitions = [], [], {}
        # Whether all blocks are paragraphs.
        self.prose = True
        # The open containers. The kind of the open block (text, code, html, comment or None) and its lines.
        self.stack, self.kind, self.block = [], None, []
        # The fence of a code block with its indentation, or None for indented code. Its language.
        self.fence, self.language = None, "text"

    def read(self, line):
        """Reads the next line of the text."""
        depth = 0
        while depth < len(self.stack) and (contents := self.stack[depth].contents(line)) is not None:
            line, depth = contents, depth + 1
        inside = depth == len(self.stack)
        if inside and self.kind in ("code", "comment", "html") and self.continues(line):
            return
        if not line.strip():
            return self.blank(depth)
        if self.kind != "text":
            self.close(depth)
        elif inside and UNDERLINE.match(line):
            return self.single(line.strip())
        line = self.enter(line, depth)
        if line.strip():
            self.start(line, depth)

    def continues(self, line):
        """Adds a line to the open code, HTML or comment. Returns False if the line does not belong to it."""
        if self.kind == "comment":
            self.kind = None if "-->" in line else "comment"
        elif self.kind == "html" and line.strip():
            self.block.append(line.strip())
        elif self.kind == "code" and self.fence:
            mark, indent = self.fence
            if re.match(rf" {{0,3}}{mark}{mark[0]}* *$", line):
                self.end()
            else:
                self.block.append(re.sub(rf"^ {{0,{indent}}}", "", line))
        elif self.kind == "code" and (line.startswith("    ") or not line.strip()):
            self.block.append(line[4:])
        else:
            return False
        return True

    def enter(self, line, depth):
        """Opens the containers that begin on a line, and returns the rest of the line."""
        while True:
            # Indented code cannot interrupt a paragraph, so indentation means nothing there.
            indent = len(line) - len(line.lstrip(" ")) if self.kind == "text" else 0
            line = COMMENT.sub("", line[indent:])
            item, inside = ITEM.match(line), depth == len(self.stack)
            if found := QUOTE.match(line):
                container = Container("> ")
            elif item and not RULE.match(line) and not (self.kind == "text" and inside and only_text(line, item)):
                column = item.end() if line[item.end() :] else item.end("marker") + 1
                found, container = item, Container(f"{item['marker']} ", indent + column)
            else:
                return line
            self.close(depth)
            self.stack.append(container)
            self.prose, depth, line = False, depth + 1, line[found.end() :]

    def start(self, line, depth):
        """Starts the block that begins with a line, or continues the paragraph."""
        depth = len(self.stack) if self.kind is None else depth
        if self.kind is None and line.startswith("    "):
            return self.open("code", depth, line[4:])
        indent, line = len(line) - len(line.lstrip(" ")), line.lstrip(" ")
        if self.kind is None and (definition := DEFINITION.match(line)):
            self.definitions.setdefault(key(definition["label"]), definition["target"])
        elif line.startswith("<!--") and "-->" not in line:
            self.blank(depth)
            self.kind = "comment"
        elif heading := HEADING.match(line):
            self.close(depth)
            self.single(f"{heading[1]} {self.spans.write(line[heading.end() :].strip())}")
        elif fence := FENCE.match(line):
            self.open("code", depth, fence=(fence[1], indent), language=fence[2].lower())
        elif RULE.match(line):
            self.close(depth)
            self.single(line.strip())
        elif self.starts_html(line):
            self.open("html", depth, line.strip())
        else:
            # A lazy continuation line is written inside its containers, where it must not become an underline.
            escape = "\\" if self.kind == "text" and UNDERLINE.match(line) else ""
            self.kind = "text"
            self.block.append(escape + line)

    def starts_html(self, line):
        """Whether an HTML block starts with the line. Within a paragraph, only a tag of BLOCK_TAGS starts one."""
        tag = TAG.match(line)
        alone = tag and self.kind is None and not line[tag.end() :].strip()
        return tag and self.spans.keeps(tag) and (alone or tag["name"] in BLOCK_TAGS)

    def open(self, kind, depth, *lines, fence=None, language=""):
        """Starts a block in the container at a depth."""
        self.close(depth)
        self.kind, self.block, self.fence, self.prose = kind, list(lines), fence, False
        self.language = "text" if not language or RUST.match(re.sub(r"[\W_]", "", language)) else language

    def close(self, depth):
        """Ends the open block, and all containers below a depth."""
        self.end()
        while len(self.stack) > depth:
            if not self.stack[-1].written:
                self.write("")
            self.stack.pop()

    def end(self):
        """Writes the open block."""
        kind, block, self.kind, self.block = self.kind, self.block, None, []
        if kind == "text":
            self.paragraph(block)
        elif kind == "html":
            for line in block:
                self.write(self.spans.raw(line))
        elif kind == "code":
            code = "\n".join(block).rstrip()
            fence = "`" * max([3, *(len(run) + 1 for run in re.findall("`{3,}", code))])
            for line in [fence + self.language, *(code.split("\n") if code else []), fence]:
                self.write(line)
            if code != "\n".join(block):
                self.blank(len(self.stack))

    def paragraph(self, block):
        """Writes a paragraph, or a table cell by cell: code and links do not extend beyond a cell."""
        text = "\n".join(block).rstrip()
        if self.stack and self.stack[-1].begins_item():
            # Clippy miscounts the indentation of a Markdown task.
            text = TASK.sub(lambda box: "☐ " if box[1] == " " else "☑ ", text)
        if DELIMITER_ROW.search(text):
            self.prose = False
            pieces = CELL_END.split(text)
            pieces[::2] = map(self.spans.write, pieces[::2])
            text = "".join(pieces)
        else:
            self.paragraphs.append(re.sub(r" *\\?\n", " ", text))
            text = re.sub(r" {2,}\n", r"\\\n", self.spans.write(text))
        for line in text.split("\n"):
            self.write(line)

    def single(self, line):
        """Writes a line that is a block, or ends one."""
        self.end()
        self.prose = False
        self.write(line)

    def blank(self, depth):
        """Writes an empty line, unless the last line is empty. It ends a list item that has no contents yet."""
        self.close(depth)
        while self.stack and self.stack[-1].begins_item():
            self.close(len(self.stack) - 1)
        line = "".join(container.prefix() for container in self.stack).rstrip()
        if self.lines and self.lines[-1] != line:
            self.lines.append(line)

    def write(self, line):
        """Writes a line within the open containers."""
        self.lines.append(("".join(container.prefix() for container in self.stack) + line).rstrip())


def only_text(line, item):
    """Whether a line that looks like a list item cannot interrupt a paragraph."""
    return item.end() == len(line) or int(item["number"] or 1) != 1
