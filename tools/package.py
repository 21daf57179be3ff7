"""Makes the Debian package of a release build: `python3 -m tools.package [FOLDER]`.

The folder is target/release-files by default.
"""

import gzip
import os
import shutil
import subprocess
import sys
from pathlib import Path

from tools import pinned, static_binary

ROOT = Path(__file__).resolve().parent.parent
CARGO_DEB = "cargo-deb@3.8.0"
# The files that `server/Cargo.toml` puts into usr/share.
SHARED = ROOT / "target" / "package-files"


# Where shells look for completions, below usr/share.
COMPLETIONS = {
    "bash": "bash-completion/completions/influxdb3-tokens",
    "zsh": "zsh/vendor-completions/_influxdb3-tokens",
    "fish": "fish/vendor_completions.d/influxdb3-tokens.fish",
}


def debian(folder, profile="release", fast=False):
    """Packages the binary that was built with this profile. Returns the package's file, in `folder`.

    `fast` compresses less. Otherwise the program `xz` compresses, which `dpkg-dev` brings: what cargo-deb has built in
    takes many minutes where it is not optimized.
    """
    folder.mkdir(parents=True, exist_ok=True)
    built = Path(os.environ.get("CARGO_TARGET_DIR") or ROOT / "target").absolute()
    write_shared_files(built / ("debug" if profile == "dev" else profile) / "influxdb3-tokens")
    program = pinned.install_crate(CARGO_DEB) / "cargo-deb"
    command = [program, "deb", "--no-build", "-p", "influxdb3-tokens-server", "--profile", profile, "--output", folder]
    options = ["--compress-type=gzip", "--fast"] if fast else ["--compress-type=xz"]
    done = subprocess.run([*command, *options], cwd=ROOT, env=dict(os.environ), stdout=subprocess.PIPE, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"cargo-deb failed with exit code {done.returncode}")
    return Path(done.stdout.splitlines()[-1])


def write_shared_files(binary):
    """Writes the files for usr/share, of which the command prints most."""
    shutil.rmtree(SHARED, ignore_errors=True)
    changes = SHARED / "doc" / "influxdb3-tokens"
    changes.mkdir(parents=True)
    # Without the time, so that the same sources give the same package.
    (changes / "changelog.gz").write_bytes(gzip.compress((ROOT / "CHANGELOG.md").read_bytes(), mtime=0))
    if "\n  completions" not in static_binary.output(binary, "help"):
        return
    for shell, path in COMPLETIONS.items():
        (SHARED / path).parent.mkdir(parents=True)
        (SHARED / path).write_text(static_binary.output(binary, "completions", shell) + "\n", encoding="utf-8")
    static_binary.output(binary, "man", SHARED / "man" / "man1")


if __name__ == "__main__":
    print(debian(Path(sys.argv[1]) if sys.argv[1:] else ROOT / "target" / "release-files"))
