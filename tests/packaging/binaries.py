"""The command as it is packaged, and what reads the files of packages."""

import functools
import shutil
from pathlib import Path

from tests.server import BINARY, ROOT
from tools import static_binary


@functools.cache
def static():
    """The static binary, built without optimization."""
    return static_binary.build(static_binary.default_target())


def dynamic():
    """The binary that other tests use."""
    return BINARY


def yaml(file):
    """The only document of a YAML file."""
    [document] = documents(file)
    return document


def documents(file):
    """The documents of a YAML file."""
    # Of the environment that `tests.packaging.run` installs.
    from yaml import safe_load_all

    return list(safe_load_all(Path(file).read_text(encoding="utf-8")))


def is_missing(program):
    return shutil.which(program, path="/usr/sbin:/usr/bin:/sbin:/bin") is None


__all__ = ["ROOT", "documents", "dynamic", "is_missing", "static", "yaml"]
