"""Provides a copy of the checkout that a test may change, and changed documents."""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

from tools import third_party

ROOT = Path(__file__).resolve().parent.parent.parent
# Cargo identifies a package by its path within the workspace. Without a separate target folder, it would mistake the
# copy's results for those of the checkout. Third-party crates are the same.
CHECKOUT_TARGET = Path(os.environ.get("CARGO_TARGET_DIR") or ROOT / "target").absolute()
TARGET = CHECKOUT_TARGET / "copies"
FOLDER = ROOT / "target" / "spec-update-tests"
COPY = FOLDER / "checkout"

ENVIRONMENT = {**os.environ, "CARGO_TARGET_DIR": str(TARGET), "PYTHONDONTWRITEBYTECODE": "1"}
# A make process passes its options to its children in these variables.
ENVIRONMENT = {name: value for name, value in ENVIRONMENT.items() if name not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS")}

# Parts of the checkout's document, and edits of it.
NAME = "        - name: id\n"
STATUS = ("        '204':\n", "        '200':\n")
SECURITY = "security:\n  - BearerAuthentication: []\n"
ALL_SCHEMES = SECURITY + "".join(f"  - {name}Authentication: []\n" for name in ("Token", "Basic", "Querystring"))


class Checkout:
    """A fresh copy of all files in the checkout that git does not ignore."""

    def __init__(self):
        shutil.rmtree(FOLDER, ignore_errors=True)
        COPY.mkdir(parents=True)
        listed = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True,
        ).stdout  # fmt: skip
        for name in filter(None, listed.split("\0")):
            if (ROOT / name).is_file():
                (COPY / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / name, COPY / name)
        # The copy uses the checkout's installed tools.
        (COPY / "target").mkdir()
        (COPY / "target" / "tools").symlink_to(ROOT / "target" / "tools")
        third_party.share(CHECKOUT_TARGET, TARGET, ROOT / "Cargo.lock")

    def hashes(self):
        """The SHA-256 and the permissions of every file, except the output of builds."""
        return {
            path.relative_to(COPY): (hashlib.sha256(path.read_bytes()).hexdigest(), path.stat().st_mode)
            for path in COPY.rglob("*")
            if path.is_file() and path.relative_to(COPY).parts[0] != "target" and "__pycache__" not in path.parts
        }

    def read(self, name):
        return (COPY / name).read_text(encoding="utf-8")

    def edit(self, name, old, new):
        """Replaces a text, which must occur exactly once."""
        (COPY / name).write_text(edited(self.read(name), old, new), encoding="utf-8")

    def make(self, *arguments):
        return finished(["make", "--no-print-directory", *arguments])

    def update(self, spec, *options, **environment):
        return finished(self.update_command(spec, *options), **environment)

    def update_command(self, spec, *options):
        return [sys.executable, "-m", "tools.spec_update", *options, str(spec)]


def finished(command, **environment):
    return subprocess.run(command, cwd=COPY, env=ENVIRONMENT | environment, capture_output=True, text=True)


def changed(*edits, name="changed.yaml"):
    """Writes the checkout's document to a file, with texts replaced that must each occur exactly once."""
    text = (ROOT / "api" / "openapi.yaml").read_text(encoding="utf-8")
    for old, new in edits:
        text = edited(text, old, new)
    return written(text, name)


def written(text, name="changed.yaml"):
    path = FOLDER / name
    path.write_text(text, encoding="utf-8")
    return path


def edited(text, old, new):
    assert text.count(old) == 1, f"{old!r} occurs {text.count(old)} times"
    return text.replace(old, new)
