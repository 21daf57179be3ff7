#!/usr/bin/env python3
"""Generates what a user would take instead of this project: the crates of openapi-generator's own Rust servers.

Each is written into target/bench/stubs from the project's document, by the generator's version that generated/ comes
from, with its own templates and defaults. benches/stubs/ implements and serves them.
"""

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

sys.path[:0] = [str(ROOT / "api"), str(ROOT / "tools")]
import generate as api  # noqa: E402
import pinned  # noqa: E402
import stamps  # noqa: E402


def generate(folder=STUBS):
    """Generates each crate into a folder of its generator's name, unless one from the same inputs is there."""
    inputs = stamps.listing([DOCUMENT, REQUIREMENTS, Path(__file__).resolve()])
    outdated = [name for name in GENERATORS if not stamps.is_stamped(folder / name, inputs)]
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
        stamps.stamp(crate, inputs)


if __name__ == "__main__":
    generate()
