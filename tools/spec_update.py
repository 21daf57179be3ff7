"""Replaces the OpenAPI document with a changed one: `make spec-update SPEC=file`.

Prints how the contract changes, generates the crate, type-checks, and lists what is left to write by hand. It works in
a copy of the checkout under target/spec-update. At the end it replaces api/openapi.yaml and generated/, both or
neither. A failure or a signal leaves the checkout unchanged.
"""

import argparse
import contextlib
import fcntl
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

from api import overlay
from tools import pinned

ROOT = Path(__file__).resolve().parent.parent
API = ROOT / "api"
DOCUMENT = API / "openapi.yaml"
GENERATED = ROOT / "generated"
COMPARISON = ROOT / "tools" / "contract-diff"
TARGET = Path(os.environ.get("CARGO_TARGET_DIR") or ROOT / "target").absolute()
# Cargo identifies a package by its path within the workspace. Without a separate target folder, it would mistake the
# copy's results for those of the checkout.
CHECKED = TARGET / "spec-update" / "target"
WORK = ROOT / "target" / "spec-update"
STAGE = WORK / "checkout"

SIGNALS = {signal.SIGHUP, signal.SIGINT, signal.SIGTERM}
KINDS = {"breaking": "breaking", "non-breaking": "compatible", "deprecated": "compatible"}
TITLES = {"breaking": "Breaking changes", "compatible": "Compatible changes", "other": "Other: texts, components"}
ACTIONS = {"add": "added", "remove": "removed", "replace": "changed", "rename": "renamed"}


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("spec", type=Path, metavar="SPEC", help="the new document, in YAML or JSON")
    arguments.add_argument("--json", action="store_true", help="print one JSON object and nothing else")
    given = arguments.parse_args()

    for number in SIGNALS:
        signal.signal(number, stop)
    try:
        with locked():
            update(given.spec, given.json)
    except SystemExit as failure:
        print(f"{failure}\nspec-update: failed; api/ and generated/ are unchanged", file=sys.stderr)
        sys.exit(1)


def stop(number, _frame):
    sys.exit(f"spec-update: stopped by {signal.Signals(number).name}")


@contextlib.contextmanager
def locked():
    """Holds a lock, because two updates would share the copy of the checkout. Removes the copy at the end."""
    WORK.mkdir(parents=True, exist_ok=True)
    with (WORK / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            sys.exit("spec-update: another update is running; wait until it ends")
        try:
            yield
        finally:
            shutil.rmtree(STAGE, ignore_errors=True)


def update(spec, as_json):
    pinned.install_all(API, COMPARISON)
    tools = pinned.install(API / "requirements.txt", "api")
    effective = WORK / "openapi.json"
    overlay.apply(tools, spec, API / "overlay.yaml", effective)
    changes = compare(GENERATED / "openapi.json", effective)
    if not as_json:
        print(describe_changes(changes), flush=True)

    stage(spec)
    run("generating", [sys.executable, "-m", "api.generate"], cwd=STAGE, stdout=sys.stderr)
    left_to_write = type_check()
    swap()

    if as_json:
        print(json.dumps({**changes, "left_to_write": left_to_write}, indent=2, ensure_ascii=False))
    else:
        print(describe_left_to_write(left_to_write))


def compare(old, new):
    """The differences between two effective documents: breaking, compatible, and other."""
    programs, packages = pinned.install_node(COMPARISON, "contract-diff")
    environment = {**os.environ, "NODE_PATH": str(packages)}
    comparison = [programs / "node", COMPARISON / "compare.cjs", old, new]
    printed = run("comparing", comparison, env=environment, stdout=subprocess.PIPE)
    changes = {"breaking": [], "compatible": [], "other": []}
    for difference in json.loads(printed):
        changes[kind(difference)].append(
            {
                "action": ACTIONS[difference["action"]],
                "path": difference["path"],
                "class": difference["type"],
                "description": difference.get("description", ""),
                "before": difference.get("before"),
                "after": difference.get("after"),
            }
        )
    return changes


def kind(difference):
    """The list to which a difference belongs.

    The comparison reports a difference in a component again for each operation that refers to it, and classifies it
    there. It classifies security schemes, which operations refer to by name, at their definition.
    """
    path = difference["path"]
    if path[:1] == ["components"] and path[1:2] != ["securitySchemes"]:
        return "other"
    return KINDS.get(difference["type"], "other")


def describe_changes(changes):
    lines = []
    for name, title in TITLES.items():
        lines += [title, *([f"  {describe(change)}" for change in changes[name]] or ["  none"]), ""]
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
    values = [clipped(change[side]) for side in ("before", "after") if change[side] is not None]
    return f"{start}: {' -> '.join(values)}"


def clipped(value, width=60):
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= width else f"{text[: width - 1]}…"


def stage(spec):
    """Makes a copy of the checkout with the new document. Links everything that the update does not write to."""
    shutil.rmtree(STAGE, ignore_errors=True)
    STAGE.mkdir(parents=True)
    copied = {API, GENERATED}
    for entry in ROOT.iterdir():
        if entry in copied:
            shutil.copytree(entry, STAGE / entry.name)
        elif entry not in (ROOT / "target", TARGET) and not entry.name.startswith("."):
            (STAGE / entry.name).symlink_to(entry)
    shutil.copyfile(spec, STAGE / "api" / DOCUMENT.name)


def type_check():
    """Returns the compiler's errors in hand-written code. Exits on errors in generated/ and on any other failure."""
    cargo = ["cargo", "check", "--quiet", "--locked", "--workspace", "--all-targets", "--keep-going"]
    cargo.append("--message-format=json")
    environment = {**os.environ, "CARGO_TARGET_DIR": str(CHECKED)}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    process, printed, complaints = finish("type-checking", cargo, cwd=STAGE, env=environment, **pipes)

    generated, by_hand = [], []
    for message in map(json.loads, printed.splitlines()):
        if message["reason"] != "compiler-message" or message["message"]["level"] != "error":
            continue
        of_generated = Path(message["manifest_path"]).parent == STAGE / GENERATED.name
        errors = generated if of_generated else by_hand
        error = located(message["message"])
        # Cargo checks a library again for its tests.
        if error and error not in errors:
            errors.append(error)
    if generated:
        sys.exit("\n".join(["spec-update: the generated crate does not compile:", *map(describe_error, generated)]))
    if process.returncode != 0 and not by_hand:
        sys.exit(f"{complaints}\nspec-update: cargo check failed with exit code {process.returncode}")
    return sorted(by_hand, key=lambda error: (error["file"], error["line"]))


def located(message):
    """An error of rustc with its position, and the declarations of missing methods; None if it only counts errors."""
    span = next((span for span in message["spans"] if span["is_primary"]), None)
    if span is None:
        return None
    while span["expansion"]:
        span = span["expansion"]["span"]
    missing = []
    if (message["code"] or {}).get("code") == "E0046":
        missing = re.findall(r"`(\w+)`", message["message"].partition("missing:")[2])
    return {
        "file": span["file_name"],
        "line": span["line_start"],
        "message": ": ".join(filter(None, [message["message"], span["label"]])),
        "signatures": list(filter(None, map(signature, missing))),
    }


def signature(method):
    """The declaration of a trait method in the generated crate."""
    source = (STAGE / "generated" / "src" / "api.rs").read_text(encoding="utf-8")
    found = re.search(rf"^ +((?:async )?fn {method}\(.*?;)$", source, re.S | re.M)
    return re.sub(r"\s+", " ", found[1]).replace("( ", "(").replace(", )", ")") if found else None


def describe_left_to_write(errors):
    if not errors:
        return (
            "api/openapi.yaml and generated/ are updated, and the hand-written code compiles.\n"
            "Nothing is left to write; `make test` checks whether the behaviour still matches the document."
        )
    return "\n".join(
        [
            "Left to write by hand",
            *map(describe_error, errors),
            "",
            "api/openapi.yaml and generated/ are updated. "
            "Fix the places above, and build again: the compiler may find more.",
        ]
    )


def describe_error(error):
    lines = [f"  {error['file']}:{error['line']}: {error['message']}"]
    return "\n".join([*lines, *(f"      {signature}" for signature in error["signatures"])])


def swap():
    """Replaces the checkout's document and generated crate with those of the copy: both, or neither."""
    new_document, new_generated = DOCUMENT.with_name(".openapi.yaml.new"), ROOT / ".generated.new"
    old_generated = ROOT / ".generated.old"
    leftovers = [new_generated, old_generated]
    # A signal must not interrupt the two replacements. After them the update has succeeded.
    signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    try:
        for leftover in leftovers:
            shutil.rmtree(leftover, ignore_errors=True)
        shutil.copyfile(STAGE / "api" / DOCUMENT.name, new_document)
        shutil.copymode(DOCUMENT, new_document)
        shutil.copytree(STAGE / "generated", new_generated)
        GENERATED.rename(old_generated)
        try:
            new_generated.rename(GENERATED)
            new_document.replace(DOCUMENT)
        except BaseException:
            shutil.rmtree(GENERATED, ignore_errors=True)
            old_generated.rename(GENERATED)
            raise
    finally:
        new_document.unlink(missing_ok=True)
        for leftover in leftovers:
            shutil.rmtree(leftover, ignore_errors=True)


def run(step, command, **options):
    """Runs a command and returns its output. Exits if it fails."""
    process, printed, _ = finish(step, command, **options)
    if process.returncode != 0:
        sys.exit(f"spec-update: {step} failed with exit code {process.returncode}")
    return printed


def finish(step, command, **options):
    """Runs a command and waits for it. A signal also ends the processes that the command started."""
    print(f"spec-update: {step}", file=sys.stderr, flush=True)
    process = subprocess.Popen([str(word) for word in command], text=True, start_new_session=True, **options)
    try:
        return process, *process.communicate()
    except BaseException:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait()
        raise


if __name__ == "__main__":
    main()
