"""Tools at the versions and hashes of a requirements.txt or package-lock.json, installed once into target/tools."""

import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

TOOLS = (Path(__file__).resolve().parent.parent / "target" / "tools").resolve()


def install(requirements, name):
    """Installs the requirements into target/tools/NAME, unless they are installed, and returns the programs' folder."""
    folder = TOOLS / name
    programs = folder / ("Scripts" if os.name == "nt" else "bin")
    # The programs name their folder and their Python, so that neither may move.
    installed = folder / "installed.txt"
    wanted = f"{folder}\n{sys.base_prefix}\n{sys.version}\n{Path(requirements).read_text(encoding='utf-8')}"
    if installed.is_file() and installed.read_text(encoding="utf-8") == wanted:
        return programs
    shutil.rmtree(folder, ignore_errors=True)
    venv.create(folder, with_pip=True)
    pip = [programs / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    done = subprocess.run([*pip, "--require-hashes", "--only-binary", ":all:", "-r", requirements], stdout=sys.stderr)
    if done.returncode != 0:
        sys.exit(f"{requirements}: pip failed with exit code {done.returncode}")
    installed.write_text(wanted, encoding="utf-8")
    return programs


def install_node(folder, name):
    """Installs Node.js by a folder's requirements.txt and packages by its package-lock.json, unless they are there.

    Returns the programs' folder and that of the packages, which is what NODE_PATH takes.
    """
    programs = install(folder / "requirements.txt", name)
    packages = TOOLS / name / "packages"
    manifests = [folder / "package.json", folder / "package-lock.json"]
    installed = packages / "installed.txt"
    wanted = "".join(manifest.read_text(encoding="utf-8") for manifest in manifests)
    if installed.is_file() and installed.read_text(encoding="utf-8") == wanted:
        return programs, packages / "node_modules"
    shutil.rmtree(packages, ignore_errors=True)
    packages.mkdir()
    for manifest in manifests:
        shutil.copy(manifest, packages)
    npm = [programs / "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    environment = {**os.environ, "PATH": os.pathsep.join([str(programs), os.environ["PATH"]])}
    done = subprocess.run(npm, cwd=packages, env=environment, stdout=sys.stderr)
    if done.returncode != 0:
        sys.exit(f"{folder}: npm failed with exit code {done.returncode}")
    installed.write_text(wanted, encoding="utf-8")
    return programs, packages / "node_modules"
