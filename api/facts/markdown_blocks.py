"""The blocks of a Markdown text: paragraphs, lists, block quotes, code, tables, HTML.

A text is read as CommonMark says, line by line, and written in one canonical form. Where that is simpler, and hardly
any author relies on it, it is read differently: a link definition is one line, a code span in a table ends where its
cell does, and a list may begin in the middle of a paragraph however far it is indented.
"""

import re
from dataclasses import dataclass

from .markdown_spans import COMMENT, DEFINITION, TAG, key

# Those that CommonMark takes for the start of an HTML block wherever a line begins with them.
BLOCK_TAGS = frozenset(
    """
    blockquote center dd details div dl dt h1 h2 h3 h4 h5 h6 hr li ol p summary table tbody td tfoot th thead tr ul
    """.split()
)  # fmt: skip
# What rustdoc takes for Rust, or for an attempt at it, without punctuation.
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
    """A block quote, or a list item: its contents begin at a column of the source line."""

    marker: str
    column: int | None = None
    written: bool = False

    def contents(self, line):
        """What the container holds of a line; None where the line ends the container."""
        if self.column is None:
            return line[quote.end() :] if (quote := QUOTE.match(line)) else None
        return None if line[: self.column].strip() else line[self.column :]

    def begins_item(self):
        """Whether this is a list item of which nothing is written yet."""
        return self.column is not None and not self.written

    def prefix(self):
        """What the next line in the container begins with."""
        first, self.written = not self.written, True
        return self.marker if first or self.column is None else " " * len(self.marker)


class Blocks:
    """Reads a text line by line and writes its blocks."""

    def __init__(self, spans):
        self.spans = spans
        self.lines, self.paragraphs, self.definitions = [], [], {}
        # Whether there is nothing but paragraphs.
        self.prose = True
        # The containers that are open, and the block: text, code, html, comment or None; its lines.
        self.stack, self.kind, self.block = [], None, []
        # A code's fence with its indentation, None where the code is indented instead; its language.
        self.fence, self.language = None, "text"

    def read(self, line):
        """Takes in the next line of the text."""
        depth = 0
        while depth < len(self.stack) and (contents := self.stack[depth].contents(line)) is not None:
            line, depth = contents, depth + 1
        inside = depth == len(self.stack)
        if inside and self.kind in ("code", "comment", "html") and self.goes_on(line):
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

    def goes_on(self, line):
        """Takes a line into the open block, if that is code, HTML or a comment and the line belongs to it."""
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
        """Opens the containers that begin on a line, and returns what follows their markers."""
        while True:
            # In a paragraph no code can begin, so that an indentation is only that.
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
        """Starts the block that begins with a line, or goes on with the paragraph."""
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
            # Written inside of the containers that it only continues, a line must not turn into an underline.
            escape = "\\" if self.kind == "text" and UNDERLINE.match(line) else ""
            self.kind = "text"
            self.block.append(escape + line)

    def starts_html(self, line):
        """Whether an HTML block starts with the line. One with any tag but those of blocks interrupts no paragraph."""
        tag = TAG.match(line)
        alone = tag and self.kind is None and not line[tag.end() :].strip()
        return tag and self.spans.keeps(tag) and (alone or tag["name"] in BLOCK_TAGS)

    def open(self, kind, depth, *lines, fence=None, language=""):
        """Starts a block in the container at a depth."""
        self.close(depth)
        self.kind, self.block, self.fence, self.prose = kind, list(lines), fence, False
        self.language = "text" if not language or RUST.match(re.sub(r"[\W_]", "", language)) else language

    def close(self, depth):
        """Ends the block, and the containers from a depth on."""
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
        """Writes a paragraph, or a table, cell by cell: a cell is all that its code and its links can be in."""
        text = "\n".join(block).rstrip()
        if self.stack and self.stack[-1].begins_item():
            # Clippy miscounts the indentation of an item with a box of Markdown's.
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
        """Writes a block, or the end of one, that is one line."""
        self.end()
        self.prose = False
        self.write(line)

    def blank(self, depth):
        """Writes an empty line, unless there is one. A list item that has no contents yet has none."""
        self.close(depth)
        while self.stack and self.stack[-1].begins_item():
            self.close(len(self.stack) - 1)
        line = "".join(container.prefix() for container in self.stack).rstrip()
        if self.lines and self.lines[-1] != line:
            self.lines.append(line)

    def write(self, line):
        """Writes a line in the open containers."""
        self.lines.append(("".join(container.prefix() for container in self.stack) + line).rstrip())


def only_text(line, item):
    """Whether what looks like a list item cannot be one in the middle of a paragraph."""
    return item.end() == len(line) or int(item["number"] or 1) != 1
