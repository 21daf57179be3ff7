"""The compiler's errors in hand-written code."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

from tools import third_party

from .commands import finish
from .paths import CHECKED, ROOT, STAGE, TARGET


def type_check(needed):
    """Returns the compiler's errors in hand-written code. Exits on errors in generated/ and on any other failure.

    `needed` says which crates Cargo may have to download.
    """
    # fuzz/ compiles only with the flags of its runner.
    packages = ["--workspace", "--exclude", "influxdb3-tokens-fuzz"]
    cargo = ["cargo", "check", "--quiet", "--locked", *packages, "--all-targets", "--keep-going"]
    cargo.append("--message-format=json")
    environment = {**os.environ, "CARGO_TARGET_DIR": str(CHECKED)}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    step = "type-checking" if CHECKED.exists() else "type-checking, the first time with all dependencies: takes minutes"
    third_party.share(TARGET, CHECKED, ROOT / "Cargo.lock")
    process, printed, complaints = finish(step, cargo, cwd=STAGE, env=environment, **pipes)

    generated, by_hand = [], []
    for message in map(json.loads, printed.splitlines()):
        if message["reason"] != "compiler-message" or message["message"]["level"] != "error":
            continue
        of_generated = Path(message["manifest_path"]).parent == STAGE / "generated"
        errors = generated if of_generated else by_hand
        error = located(message["message"])
        # Cargo checks a library again for its tests.
        if error and error not in errors:
            errors.append(error)
    if generated:
        sys.exit("\n".join(["spec-update: the generated crate does not compile:", *map(describe, generated)]))
    if process.returncode != 0 and not by_hand:
        advice = ["if Cargo cannot download what it needs, run this again with a network"] if needed else []
        lines = [f"cargo check failed with exit code {process.returncode}", *needed, *advice]
        sys.exit("\n".join([complaints, *(f"spec-update: {line}" for line in lines)]))
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


def describe(error):
    lines = [f"  {error['file']}:{error['line']}: {error['message']}"]
    return "\n".join([*lines, *(f"      {signature}" for signature in error["signatures"])])
