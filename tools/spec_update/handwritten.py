"""The files that people write and that a change of the document can concern."""

import os
import subprocess

from .paths import ROOT

# What no document influences, or only other documents; what tools write; and what `make test-fuzz` tries.
EXCLUDED = ("api/", "fuzz/", "generated/", "runtime/", "tests/fixtures/", "tests/generation/", "tools/")
INCLUDED = ("api/overlay.yaml",)
WRITTEN_BY_TOOLS = ("Cargo.lock", "requirements.txt")


def files(spec):
    """The lines of each file, by its path in the checkout. The document `spec` is not one of them."""
    # Git lists the same files if the checkout is not a repository, or in the folder of another one.
    command = ["git", "grep", "--no-index", "--exclude-standard", "-I", "--name-only", "-z", ""]
    environment = {**os.environ, "GIT_CEILING_DIRECTORIES": str(ROOT.parent)}
    listed = subprocess.run(command, cwd=ROOT, env=environment, check=True, stdout=subprocess.PIPE, text=True).stdout
    names = [name for name in filter(None, listed.split("\0")) if is_included(name)]
    paths = {name: ROOT / name for name in sorted(names) if (ROOT / name).resolve() != spec.resolve()}
    return {name: path.read_text(encoding="utf-8", errors="replace").splitlines() for name, path in paths.items()}


def is_included(name):
    return name in INCLUDED or not (name.startswith(EXCLUDED) or name.endswith(WRITTEN_BY_TOOLS))
