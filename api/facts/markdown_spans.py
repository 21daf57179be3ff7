"""The text within a Markdown block: links, code, HTML.

- Links to `https:`, `http:` and `mailto:` are kept. Other links, which lead to a page of the vendor's site, become
  their text. Reference links become inline links, and bare URLs become links. All other brackets are escaped.
- An HTML tag is kept if its name is in TAGS, it is in lower case and on one line, its attributes are in double quotes,
  and all tags of its name match; other tags are escaped. TAGS lacks `<pre>`, `<script>` and others whose contents are
  not Markdown. Comments are dropped.
- Unmatched backticks are escaped. A code span is one line.
"""

import re

VOID_TAGS = frozenset({"br", "hr", "img", "wbr"})
TAGS = VOID_TAGS | frozenset(
    """
    a b blockquote center code dd del details div dl dt em h1 h2 h3 h4 h5 h6 i ins kbd li mark ol p q s small span
    strong sub summary sup table tbody td tfoot th thead tr u ul var
    """.split()
)  # fmt: skip
# An address and an optional title, without characters that would take precedence over a link.
TARGET = r"""(?:<[^<>`\\\n]*>|[^\s<>()`\\]*(?:\([^\s<>()`\\]*\)[^\s<>()`\\]*)*)(?:\s+(?:"[^"`\\]*"|'[^'`\\]*'))?"""
INLINE_TARGET = re.compile(rf"\(\s*(?P<target>{TARGET})\s*\)")
LABEL = re.compile(r"\[([^\[\]\\]*)\]")
DEFINITION = re.compile(rf"\[(?P<label>[^\[\]\\^][^\[\]\\]*)\]: *(?=\S)(?P<target>{TARGET}) *$")
ABSOLUTE = re.compile(r"<?(?:https?://|mailto:)[^\s<>]")
COMMENT = re.compile(r"^ {0,3}(?:<!--.*?--> *)+")
TAG = re.compile(
    r"""<(?P<close>/?)(?P<name>[a-z][a-z0-9]*)(?P<attributes>(?:[ ]+[a-z-]+="[^"<>\[\]`\\\n]*")*)[ ]*(?P<empty>/?)>"""
)
TOKEN = re.compile(
    rf"""
    \\[!-/:-@\[-`{{-~]
    | (?P<backslash>\\(?=https?://))
    | (?P<code>(?<!`)(?P<ticks>`+)(?!`).+?(?<!`)(?P=ticks)(?!`))
    | (?P<backticks>`+)
    | (?P<link><(?:(?:https?://|mailto:)[^\s<>\[\]`\\]+|[\w.+-]+@[a-z0-9-]+(?:\.[a-z0-9-]+)*)>)
    | (?P<comment><!--.*?-->)
    | (?P<tag>{TAG.pattern})
    | (?P<less><(?=[A-Za-z/!?]))
    | (?P<open>!?\[)
    | (?P<end>\])
    | (?P<url>https?://[^\s<>"`\\\[\]|]+)
    """,
    re.S | re.X,
)
# The deepest nesting of brackets that may be a link.
DEEP = 8


class Spans:
    """Rewrites texts of a description, given its link definitions and the HTML tags that are kept."""

    def __init__(self, definitions, tags=TAGS):
        self.definitions, self.tags = definitions, tags
        self.seen = []

    def write(self, text, linked=False):
        """Rewrites a text for rustdoc. Within the text of a link (`linked`), nothing becomes a link."""
        done, at = [], 0
        while token := TOKEN.search(text, at):
            done.append(text[at : token.start()])
            piece, at = self.bracket(text, token, linked) if token["open"] else self.piece(token, linked)
            done.append(piece)
        return "".join(done) + text[at:]

    def piece(self, token, linked):
        """Returns the output for a token, and the position after it."""
        text, end = token[0], token.end()
        if token["code"]:
            # A second line could look like the start of a block.
            return re.sub(r" *\n", " ", text), end
        if token["backslash"]:
            return r"\\", end
        if token["backticks"]:
            return r"\`" * len(text), end
        if token["comment"]:
            return "", end
        if token["link"]:
            return text[1:-1] if linked else text, end
        if token["less"] or token["tag"] and not self.keeps(token):
            return r"\<", token.start() + 1
        if token["tag"]:
            self.see(token)
        if token["url"] and not linked:
            url = trimmed(text)
            return f"<{url}>" if ABSOLUTE.match(url) else url, token.start() + len(url)
        return text, end

    def bracket(self, text, token, linked):
        """Returns the output for a bracket, which may start a link or an image, and the position after it."""
        image, start = token[0][:-1], token.end()
        end = closing(text, start)
        target, after = self.target(text, start, end) if end is not None else (None, None)
        if target is None:
            return rf"{image}\[", start
        inner = self.write(text[start:end], linked or not image)
        if not ABSOLUTE.match(target) or linked and not image:
            return unlinked(inner), after
        return f"{image}[{inner}]({' '.join(target.split())})", after

    def target(self, text, start, end):
        """Returns the target of the link whose text is between start and end, and the position after the link."""
        if inline := INLINE_TARGET.match(text, end + 1):
            return inline["target"], inline.end()
        label = LABEL.match(text, end + 1)
        name = label[1] if label and label[1] else text[start:end]
        return self.definitions.get(key(name)), label.end() if label else end + 1

    def raw(self, line):
        """Rewrites a line of an HTML block, which contains no Markdown."""

        def escape(found):
            if found["name"] and self.keeps(found):
                self.see(found)
                return found[0]
            return "" if found[0].startswith("<!") and found[0].endswith("-->") else f"&lt;{found[0][1:]}"

        return re.sub(rf"<!--.*?-->|{TAG.pattern}|<(?=[A-Za-z/!?])", escape, line)

    def keeps(self, tag):
        """Whether a tag is kept."""
        name = tag["name"]
        if name in VOID_TAGS:
            return not tag["close"]
        return name in self.tags and not tag["empty"] and not (tag["close"] and tag["attributes"])

    def see(self, tag):
        if tag["name"] not in VOID_TAGS:
            self.seen.append((tag["close"], tag["name"]))

    def unmatched(self):
        """The names of the tags that are not closed, or not closed in order."""
        wrong, opened = set(), []
        for close, name in self.seen:
            if not close:
                opened.append(name)
            elif opened and opened[-1] == name:
                opened.pop()
            else:
                wrong.add(name)
        return wrong.union(opened)


def closing(text, start):
    """The position of the bracket that closes the one before `start`; None if there is no such bracket."""
    depth = 1
    for token in TOKEN.finditer(text, start):
        depth += bool(token["open"]) - bool(token["end"])
        if depth == 0:
            return token.start()
        if depth > DEEP:
            return None
    return None


def unlinked(inner):
    """The text of a dropped link, in brackets if the text alone could start a block."""
    harmless = re.match(r"(?:[*_]*[^\W\d_]|`[^`])", inner) and not inner[-1].isspace()
    return inner if harmless else rf"\[{inner}]"


def trimmed(url):
    """A URL without the punctuation of its sentence."""
    while url[-1] in ".,;:!?'*_~" or url[-1] == ")" and url.count(")") > url.count("("):
        url = url[:-1]
    return url


def key(label):
    return " ".join(label.casefold().split())
