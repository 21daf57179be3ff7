"""Python tools at the versions and hashes of a requirements.txt, installed once into target/tools."""

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
    programs = folder / ("Scripts" if os.name == "nt" else "bin")
    # The programs name their folder and their Python, so that neither may move.
    installed = folder / "installed.txt"
    wanted = f"{folder}\n{sys.base_prefix}\n{sys.version}\n{Path(requirements).read_text(encoding='utf-8')}"
    if installed.is_file() and installed.read_text(encoding="utf-8") == wanted:
        return programs
    shutil.rmtree(folder, ignore_errors=True)
    venv.create(folder, with_pip=True)
    pip = [programs / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    done = subprocess.run([*pip, "--require-hashes", "--only-binary", ":all:", "-r", requirements])
    if done.returncode != 0:
        sys.exit(f"{requirements}: pip failed with exit code {done.returncode}")
    installed.write_text(wanted, encoding="utf-8")
    return programs
