"""Gives a target folder the third-party crates that cargo has compiled in another.

A copy of the checkout needs a target folder of its own: cargo identifies a package by its path within the workspace,
and would mistake one workspace's results for the other's. It identifies a crate of a registry by name, version,
features and profile, so one compilation serves every workspace. Libraries are hard links: the compiler replaces them
and never writes into them. Where cargo arranges its files in another way, nothing is shared, and all is compiled.
"""

import os
import re
import shutil

# How cargo names the files of a crate, which it compiles for each set of features: `NAME-HASH`.
HASH = re.compile(r"(.+)-([0-9a-f]{16})(?:$|\.)")
LOCKED = re.compile(r'^name = "(.+)"\nversion = ".+"\nsource = "registry', re.M)


def share(source, target, lock):
    """Gives one target folder the debug builds that another has of a lock file's crates.

    Gives none if both have compiled a crate on their own. Two compilations may differ, because a build script has
    written its code into different folders, but cargo gives them the same hash. A crate that uses one does not find the
    other.
    """
    names = set(LOCKED.findall(lock.read_text(encoding="utf-8")))
    source, target = source / "debug", target / "debug"
    if not (source / ".fingerprint").is_dir():
        return
    hashes = {hash for name, hash in map(split, os.listdir(source / ".fingerprint")) if name in names}
    if any(
        split(name)[1] in hashes and is_another(source / "deps" / name, target / "deps" / name)
        for name in os.listdir(source / "deps")
    ):
        return
    # Cargo takes a crate with a fingerprint for compiled, so the fingerprints are the last.
    for kind in ("deps", "build", ".fingerprint"):
        (target / kind).mkdir(parents=True, exist_ok=True)
        for entry in os.scandir(source / kind):
            _, hash = split(entry.name)
            to = target / kind / entry.name
            if hash not in hashes or to.exists():
                continue
            if entry.is_dir():
                # Cargo compares the times of these files.
                shutil.copytree(entry.path, to, copy_function=shutil.copy2)
            else:
                os.link(entry.path, to)


def split(entry):
    found = HASH.match(entry)
    return found.groups() if found else (None, None)


def is_another(library, other):
    """Whether both exist, and the compiler has written each of them."""
    return library.suffix in (".rlib", ".rmeta", ".so") and other.exists() and not other.samefile(library)
