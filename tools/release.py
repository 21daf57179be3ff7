"""Makes the files of a release in target/release-files, or checks that others would get the same binary.

`python3 -m tools.release` writes the static binary, the Debian package, the list of the crates in it (CycloneDX), and
SHA256SUMS. After that, `python3 -m tools.release check-reproducible` builds the static binary again, from a clone of
the last commit in another folder, and fails if it is not the one that was made.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tools import materials, package, static_binary

ROOT = Path(__file__).resolve().parent.parent
FILES = ROOT / "target" / "release-files"
BUILD = ROOT / "target" / "release-build"


def main():
    match sys.argv[1:]:
        case []:
            release()
        case ["check-reproducible"]:
            check_reproducible()
        case _:
            sys.exit(__doc__)


def release():
    shutil.rmtree(FILES, ignore_errors=True)
    FILES.mkdir(parents=True)
    prepare(ROOT, BUILD)
    target = static_binary.default_target()
    binary = static_binary.build(target, release=True, flags=remapped(ROOT))
    version = static_binary.output(binary, "--version").rpartition(" ")[2]
    shutil.copy(binary, FILES / f"influxdb3-tokens-{version}-{target}")

    os.environ["CARGO_ENCODED_RUSTFLAGS"] = "\x1f".join(remapped(ROOT))
    command = ["cargo", "build", "--release", "--locked", "-p", "influxdb3-tokens-server", "--bin", "influxdb3-tokens"]
    subprocess.run(command, cwd=ROOT, check=True)
    package.debian(FILES)
    listed = json.dumps(materials.bill(target), indent=1) + "\n"
    (FILES / f"influxdb3-tokens-{version}.cdx.json").write_text(listed, encoding="utf-8")

    sums = [f"{digest(file)}  {file.name}\n" for file in sorted(FILES.iterdir())]
    (FILES / "SHA256SUMS").write_text("".join(sums), encoding="utf-8")
    sys.stdout.write("".join(sums))


def check_reproducible():
    target = static_binary.default_target()
    made = list(FILES.glob(f"influxdb3-tokens-*-{target}"))
    if len(made) != 1:
        sys.exit(f"release: {FILES.relative_to(ROOT)} has no binary for {target}; run `make release` first")
    with tempfile.TemporaryDirectory() as folder:
        clone = Path(folder, "a folder of another name")
        subprocess.run(["git", "clone", "--quiet", "--no-local", ROOT, clone], check=True)
        # The code that build scripts write there has its path in the binary.
        prepare(clone, clone / BUILD.relative_to(ROOT))
        digests = [digest(made[0]), digest(static_binary.build(target, True, clone, remapped(clone)))]
    print("\n".join(digests))
    if digests[0] != digests[1]:
        sys.exit("release: the binary that was made is not what the last commit gives")


def prepare(root, build):
    """Sets the environment in which the result depends on the sources and the compilers alone."""
    for name in [name for name in os.environ if name.startswith("CARGO_PROFILE_") or name == "RUSTFLAGS"]:
        del os.environ[name]
    os.environ["CARGO_TARGET_DIR"] = str(build)
    os.environ["SOURCE_DATE_EPOCH"] = static_binary.output("git", "log", "-1", "--format=%ct")
    # The path of a C file is in what it asserts.
    os.environ["CFLAGS"] = " ".join(f"-ffile-prefix-map={old}={new}".replace(" ", "\\ ") for old, new in replaced(root))
    os.environ["CC_SHELL_ESCAPED_FLAGS"] = "1"


def remapped(root):
    return [f"--remap-path-prefix={old}={new}" for old, new in replaced(root)]


def replaced(root):
    """The folders of this machine, and what the binary calls them."""
    home = Path(os.environ.get("CARGO_HOME") or Path.home() / ".cargo")
    return [(home, "/cargo"), (root, "/influxdb3-tokens")]


def digest(file):
    return hashlib.sha256(Path(file).read_bytes()).hexdigest()


if __name__ == "__main__":
    main()
