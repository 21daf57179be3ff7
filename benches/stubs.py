#!/usr/bin/env python3
"""Generates what a user would take instead of this project: the crates of openapi-generator's own Rust servers.

Each is written into target/bench/stubs from the project's document, by the generator's version that generated/ comes
from, with its own templates and defaults. benches/stubs/ implements and serves them.
"""

import hashlib
import shutil
import sys
from pathlib import Path

sys.dont_write_bytecode = True
ROOT = Path(__file__).resolve().parent.parent
REQUIREMENTS = ROOT / "api" / "requirements.txt"
DOCUMENT = ROOT / "generated" / "openapi.json"
STUBS = ROOT / "target" / "bench" / "stubs"
GENERATORS = ("rust-server", "rust-axum")
# The schema that the operation refers to. No operation needs the document's others, and what both generators make of
# them does not compile: among the rest, an enumeration's value `µ` gives a variant without a name, and the pattern of a
# property without a type is matched against a JSON value. All other code is the same without this.
MODELS = "ErrorMessage"
# The inputs that a crate was generated from; in its folder, so that it goes when the crate goes.
STAMP = ".inputs"

sys.path[:0] = [str(ROOT / "api"), str(ROOT / "tools")]
import generate as api  # noqa: E402
import pinned  # noqa: E402


def generate(folder=STUBS):
    """Generates each crate into a folder of its generator's name, unless one from the same inputs is there."""
    inputs = digest(DOCUMENT, REQUIREMENTS, Path(__file__).resolve())
    outdated = [name for name in GENERATORS if not is_stamped(folder / name, inputs)]
    if not outdated:
        return
    tools = pinned.install(REQUIREMENTS, "api")
    java = api.with_java(tools)
    for name in outdated:
        crate = folder / name
        shutil.rmtree(crate, ignore_errors=True)
        api.run(
            [
                tools / "openapi-generator-cli", "generate", "--generator-name", name,
                "--input-spec", DOCUMENT, "--output", crate,
                "--global-property", f"apis,supportingFiles,models={MODELS}",
                # The version is in Cargo.lock. By default it is the document's, which changes.
                "--additional-properties", "packageVersion=0.0.0",
            ],
            quiet=True,
            env=java,
        )  # fmt: skip
        (crate / STAMP).write_text(inputs, encoding="utf-8")


def digest(*files):
    return "".join(f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.relative_to(ROOT)}\n" for file in files)


def is_stamped(crate, inputs):
    stamp = crate / STAMP
    return stamp.is_file() and stamp.read_text(encoding="utf-8") == inputs


if __name__ == "__main__":
    generate()
