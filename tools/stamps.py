"""Records the inputs of a generated folder: a line for each file, in the format of `sha256sum`."""

import hashlib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
STAMP = ".inputs"


def listing(files, root=ROOT):
    """The SHA-256 and the path of each file, sorted by path. `build.rs` computes the same list for api/."""
    named = sorted((file.relative_to(root).as_posix(), file) for file in files)
    return "".join(f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {name}\n" for name, file in named)


def files_in(folder):
    """Every file below a folder, except hidden files and Python's caches."""
    paths = [path for path in folder.rglob("*") if path.is_file()]
    return [path for path in paths if not any(map(is_private, path.relative_to(folder).parts))]


def is_private(part):
    return part.startswith(".") or part == "__pycache__"


def is_stamped(folder, inputs):
    """Whether the contents of a folder were made from these inputs."""
    stamp = folder / STAMP
    return stamp.is_file() and stamp.read_text(encoding="utf-8") == inputs


def stamp(folder, inputs):
    """Records in a folder that its contents were made from these inputs."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / STAMP).write_text(inputs, encoding="utf-8")
