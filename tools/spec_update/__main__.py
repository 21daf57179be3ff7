"""Replaces the OpenAPI document with a changed one: `make spec-update SPEC=file`.

Prints how the contract changes, generates the crate, type-checks, and lists what is left to write or to check by hand.
It works in a copy of the checkout under target/spec-update. At the end it replaces api/openapi.yaml, generated/ and
Cargo.lock: all of them, or none. A failure or a signal leaves the checkout unchanged.
"""

import argparse
import contextlib
import fcntl
import json
import shutil
import signal
import sys
from pathlib import Path

from api import overlay
from tools import pinned

from . import assumptions, checking, comparing, dependencies, differences, handwritten, leftovers, report, staging
from .commands import run
from .operations import Contract
from .paths import API, GENERATED, ROOT, STAGE, WORK
from .swapping import swap

SIGNALS = {signal.SIGHUP, signal.SIGINT, signal.SIGTERM}
REPLACED = ("api/openapi.yaml", "generated", "Cargo.lock")


def main():
    arguments = argparse.ArgumentParser(
        prog="python3 -m tools.spec_update", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    arguments.add_argument("spec", type=Path, metavar="SPEC", help="the new document, in YAML or JSON")
    arguments.add_argument("--json", action="store_true", help="print one JSON object and nothing else")
    arguments.add_argument(
        "--allow-invalid", action="store_true", help="continue if the document violates the OpenAPI specification"
    )
    given = arguments.parse_args()

    for number in SIGNALS:
        signal.signal(number, stop)
    try:
        with locked():
            update(given)
    except (SystemExit, OSError) as failure:
        reason = failure if isinstance(failure, SystemExit) else f"spec-update: {failure}"
        print(f"{reason}\nspec-update: failed; api/, generated/ and Cargo.lock are unchanged", file=sys.stderr)
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


def update(given):
    pinned.install_all(API, comparing.COMPARISON)
    tools = pinned.install(API / "requirements.txt", "api")
    effective = WORK / "openapi.json"
    overlay.apply(tools, given.spec, API / "overlay.yaml", effective)
    changes = comparing.compare(GENERATED / "openapi.json", effective)
    if not given.json:
        print(report.changes(changes), flush=True)

    staging.stage(given.spec)
    generate = [sys.executable, "-m", "api.generate", *(["--allow-invalid"] if given.allow_invalid else [])]
    run("generating", generate, cwd=STAGE, stdout=sys.stderr)
    needed = dependencies.resolve()
    errors = checking.type_check(dependencies.describe(needed))
    to_check = list_to_check(effective, given.spec, errors)

    lock_changed = (STAGE / "Cargo.lock").read_bytes() != (ROOT / "Cargo.lock").read_bytes()
    # A signal must not interrupt the replacements. After them the update has succeeded.
    signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    swap([(STAGE / name, ROOT / name) for name in REPLACED])
    if given.json:
        printed = {**changes, "dependencies": needed, "left_to_write": errors, "to_check": to_check}
        print(json.dumps(printed, indent=2, ensure_ascii=False))
    else:
        print(report.left(dependencies.describe(needed), errors, to_check, lock_changed))


def list_to_check(effective, spec, errors):
    """What the compiler does not see, with its places."""
    documents = (GENERATED / "openapi.json").read_text(encoding="utf-8"), effective.read_text(encoding="utf-8")
    old, new = map(Contract, map(json.loads, documents))
    found = differences.compare(old, new)
    # The compiler reports a new operation, unless its method has a default body.
    demanded = "".join(signature for error in errors for signature in error["signatures"])
    found = [of for of in found if of.new is None or f"fn {of.new}(" not in demanded]
    crate = (STAGE / "generated" / "src" / "api.rs").read_text(encoding="utf-8").splitlines()
    document = (STAGE / "api" / "openapi.yaml").read_text(encoding="utf-8").splitlines()
    return assumptions.locate(new.errors, document) + leftovers.locate(found, handwritten.files(spec), crate)


if __name__ == "__main__":
    main()
