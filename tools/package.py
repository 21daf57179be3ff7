"""Makes the Debian package of a release build: `python3 -m tools.package [FOLDER]`.

The folder is target/release-files by default.
"""

import os
import subprocess
import sys
from pathlib import Path

from tools import pinned

ROOT = Path(__file__).resolve().parent.parent
CARGO_DEB = "cargo-deb@3.8.0"


def debian(folder, profile="release", fast=False):
    """Packages the binary that was built with this profile. Returns the package's file, in `folder`.

    `fast` compresses less.
    """
    folder.mkdir(parents=True, exist_ok=True)
    program = pinned.install_crate(CARGO_DEB) / "cargo-deb"
    command = [program, "deb", "--no-build", "-p", "influxdb3-tokens-server", "--profile", profile, "--output", folder]
    options = ["--compress-type=gzip", *(["--fast"] if fast else [])]
    done = subprocess.run([*command, *options], cwd=ROOT, env=dict(os.environ), stdout=subprocess.PIPE, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"cargo-deb failed with exit code {done.returncode}")
    return Path(done.stdout.splitlines()[-1])


if __name__ == "__main__":
    print(debian(Path(sys.argv[1]) if sys.argv[1:] else ROOT / "target" / "release-files"))
