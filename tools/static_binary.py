"""Builds the command as one file that needs no library: for images that contain nothing else.

`python3 -m tools.static_binary [--release] [--target TRIPLE]` prints the file's path. Without a target, it is musl's if
Rust's standard library is installed for it, and glibc's otherwise.
"""

import argparse
import os
import platform
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
NAME = "influxdb3-tokens"
# `getrandom` looks for the function of that name with dlsym, which finds nothing in a static glibc. It would then read
# devices, which an empty root does not have and the sandbox does not permit.
FLAGS = {
    "gnu": ["-Ctarget-feature=+crt-static", '--cfg=getrandom_backend="linux_getrandom"'],
    "musl": ["-Ctarget-feature=+crt-static"],
}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--release", action="store_true")
    parser.add_argument("--target")
    options = parser.parse_args()
    print(build(options.target or default_target(), options.release))


def default_target():
    musl = f"{platform.machine()}-unknown-linux-musl"
    return musl if is_installed(musl) else musl.replace("musl", "gnu")


def is_installed(target):
    libraries = output("rustc", "--print", "target-libdir", "--target", target)
    return any(Path(libraries).glob("libstd-*.rlib"))


def build(target, release=False, root=ROOT, flags=()):
    """Builds the command for a target, from the checkout at `root`. Returns its path."""
    libc = target.rpartition("-")[2]
    environment = dict(os.environ)
    if libc == "musl" and platform.libc_ver()[0] == "glibc":
        # SQLite and `ring` are C. Debian's compiler knows musl by this name.
        environment.setdefault(f"CC_{target.replace('-', '_')}", "musl-gcc")
    environment["CARGO_ENCODED_RUSTFLAGS"] = "\x1f".join([*FLAGS[libc], *flags])
    if not release:
        # It is for tests, and compiles sooner.
        environment["CARGO_PROFILE_DEV_DEBUG"] = "0"
    command = ["cargo", "build", "--locked", "-p", "influxdb3-tokens-server", "--bin", NAME, "--target", target]
    # Cargo's progress goes to standard error.
    subprocess.run([*command, *(["--release"] if release else [])], cwd=root, env=environment, check=True)
    folder = Path(environment.get("CARGO_TARGET_DIR") or root / "target").absolute()
    return folder / target / ("release" if release else "debug") / NAME


def output(*command):
    return subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()


if __name__ == "__main__":
    try:
        main()
    except subprocess.CalledProcessError as error:
        sys.exit(error.returncode)
