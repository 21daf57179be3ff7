"""What an update prints: the changes of the contract, and what is left to write or to check by hand."""

import json

from . import checking

TITLES = {"breaking": "Breaking changes", "compatible": "Compatible changes", "other": "Other: texts, components"}


def changes(found):
    lines = []
    for name, title in TITLES.items():
        lines += [title, *([f"  {describe(change)}" for change in found[name]] or ["  none"]), ""]
    return "\n".join(lines)


def describe(change):
    path = [str(key) for key in change["path"]]
    place = "/".join(path)
    if path[0] == "paths" and len(path) > 2:
        place = " ".join([path[2].upper(), path[1], "/".join(path[3:])]).rstrip()
    start = f"{change['action']:8} {place}"
    # The library's description adds to the path for parameters and schemas, and repeats it for everything else.
    words = change["description"].partition("] ")[2] if {"parameters", "schema"} & set(path) else ""
    if words and not words.startswith("annotation") and change["action"] != "changed":
        return f"{start}: {words}"
    values = [json.dumps(change[side], ensure_ascii=False) for side in ("before", "after") if change[side] is not None]
    return f"{start}: {' -> '.join(clipped(value) for value in values)}"


def left(dependencies, errors, to_check, lock_changed=False):
    """What generated/ needs, what is left to do, and a summary."""
    lines = dependencies and [*dependencies, ""]
    if errors or to_check:
        lines.append("Left to write or to check by hand")
    if errors:
        lines += ["", "The compiler's errors", *map(checking.describe, errors)]
    for entry in to_check:
        lines += ["", entry["cause"], *(f"  {line}" for line in by_file(entry["places"]))]
        if entry["elsewhere"]:
            others = ", ".join(f"{file} ({count})" for file, count in entry["elsewhere"].items())
            lines.append(f"  Other parts of the document still have the name. Lines in other files with it: {others}")
    if errors or to_check:
        lines.append("")
    return "\n".join([*lines, *verdict(errors, to_check, lock_changed)])


def verdict(errors, to_check, lock_changed):
    """What is true after the update. Nothing is left only if there is neither an error nor anything to check."""
    yield f"api/openapi.yaml{', generated/ and Cargo.lock' if lock_changed else ' and generated/'} are updated."
    if errors:
        yield "Fix the compiler's errors, and build again: the compiler may find more."
    else:
        yield "The hand-written code compiles."
    if to_check:
        yield f"Check the {'other' if errors else 'listed'} places: the compiler does not see these changes."
    elif not errors:
        yield "Nothing is left to write. `make test` checks whether the behaviour still matches the document."


def by_file(places):
    """A line for each file, with the text of its first place: `README.md:24, 32: curl …`."""
    files = {}
    for place in places:
        files.setdefault(place["file"], []).append(place)
    for file, found in files.items():
        numbers = ", ".join(str(place["line"]) for place in found)
        yield f"{file}:{numbers}: {clipped(found[0]['text'], 80)}"


def clipped(text, width=60):
    return text if len(text) <= width else f"{text[: width - 1]}…"
