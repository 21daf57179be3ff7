"""Python tools at the versions and hashes of a requirements.txt, installed once into target/tools."""

import filecmp
import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

TOOLS = Path(__file__).resolve().parent.parent / "target" / "tools"


def install(requirements, name):
    """Installs what is required into target/tools/NAME, unless exactly that is there, and returns the programs' folder."""
    folder = TOOLS / name
    installed = folder / "requirements.txt"
    programs = folder / ("Scripts" if os.name == "nt" else "bin")
    if installed.is_file() and filecmp.cmp(requirements, installed, shallow=False):
        return programs
    shutil.rmtree(folder, ignore_errors=True)
    venv.create(folder, with_pip=True)
    pip = [programs / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    done = subprocess.run([*pip, "--require-hashes", "--only-binary", ":all:", "-r", requirements])
    if done.returncode != 0:
        sys.exit(f"{requirements}: pip failed with exit code {done.returncode}")
    shutil.copyfile(requirements, installed)
    return programs
