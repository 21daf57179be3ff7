"""Writes the effective document: an OpenAPI document with the overlay's corrections, as JSON.

`apply` runs this file with the tools' Python, which has the libraries for YAML and overlays.
"""

import argparse
import json
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def apply(tools, document, overlay, output):
    """Writes `document` to `output`, corrected by `overlay` unless that is None.

    Exits with a message if either is invalid, which names the position, or if an action matches nothing.
    """
    command = [tools / "python", __file__, document, output, *([overlay] if overlay else [])]
    done = subprocess.run([str(word) for word in command], stderr=subprocess.PIPE, text=True)
    if done.returncode != 0:
        sys.exit(done.stderr.rstrip())


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("document", type=Path)
    arguments.add_argument("output", type=Path)
    arguments.add_argument("overlay", type=Path, nargs="?")
    given = arguments.parse_args()

    document = read(given.document)
    if not (isinstance(document, dict) and str(document.get("openapi")).startswith("3.") and "paths" in document):
        sys.exit(f"{shown(given.document)}: not an OpenAPI 3 document: `openapi: 3.…` or `paths` is missing")
    if given.overlay:
        correct(document, given.overlay)
    given.output.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")


def read(path):
    """Reads a YAML or JSON file. All keys of mappings become text.

    OpenAPI requires YAML 1.2, in which `on` and `2025-04-18` are text. PyYAML alone reads YAML 1.1.
    """
    import yaml
    from yamlcore import CoreLoader

    try:
        text = path.read_text(encoding="utf-8-sig")
        # JSON allows tabs for indentation, YAML does not.
        value = json.loads(text) if text.lstrip().startswith("{") else yaml.load(text, Loader=CoreLoader)
        return json.loads(json.dumps(value, allow_nan=False))
    except OSError as error:
        sys.exit(f"{shown(path)}: {error.strerror}")
    except UnicodeDecodeError as error:
        sys.exit(f"{shown(path)}: byte {error.start} is not valid UTF-8")
    except json.JSONDecodeError as error:
        sys.exit(f"{shown(path)}:{error.lineno}:{error.colno}: invalid JSON: {error.msg}")
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        problem = ", ".join(filter(None, [error.context, error.problem]))
        sys.exit(f"{shown(path)}:{mark.line + 1}:{mark.column + 1}: invalid YAML: {problem}")
    except (yaml.YAMLError, ValueError, TypeError, RecursionError) as error:
        sys.exit(f"{shown(path)}: {error}")


def correct(document, source):
    """Applies the actions of an overlay to a document, in order."""
    import yaml
    from jsonpath_ng.exceptions import JSONPathError
    from jsonpath_ng.ext import parse
    from oas_patch.overlay import apply_overlay
    from oas_patch.validator import validate

    overlay = read(source)
    verdict = yaml.safe_load(validate(overlay, "yaml"))
    if verdict["status"] != "success":
        sys.exit("\n".join(f"{shown(source)}: {error['path']}: {error['message']}" for error in verdict["errors"]))
    for number, action in enumerate(overlay["actions"], start=1):
        try:
            # oas-patch silently skips an action that matches nothing.
            paths = [action[which] for which in ("target", "copy") if which in action]
            unmatched = [path for path in paths if not parse(path).find(document)]
        except JSONPathError as error:
            sys.exit(f"{shown(source)}: action {number}, {action['target']}: invalid JSONPath: {error}")
        if unmatched:
            lines = [f"{shown(source)}: action {number} matches nothing in the document: {unmatched[0]}"]
            if reason := first_sentence(action.get("description", "")):
                lines.append(f"  its description: {reason}")
            advice = "  Correct its path, or remove the action if the document no longer needs it."
            sys.exit("\n".join([*lines, advice]))
        apply_overlay(document, {"actions": [action]})


def first_sentence(text):
    return re.split(r"(?<=[.!?])\s", text.strip(), maxsplit=1)[0]


def shown(path):
    """A path for a message: relative to the checkout if it is within it."""
    return path.relative_to(ROOT) if path.is_relative_to(ROOT) else path


if __name__ == "__main__":
    main()
