"""Carries out the build stage of the Dockerfile, with a binary that exists instead of a compilation.

The packages that its first RUN installs are those of this machine.
"""

import atexit
import fnmatch
import functools
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from tests.packaging import binaries, overlay
from tests.packaging.dockerfile import stages
from tests.server import ROOT
from tools import static_binary

# A root of its own, in which the instructions write. `$1` is a folder for it, `$2` the context, `$3` the program that
# stands in for Cargo, `$4` the folder that the final stage copies from, `$5` the commands.
ROOTS = f"""{overlay.SCRIPT}
mkdir -p source stand-in image
mount --bind "$2" source
mount --bind "$3" stand-in
mount --bind "$4" image
mount --bind /dev dev
exec chroot . env PATH="/stand-in:$PATH" sh -c "cd /source && $5"
"""

# Puts the binary where Cargo would, if it is asked for it.
CARGO = """#!/bin/sh
set -eu
[ "$*" = "build --locked -p influxdb3-tokens-server --bin influxdb3-tokens --target TARGET --release" ]
mkdir -p target/TARGET/release
cp /stand-in/influxdb3-tokens target/TARGET/release/
"""


@functools.cache
def build_stage():
    """Its root, as far as the final stage copies from it, by the name of the stage."""
    folder = Path(tempfile.mkdtemp())
    atexit.register(shutil.rmtree, folder)
    stand_in, root, work = folder / "stand-in", folder / "root", folder / "work"
    for made in (stand_in, root / "image", work):
        made.mkdir(parents=True)
    target = static_binary.default_target()
    shutil.copy(binaries.static(), stand_in / "influxdb3-tokens")
    (stand_in / "cargo").write_text(CARGO.replace("TARGET", target), encoding="utf-8")
    (stand_in / "cargo").chmod(0o755)
    stage = stages((ROOT / "Dockerfile").read_text(encoding="utf-8"))[0]
    [_, commands] = stage.all("RUN")
    variables = {**os.environ, "LIBC": target.rpartition("-")[2]}
    variables.pop("CARGO_TARGET_DIR", None)
    script = ["unshare", "--mount", "--pid", "--fork", "sh", "-c", ROOTS, "sh"]
    done = subprocess.run(
        [*script, work, context(folder / "context"), stand_in, root / "image", commands],
        env=variables, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    if done.returncode != 0:
        raise AssertionError(f"the build stage failed: {done.stdout}{done.stderr}")
    return {stage.name(): root}


def context(folder):
    """Copies what an engine would send of a fresh checkout, of which .dockerignore leaves out a part."""
    ignored = [
        line for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines() if line and line[0] != "#"
    ]
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    for name in filter(None, listed.split("\0")):
        if not any(matches(pattern, name) for pattern in ignored) and (ROOT / name).exists():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name, follow_symlinks=False)
    return folder


def matches(pattern, name):
    """Whether a line of .dockerignore leaves out a file, itself or with a folder above it."""
    anywhere = pattern.startswith("**/")
    parts = name.split("/")
    above = ["/".join(parts[: count + 1]) for count in range(len(parts))]
    wanted = pattern.removeprefix("**/")
    return any(fnmatch.fnmatchcase(path.rpartition("/")[2] if anywhere else path, wanted) for path in above)
