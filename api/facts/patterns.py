"""Translates the document's patterns (ECMA-262 regular expressions) to the syntax of the crate `fancy-regex`.

The two differ in classes such as `\\d`, which are ASCII in ECMA-262 and Unicode in Rust; in brackets and operators
within a class; in escapes; and in a `{` that does not start a repetition.
"""

import re

DIGIT = "0-9"
WORD = "0-9A-Za-z_"
SPACE = r"\t\n\x0B\x0C\r \x{A0}\x{1680}\x{2000}-\x{200A}\x{2028}\x{2029}\x{202F}\x{205F}\x{3000}\x{FEFF}"
CLASSES = {"d": DIGIT, "w": WORD, "s": SPACE}
CONTROLS = {"f": 12, "n": 10, "r": 13, "t": 9, "v": 11}
GROUPS = re.compile(r"\?(?:[:=!]|<[=!]|<(?P<name>[^\W\d]\w*)>)")
REPETITION = re.compile(r"(?:[*+?]|\{(?P<least>\d+)(?P<comma>,)?(?P<most>\d+)?\})\??")
# The automaton for more repetitions of a class would exceed the memory limit of the crate.
MOST_REPEATED = 10_000


class Malformed(Exception):
    """The pattern is not a regular expression, or Rust cannot express it."""


def rust(pattern):
    """The pattern in Rust's syntax."""
    return Translation(pattern).whole()


class Translation:
    def __init__(self, pattern):
        self.text = pattern
        self.at = 0
        self.groups = len(re.findall(r"(?<!\\)\((?!\?)|\(\?<(?![=!])", pattern))

    def whole(self):
        translated = self.disjunction()
        if self.at < len(self.text):
            raise Malformed("a `)` has no matching `(`")
        return translated

    def disjunction(self):
        """Translates everything up to the end of the group."""
        parts, repeatable = [], False
        while self.at < len(self.text) and self.text[self.at] != ")":
            if repetition := REPETITION.match(self.text, self.at):
                if not repeatable:
                    raise Malformed(f"`{repetition[0]}` repeats nothing")
                parts.append(self.repetition(repetition))
                repeatable = False
                continue
            character = self.take()
            repeatable = character not in "^|"
            if character == "(":
                parts.append(self.group())
            elif character == "[":
                parts.append(self.bracket())
            elif character == ".":
                parts.append(r"[^\n\r\x{2028}\x{2029}]")
            elif character == "\\":
                parts.append(self.escape())
            else:
                parts.append(character if character in "^$|" else plain(ord(character)))
        return "".join(parts)

    def take(self, count=1):
        taken = self.text[self.at : self.at + count]
        if len(taken) < count:
            raise Malformed("it ends too early")
        self.at += count
        return taken

    def repetition(self, match):
        self.at = match.end()
        counts = [int(count) for count in (match["least"], match["most"]) if count]
        if counts != sorted(counts):
            raise Malformed(f"`{match[0]}` has its bounds in the wrong order")
        if any(count > MOST_REPEATED for count in counts):
            raise Malformed(f"`{match[0]}` repeats more than {MOST_REPEATED} times")
        return match[0]

    def group(self):
        opening = "("
        if self.text.startswith("?", self.at):
            kind = GROUPS.match(self.text, self.at)
            if not kind:
                raise Malformed(f"`({self.text[self.at : self.at + 3]}` starts an unknown kind of group")
            opening += self.take(len(kind[0]))
        inside = self.disjunction()
        if not self.text.startswith(")", self.at):
            raise Malformed("a `(` has no matching `)`")
        return opening + inside + self.take()

    def escape(self):
        letter = self.take()
        if letter in "dws":
            return f"[{CLASSES[letter]}]"
        if letter in "DWS":
            return f"[^{CLASSES[letter.lower()]}]"
        if letter in "bB":
            # ASCII letters, as in ECMA-262; Rust's `\b` uses all of Unicode.
            inside, outside = f"(?<=[{WORD}])", f"(?<![{WORD}])"
            following, ending = f"(?=[{WORD}])", f"(?![{WORD}])"
            if letter == "b":
                return f"(?:{inside}{ending}|{outside}{following})"
            return f"(?:{inside}{following}|{outside}{ending})"
        if letter in "123456789":
            number = int(letter + self.more(r"\d*"))
            if number > self.groups:
                raise Malformed(f"group {number} does not exist")
            return f"(?:\\{number})"
        if letter == "k" and (name := self.more(r"<\w+>")):
            return f"\\k{name}"
        if (letter in "pP") and (name := self.more(r"\{[\w=]+\}")):
            return f"\\{letter}{name}"
        return plain(self.code(letter))

    def bracket(self):
        negated = "^" if self.more(r"\^") else ""
        if self.more(r"\]"):
            return r"[\x{0}-\x{10FFFF}]" if negated else r"[^\x{0}-\x{10FFFF}]"
        items = []
        while not self.more(r"\]"):
            first = self.member()
            if isinstance(first, int) and self.more(r"-(?!\])"):
                last = self.member()
                if isinstance(last, str):
                    items += [plain(first, True), r"\-", last]
                    continue
                if last < first:
                    raise Malformed("a range ends before it begins")
                items.append(f"{plain(first, True)}-{plain(last, True)}")
            else:
                items.append(first if isinstance(first, str) else plain(first, True))
        return f"[{negated}{''.join(items)}]"

    def member(self):
        """Takes the next member of a bracket: the code of a character, or the text of a class."""
        character = self.take()
        if character != "\\":
            return ord(character)
        letter = self.take()
        if letter in "dws":
            return CLASSES[letter]
        if letter in "DWS":
            return f"[^{CLASSES[letter.lower()]}]"
        if (letter in "pP") and (name := self.more(r"\{[\w=]+\}")):
            return f"\\{letter}{name}"
        return 8 if letter == "b" else self.code(letter)

    def code(self, letter):
        """The code of the character that an escape means."""
        if letter in CONTROLS:
            return CONTROLS[letter]
        if letter == "0":
            return 0
        if letter == "c" and (control := self.more("[A-Za-z]")):
            return ord(control) % 32
        if letter == "x" and (digits := self.more("[0-9A-Fa-f]{2}")):
            return int(digits, 16)
        if letter == "u":
            return self.unicode()
        return ord(letter)

    def unicode(self):
        if braced := self.more(r"\{[0-9A-Fa-f]{1,6}\}"):
            return int(braced[1:-1], 16)
        digits = self.more("[0-9A-Fa-f]{4}")
        if not digits:
            return ord("u")
        code = int(digits, 16)
        if 0xD800 <= code < 0xDC00 and (low := self.more(r"\\u[Dd][C-Fc-f][0-9A-Fa-f]{2}")):
            return 0x10000 + (code - 0xD800) * 0x400 + int(low[2:], 16) - 0xDC00
        if 0xD800 <= code < 0xE000:
            raise Malformed("a `\\u` escape is half of a surrogate pair")
        return code

    def more(self, expression):
        """Takes the text that matches an expression; empty if it does not match here."""
        found = re.compile(expression).match(self.text, self.at)
        return self.take(len(found[0])) if found else ""


def plain(code, inside=False):
    """A literal character, escaped if necessary."""
    if code < 32 or code == 127 or not chr(code).isprintable():
        return f"\\x{{{code:X}}}"
    return f"\\{chr(code)}" if chr(code) in (r"\[]^-&~" if inside else r"\.+*?()|[]{}^$") else chr(code)
