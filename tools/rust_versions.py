"""Fails if a dependency of the published packages needs a newer Rust than they declare.

It compares what the manifests declare (`rust-version`). Dependencies of tests are left out: who uses a package does not
compile them. Clippy's `incompatible_msrv` looks at the code.
"""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def main():
    command = ["cargo", "metadata", "--locked", "--format-version=1", "--all-features"]
    metadata = json.loads(subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout)
    if problems := newer(metadata):
        sys.exit("\n".join(problems))


def newer(metadata):
    """What is wrong, a line for each package."""
    packages = {package["id"]: package for package in metadata["packages"]}
    nodes = {node["id"]: node for node in metadata["resolve"]["nodes"]}
    problems = []
    # `publish = false` is an empty list of registries.
    for root in (member for member in metadata["workspace_members"] if packages[member]["publish"] is None):
        name, declared = packages[root]["name"], packages[root]["rust_version"]
        if declared is None:
            problems.append(f"{name} declares no `rust-version`")
            continue
        for identity in compiled(root, nodes):
            needed = packages[identity]["rust_version"]
            if needed and parts(needed) > parts(declared):
                dependency = packages[identity]
                described = f"{dependency['name']} {dependency['version']} needs Rust {needed}"
                problems.append(f"{name} declares Rust {declared}, but {described}")
    return problems


def compiled(root, nodes):
    """The packages that whoever compiles this one compiles on some system."""
    found, waiting = set(), [root]
    while waiting:
        identity = waiting.pop()
        if identity not in found:
            found.add(identity)
            used = (one for one in nodes[identity]["deps"] if any(kind["kind"] != "dev" for kind in one["dep_kinds"]))
            waiting += [one["pkg"] for one in used]
    return sorted(found)


def parts(version):
    """A version such as 1.93 as numbers."""
    numbers = [int(number) for number in version.split(".")]
    return numbers + [0] * (3 - len(numbers))


if __name__ == "__main__":
    main()
