"""Replaces the OpenAPI document with a changed one: `make spec-update SPEC=file`.

Prints how the contract changes, generates the crate, type-checks, and lists what is left to write by hand. All of it
happens in a copy of the checkout under target/spec-update. Then api/openapi.yaml and generated/ are replaced, both or
neither. A failure or a signal leaves the tree unchanged.
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
# Cargo identifies a package by its path within the workspace. With a target folder of their own, the results for the
# copy are not mistaken for those of the checkout.
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
        with alone():
            update(given.spec, given.json)
    except SystemExit as failure:
        print(f"{failure}\nspec-update: failed; api/ and generated/ are as they were", file=sys.stderr)
        sys.exit(1)


def stop(number, _frame):
    sys.exit(f"spec-update: stopped by {signal.Signals(number).name}")


@contextlib.contextmanager
def alone():
    """Holds a lock, because two updates would share the copy of the checkout. Removes the copy in the end."""
    WORK.mkdir(parents=True, exist_ok=True)
    with (WORK / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            sys.exit("spec-update: another one is running")
        try:
            yield
        finally:
            shutil.rmtree(STAGE, ignore_errors=True)


def update(spec, as_json):
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
    """The differences of two effective documents: breaking, compatible, and other."""
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
    """Where a difference is listed.

    That of a component is found once more wherever an operation refers to it, and judged there. Security schemes are
    referred to by name, and judged where they are defined.
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
    # Of parameters and schemas the library says what a path does not; of the rest it repeats the path.
    words = change["description"].partition("] ")[2] if {"parameters", "schema"} & set(path) else ""
    if words and not words.startswith("annotation") and change["action"] != "changed":
        return f"{start}: {words}"
    values = [clipped(change[side]) for side in ("before", "after") if change[side] is not None]
    return f"{start}: {' -> '.join(values)}"


def clipped(value, width=60):
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= width else f"{text[: width - 1]}…"


def stage(spec):
    """Makes the copy of the checkout, with the new document. What is not written to is linked."""
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
    """The compiler's errors in what is written by hand. Stops on any other failure, and on the generated crate's."""
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
        # A library is checked once more for its own tests.
        if error and error not in errors:
            errors.append(error)
    if generated:
        sys.exit("\n".join(["spec-update: the generated crate does not compile", *map(describe_error, generated)]))
    if process.returncode != 0 and not by_hand:
        sys.exit(f"{complaints}\nspec-update: cargo ended with exit code {process.returncode}")
    return sorted(by_hand, key=lambda error: (error["file"], error["line"]))


def located(message):
    """An error of rustc with its place and the methods that it misses, as declared; None for a summary of others."""
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
    """A trait method of the generated crate as it is declared there."""
    source = (STAGE / "generated" / "src" / "api.rs").read_text(encoding="utf-8")
    found = re.search(rf"^ +((?:async )?fn {method}\(.*?;)$", source, re.S | re.M)
    return re.sub(r"\s+", " ", found[1]).replace("( ", "(").replace(", )", ")") if found else None


def describe_left_to_write(errors):
    if not errors:
        return (
            "api/openapi.yaml and generated/ are updated, and the hand-written code compiles.\n"
            "Nothing is left to write; `make test` checks whether the behaviour still fits the document."
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
    """Puts the copy's document and generated crate in the place of the checkout's: both, or neither."""
    new_document, new_generated = DOCUMENT.with_name(".openapi.yaml.new"), ROOT / ".generated.new"
    old_generated = ROOT / ".generated.old"
    leftovers = [new_generated, old_generated]
    # A signal now would come between the two. Little is left to do after that, and it is no failure any more.
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
    """Runs a command to its end and returns what it printed; stops where it fails."""
    process, printed, _ = finish(step, command, **options)
    if process.returncode != 0:
        sys.exit(f"spec-update: {step} ended with exit code {process.returncode}")
    return printed


def finish(step, command, **options):
    """Runs a command to its end. On a signal, what it started ends with it."""
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
