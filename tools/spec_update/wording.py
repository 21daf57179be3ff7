"""Places and differences in words."""

import json

from .walking import ABSENT, steps

WITH_NAME = {
    "allOf": "part {} of `allOf`",
    "anyOf": "alternative {} of `anyOf`",
    "content": "body `{}`",
    "encoding": "encoding of `{}`",
    "headers": "header `{}`",
    "oneOf": "alternative {} of `oneOf`",
    "parameters": "{0[0]} parameter `{0[1]}`",
    "patternProperties": "properties like `{}`",
    "properties": "property `{}`",
    "responses": "status {}",
}
ALONE = {"requestBody": "request", "items": "items", "additionalProperties": "other properties"}


def difference(place, before, after):
    """What differs, and how: ``("query parameter `id`", "`maxLength` was absent, is 64")`` or ``(…, "is gone")``."""
    parts, keywords = [], []
    for keyword, name in steps(place):
        if name is not None:
            parts.append(WITH_NAME.get(keyword, f"{keyword} `{{}}`").format(name))
        elif keyword in ALONE:
            parts.append(ALONE[keyword])
        elif keyword != "schema":
            keywords.append(str(keyword))
    subject = ", ".join(parts)
    if keywords:
        return subject, f"`{'.'.join(keywords)}` was {shown(before)}, is {shown(after)}"
    if after is ABSENT:
        return subject, "is gone"
    if before is ABSENT:
        # The compiler does not ask for a parameter that is new and optional.
        is_optional = place[-2:-1] == ("parameters",) and not after.get("required")
        return subject, "is new and optional" if is_optional else "is new"
    return subject, f"was {shown(before)}, is {shown(after)}"


def joined(subject, changes):
    """``query parameter `id` is gone``, or ``query parameter `id`: `type` was …; `default` was …``."""
    if changes[0].startswith("is "):
        return f"{subject} {changes[0]}"
    return f"{subject}: {'; '.join(changes)}" if subject else "; ".join(changes)


def shown(value, width=80):
    if value is ABSENT:
        return "absent"
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= width else f"{text[: width - 1]}…"
