"""Selects operations of a document by name, for `--only` and `--skip`.

A name stands for the operation with this `operationId`, for those with this tag, or for one as `METHOD /path`.
"""

import difflib
import sys
from dataclasses import dataclass

from api import part
from api.facts.operations import METHODS
from api.part import as_dict, as_list, is_text


@dataclass(frozen=True)
class Operation:
    """An operation, and where it is in the document."""

    section: str
    path: str
    method: str
    content: dict

    @property
    def place(self):
        return self.section, self.path, self.method

    @property
    def request(self):
        return f"{self.method.upper()} {self.path}"

    @property
    def label(self):
        identifier = self.content.get("operationId")
        return identifier if is_text(identifier) else self.request

    @property
    def tags(self):
        return set(filter(is_text, as_list(self.content.get("tags"))))

    @property
    def names(self):
        return {self.label, self.request, *self.tags}


def select(content, only, skip):
    """Returns the part of a document that two lists of names select, and what to say about it.

    An empty list of `only` selects every operation. Exits if a name stands for no operation.
    """
    operations = [*operations_of(content)]
    known = {name for operation in operations for name in operation.names}
    wanted, unwanted = (names_in(texts, known) for texts in (only, skip))
    if problems := [*unknown("--only", wanted, known), *unknown("--skip", unwanted, known)]:
        sys.exit("\n".join(problems))
    kept = [of for of in operations if (not only or of.names & wanted) and not of.names & unwanted]
    if not kept:
        sys.exit("generate: --only and --skip leave no operation")
    left_out = [operation for operation in operations if operation not in kept]
    selected = part.Part(content, kept, left_out, not only).content()
    return selected, [*summary(content, selected, kept, left_out)]


def operations_of(content):
    for section in part.SECTIONS:
        for path, item in as_dict(content.get(section)).items():
            if section == "webhooks" or not path.startswith("x-"):
                for method, operation in part.resolved(content, item).items():
                    if method in METHODS and isinstance(operation, dict):
                        yield Operation(section, path, method, operation)


def names_in(texts, known):
    """The names in a list of texts: each is one name, or several with commas in between."""
    found = set()
    for text in texts:
        pieces = [text] if text in known else text.split(",")
        found |= {canonical(piece.strip(), known) for piece in pieces if piece.strip()}
    return found


def canonical(name, known):
    """A name; the method of a request in capital letters."""
    method, _, path = name.partition(" ")
    return name if name in known or method.lower() not in METHODS else f"{method.upper()} {path.strip()}"


def unknown(option, names, known):
    for name in sorted(names - known):
        folded = {other.lower(): other for other in sorted(known)}
        near = [f"`{folded[match]}`" for match in difflib.get_close_matches(name.lower(), folded, n=3)]
        advice = f"; did you mean {' or '.join(near)}?" if near else ""
        if any(word in known for word in name.split()):
            advice = "; separate names with commas"
        yield f"generate: {option}: no operation has the ID, the tag or the request `{name}`{advice}"


def summary(content, selected, kept, left_out):
    """A few lines about what is generated, and what is not."""
    models, all_models = (len(part.schemas(of)) for of in (selected, content))
    yield f"generate: {len(kept)} of {len(kept) + len(left_out)} operations, {models} of {all_models} schemas"
    if left_out:
        first, *others = wrapped([operation.label for operation in left_out])
        yield f"generate: left out: {first}"
        yield from (f"generate:   {line}" for line in others)


def wrapped(labels, width=100, lines=5):
    found = [labels[0]]
    for index, label in enumerate(labels[1:], start=1):
        if len(found[-1]) + len(label) < width:
            found[-1] += f", {label}"
        elif len(found) < lines:
            found[-1] += ","
            found.append(label)
        else:
            found[-1] += f", and {len(labels) - index} more"
            break
    return found
