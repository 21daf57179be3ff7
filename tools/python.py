"""Formats and lints the Python code with the pinned ruff.

`python3 -m tools.python check`     fails if a file is not formatted or violates a lint.
`python3 -m tools.python format`    rewrites the files.
"""

import subprocess
import sys
from pathlib import Path

from tools import pinned

ROOT = Path(__file__).resolve().parent.parent
STEPS = {
    "check": [["format", "--check", "--diff"], ["check"]],
    "format": [["check", "--fix"], ["format"]],
}


def main():
    if sys.argv[1:] not in (["check"], ["format"]):
        sys.exit(__doc__)
    ruff = pinned.install(Path(__file__).parent / "ruff" / "requirements.txt", "ruff") / "ruff"
    failed = [step for step in STEPS[sys.argv[1]] if subprocess.run([ruff, *step, "."], cwd=ROOT).returncode != 0]
    sys.exit(bool(failed))


if __name__ == "__main__":
    main()
