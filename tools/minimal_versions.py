"""Checks the lower bounds in the manifests: builds everything with the oldest dependencies that they permit.

Only the bounds of this project's own manifests are tried. What dependencies ask of others is resolved to the newest,
because several ask for too little. It works in a copy of the checkout, whose lock file it resolves again. That takes a
minute or two, and the network.
"""

import os
import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "target" / "minimal-versions"
COPY = FOLDER / "checkout"
# The flag is one of the nightly toolchain's, and the project has a stable one.
ENVIRONMENT = os.environ | {"RUSTC_BOOTSTRAP": "1", "CARGO_TARGET_DIR": str(FOLDER / "target")}


def main():
    shutil.rmtree(COPY, ignore_errors=True)
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    for name in filter(None, listed.split("\0")):
        (COPY / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, COPY / name)
    (COPY / "Cargo.lock").unlink()
    cargo("generate-lockfile", "-Zdirect-minimal-versions")
    cargo("check", "--locked", "--workspace", "--exclude", "influxdb3-tokens-fuzz", "--all-targets", "--all-features")


def cargo(*arguments):
    subprocess.run(["cargo", *arguments], cwd=COPY, env=ENVIRONMENT, check=True)


if __name__ == "__main__":
    main()
