"""The crates that a new generated/ needs, in the Cargo.lock of the copy."""

import json
import re
import subprocess
import sys

from .commands import finish
from .paths import ROOT, STAGE

CRATE = "influxdb3-token-api"
RUNTIME = "openapi-stub-runtime"
PACKAGE = re.compile(
    r"""^name = "(.*)"
version = "(.*)"
(?:(?:source|checksum) = .*
)*(dependencies = \[[^\]]*)?""",
    re.M,
)


def resolve():
    """Adds to the copy's Cargo.lock what is missing there, and updates nothing else.

    Returns the crates that generated/ needs now and did not need before, and those that it no longer needs. Exits if
    Cargo cannot find a crate.
    """
    before, after = needs(ROOT), needs(STAGE)
    old = (ROOT / "Cargo.lock").read_text(encoding="utf-8")
    # `--workspace` keeps the versions of all other packages.
    command = ["cargo", "update", "--quiet", "--workspace"]
    process, _, complaints = finish("resolving dependencies", command, cwd=STAGE, stderr=subprocess.PIPE)
    if process.returncode != 0:
        missing = ", ".join(sorted(name for name in after - before if name not in versions(old)))
        reason = f"generated/ now needs {missing}, which Cargo.lock lacks" if missing else "cargo update failed"
        sys.exit(f"{complaints}\nspec-update: {reason}; run this again with a network")
    new = (STAGE / "Cargo.lock").read_text(encoding="utf-8")
    return {"needs": listed(after - before, new, old), "no_longer_needs": listed(before - after, old, new)}


def needs(root):
    """The names of the crates on which the generated crate depends, also by the runtime's features that it enables."""
    command = ["cargo", "metadata", "--no-deps", "--format-version=1"]
    done = subprocess.run(command, cwd=root, stdout=subprocess.PIPE, text=True)
    if done.returncode != 0:
        sys.exit(f"spec-update: {' '.join(command)} failed with exit code {done.returncode}")
    packages = {package["name"]: package for package in json.loads(done.stdout)["packages"]}
    direct = {dependency["name"]: dependency for dependency in packages[CRATE]["dependencies"]}
    features, found = packages[RUNTIME]["features"], set()
    asked = list(direct[RUNTIME]["features"])
    while asked:
        for word in features[asked.pop()]:
            if word.startswith("dep:"):
                found.add(word.removeprefix("dep:"))
            elif word in features:
                asked.append(word)
    return direct.keys() | found


def listed(names, lock, other_lock):
    """The crates of these names, and the packages that are only in the first of two lock files, with their versions."""
    used = versions(lock)
    crates = {(name, version) for name in names for version in used[name]} | packages(lock) - packages(other_lock)
    return [{"name": name, "version": version} for name, version in sorted(crates)]


def packages(lock):
    return {(name, version) for name, version, _ in PACKAGE.findall(lock)}


def versions(lock):
    """The versions of each package in a lock file. Of several versions, those that the generated crate and the runtime
    use, if they use it."""
    found, used = {}, {}
    for name, version, dependencies in PACKAGE.findall(lock):
        found.setdefault(name, []).append(version)
        if name in (CRATE, RUNTIME):
            for dependency, chosen in re.findall(r'"(\S+) (\S+)', dependencies.replace('",', " ")):
                used.setdefault(dependency, []).append(chosen)
    return found | {name: sorted(set(chosen)) for name, chosen in used.items()}


def describe(dependencies):
    """`generated/ now needs serde_path_to_error 0.1.20`, and a line for each crate that it no longer needs."""
    titles = {"needs": "now needs", "no_longer_needs": "no longer needs"}
    return [
        f"generated/ {title} {crate['name']} {crate['version']}"
        for key, title in titles.items()
        for crate in dependencies[key]
    ]
