"""The places at which two parts of documents differ, texts for people aside."""

import json

ABSENT = object()
# What does not influence an implementation. `links`, `callbacks` and `xml` are not generated.
TEXTS = frozenset("callbacks deprecated description example examples externalDocs links summary tags title xml".split())
# The keywords whose values map names that the document chose; those whose values are values of the API.
NAMED = frozenset("$defs content encoding headers mapping parameters patternProperties properties responses".split())
VALUES = frozenset("const default enum".split())
EMPTY = frozenset("content headers properties requestBody".split())
SETS = frozenset("enum required type".split())
ALTERNATIVES = frozenset("allOf anyOf oneOf".split())


def walk(resolve, before, after, place=(), keyword=None, followed=frozenset()):
    """Yields each place at which two parts differ, with the two values there; `ABSENT` if one side has none.

    `resolve` follows references, in the old document and in the new one. Two references to the same component do not
    differ: each component is compared once, by itself. `keyword` is the OpenAPI keyword whose value the parts are.
    """
    references = tuple(of.get("$ref") if isinstance(of, dict) else None for of in (before, after))
    if references != (None, None):
        if references[0] != references[1] and references not in followed:
            targets = (follow(of) for follow, of in zip(resolve, (before, after), strict=True))
            yield from walk(resolve, *targets, place, keyword, followed | {references})
    elif isinstance(before, dict) and isinstance(after, dict) and keyword not in VALUES:
        named = keyword in NAMED
        before, after = (of if named else relevant(of) for of in (before, after))
        for key in dict.fromkeys([*before, *after]):
            # A response without `content` has no body, as one with an empty `content`.
            missing = {} if not named and key in EMPTY else ABSENT
            values = before.get(key, missing), after.get(key, missing)
            if ABSENT in values:
                yield (*place, key), *values
            else:
                yield from walk(resolve, *values, (*place, key), None if named else key, followed)
    elif keyword in ALTERNATIVES and isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for number, values in enumerate(zip(before, after, strict=True), start=1):
            yield from walk(resolve, *values, (*place, number), None, followed)
    elif canonical(before, keyword) != canonical(after, keyword):
        yield place, before, after


def relevant(of):
    """A mapping without texts for people, and without what is the default anyway."""
    return {key: value for key, value in of.items() if not (is_text(key) or is_default(key, value))}


def is_text(key):
    return key in TEXTS or key.startswith("x-")


def is_default(key, value):
    return key in ("nullable", "required") and value is False


def canonical(value, keyword):
    """A value as a text, in which the order of keys and of the members of a set does not matter."""
    if keyword in SETS and isinstance(value, list):
        value = sorted(value, key=json.dumps)
    return json.dumps(value, sort_keys=True)


def steps(place):
    """The steps of a place: a keyword with the name or the number below it, or with None."""
    found, ahead = [], list(place)
    while ahead:
        keyword = ahead.pop(0)
        found.append((keyword, ahead.pop(0) if ahead and keyword in NAMED | ALTERNATIVES else None))
    return found
