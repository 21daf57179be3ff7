"""Generates the crates of openapi-generator's own Rust servers, which a user would choose instead of this project.

Each goes into target/bench/stubs. The project's document and the generator's version are those of generated/; the
templates and the defaults are the generator's. benches/stubs implements and serves the crates.
"""

import shutil
import subprocess
import sys
from pathlib import Path

from api.generate import with_java
from benches import programs
from tools import pinned, stamps

REQUIREMENTS = programs.ROOT / "api" / "requirements.txt"
DOCUMENT = programs.ROOT / "generated" / "openapi.json"
FOLDER = programs.TARGET / "stubs"
GENERATORS = ("rust-server", "rust-axum")
# The only schema that the operation refers to. What the generators print for the others does not compile: the value `µ`
# of an enumeration becomes a variant without a name, and a property without a type but with a pattern matches that
# pattern against a JSON value. The rest of the output does not depend on them.
MODELS = "ErrorMessage"


def generate():
    """Generates each crate, unless it was generated from the same inputs before."""
    inputs = stamps.listing([DOCUMENT, REQUIREMENTS, Path(__file__).resolve()])
    outdated = [name for name in GENERATORS if not stamps.is_stamped(FOLDER / name, inputs)]
    if not outdated:
        return
    tools = pinned.install(REQUIREMENTS, "api")
    environment = with_java(tools)
    for name in outdated:
        crate = FOLDER / name
        shutil.rmtree(crate, ignore_errors=True)
        command = [tools / "openapi-generator-cli", "generate", "--generator-name", name]
        command += ["--input-spec", DOCUMENT, "--output", crate]
        command += ["--global-property", f"apis,supportingFiles,models={MODELS}"]
        # Cargo.lock records the version. The default is the document's version, which changes.
        command += ["--additional-properties", "packageVersion=0.0.0"]
        done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if done.returncode != 0:
            sys.exit(f"{done.stdout}\nopenapi-generator-cli failed with exit code {done.returncode}")
        stamps.stamp(crate, inputs)
