"""Installs tools into target/tools, at the versions and hashes of a requirements.txt or package-lock.json."""

import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

TOOLS = (Path(__file__).resolve().parent.parent / "target" / "tools").resolve()


def install(requirements, name):
    """Installs requirements into target/tools/NAME unless they are installed. Returns the folder of the programs."""
    folder = TOOLS / name
    programs = folder / ("Scripts" if os.name == "nt" else "bin")
    # The programs contain the paths of their folder and of Python. They are installed again if either moves.
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
    """Installs the Node.js of a folder's requirements.txt and the packages of its package-lock.json.

    Does nothing if they are installed. Returns the folder of the programs, and the folder for NODE_PATH.
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
