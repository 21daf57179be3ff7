"""From which inputs something was made: a stamp in its folder, so that it goes when the folder goes."""

import hashlib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
STAMP = ".inputs"


def digest(*files, start=""):
    """The digest of files, by their paths and what is in them; `start` is one to which they are added."""
    found = hashlib.sha256(start.encode())
    for file in files:
        found.update(f"{file.relative_to(ROOT)}\0".encode() + hashlib.sha256(file.read_bytes()).digest())
    return found.hexdigest()


def is_stamped(folder, inputs):
    """Whether what is in a folder was made from these inputs."""
    stamp = folder / STAMP
    return stamp.is_file() and stamp.read_text(encoding="utf-8") == inputs


def stamp(folder, inputs):
    """Says that what is in a folder was made from these inputs."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / STAMP).write_text(inputs, encoding="utf-8")
