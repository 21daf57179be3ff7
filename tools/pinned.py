"""Installs tools into target/tools, each once, at pinned versions: from PyPI and npm with hashes, from crates.io.

`python3 -m tools.pinned TOOLS…` installs several side by side. Each is a folder with a requirements.txt, and perhaps a
package-lock.json, or a crate as NAME@VERSION.
"""

import json
import os
import re
import shutil
import sys
from functools import partial
from pathlib import Path

from tools import installation
from tools.installation import Part

TOOLS = (Path(__file__).resolve().parent.parent / "target" / "tools").resolve()
# Those with `--debug` need no optimization: they wait for others, or read little.
CRATE_OPTIONS = {
    "cargo-deny": ["--no-default-features"],
    "mdbook": ["--debug", "--no-default-features"],
    "cargo-mutants": ["--no-default-features"],
    "cargo-deb": ["--debug", "--no-default-features", "--features", "gzip"],
    "gungraun-runner": ["--debug"],
    "openapi-to-rust": ["--debug"],
}


def install(requirements, name):
    """Installs requirements into target/tools/NAME unless they are installed. Returns the folder of the programs."""
    installation.install([python(Path(requirements), name)])
    return programs_of(name)


def install_node(folder, name):
    """Installs the Node.js of a folder's requirements.txt and the packages of its package-lock.json.

    Does nothing if they are installed. Returns the folder of the programs, and the folder for NODE_PATH.
    """
    installation.install([python(folder / "requirements.txt", name), node(folder, name)])
    return programs_of(name), TOOLS / name / "packages" / "node_modules"


def install_crate(crate):
    """Installs the programs of a crate, NAME@VERSION, unless it is installed. Returns the folder of its programs."""
    installation.install([program(crate)])
    return TOOLS / crate / "bin"


def install_all(*tools):
    """Installs several tools side by side: folders as for `install_node`, and crates as for `install_crate`.

    The folder's name is that of the tools. After that, the functions above return without delay.
    """
    installation.install(*map(chain, tools))


def chain(tools):
    if "@" in str(tools):
        return [program(str(tools))]
    folder = Path(tools).resolve()
    packages = [node(folder, folder.name)] if (folder / "package-lock.json").exists() else []
    return [python(folder / "requirements.txt", folder.name), *packages]


def programs_of(name):
    return TOOLS / name / ("Scripts" if os.name == "nt" else "bin")


def python(requirements, name):
    """The programs of a requirements.txt, in an environment of their own."""
    folder = TOOLS / name
    # The programs contain the paths of their folder and of Python. They are installed again if either moves.
    wanted = f"{folder}\n{sys.base_prefix}\n{sys.version}\n{requirements.read_text(encoding='utf-8')}"
    listed = requirements.with_suffix(".in").read_text(encoding="utf-8").splitlines()
    contents = ", ".join(re.match(r"[\w.-]+", line)[0] for line in listed if line[:1] not in ("", "#"))

    def fill(run):
        run([sys.executable, "-m", "venv", folder], downloads=False)
        pip = [programs_of(name) / "python", "-m", "pip", "install", "--disable-pip-version-check", "--no-input"]
        run([*pip, "--progress-bar=off", "--require-hashes", "--only-binary", ":all:", "-r", requirements])

    return stamped(folder, contents, "pip", wanted, fill)


def node(folder, name):
    """The packages of a package-lock.json, beside the Node.js that installs and runs them."""
    packages = TOOLS / name / "packages"
    manifests = [folder / "package.json", folder / "package-lock.json"]
    wanted = "".join(manifest.read_text(encoding="utf-8") for manifest in manifests)
    contents = ", ".join(json.loads(manifests[0].read_text(encoding="utf-8"))["dependencies"])
    environment = {**os.environ, "PATH": os.pathsep.join([str(programs_of(name)), os.environ["PATH"]])}

    def fill(run):
        packages.mkdir()
        for manifest in manifests:
            shutil.copy(manifest, packages)
        npm = [programs_of(name) / "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=http"]
        run(npm, cwd=packages, env=environment)

    return stamped(packages, contents, "npm", wanted, fill)


def stamped(folder, contents, manager, wanted, fill):
    """A part that is complete once its file installed.txt contains `wanted`, which is written last."""
    stamp = folder / "installed.txt"

    def is_complete():
        return stamp.is_file() and stamp.read_text(encoding="utf-8") == wanted

    return Part(folder, contents, manager, is_complete, fill, partial(stamp.write_text, wanted, encoding="utf-8"))


def program(crate):
    """The programs of a crate. Cargo lists it in its folder once it is installed."""
    name, _, version = crate.partition("@")
    folder, build = TOOLS / crate, TOOLS / f".{crate}.build"
    record = folder / ".crates.toml"

    def is_complete():
        return record.is_file() and f'"{name} {version} ' in record.read_text(encoding="utf-8")

    def fill(run):
        cargo = ["cargo", "install", "--locked", *CRATE_OPTIONS.get(name, []), "--root", folder, crate]
        try:
            # A compiler's cache may start a server, which would hold the lock.
            environment = {"CARGO_TARGET_DIR": str(build), "CARGO_PROFILE_DEV_DEBUG": "0"}
            run(cargo, env={**os.environ, **environment}, inherits_lock=False)
        finally:
            shutil.rmtree(build, ignore_errors=True)

    return Part(folder, crate, "cargo", is_complete, fill)


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    install_all(*sys.argv[1:])
