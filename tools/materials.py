"""Lists the crates that are compiled into the command, and what they bring of others, in the format CycloneDX 1.6.

`python3 -m tools.materials [TARGET]` prints the list as JSON. It is `cargo metadata` in another form. The same commit
gives the same list.
"""

import datetime
import json
import os
import re
import subprocess
import sys
from pathlib import Path

from tools import static_binary

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = "influxdb3-tokens-server"
# What is in a crate and is not Rust: the file in the crate that tells the version, how, and the component. Scanners for
# vulnerabilities know these by their own names.
EMBEDDED = {
    "libsqlite3-sys": (
        "sqlite3/sqlite3.h",
        r'#define SQLITE_VERSION +"([0-9.]+)"',
        {"name": "SQLite", "purl": "pkg:generic/sqlite", "cpe": "cpe:2.3:a:sqlite:sqlite", "licence": "blessing"},
    ),
    "swagger-ui-redist": (
        "res/swagger-ui-bundle.js",
        r'PACKAGE_VERSION:"([0-9.]+)"',
        {"name": "swagger-ui-dist", "purl": "pkg:npm/swagger-ui-dist", "licence": "Apache-2.0"},
    ),
}


def bill(target):
    """The list for a target, as a document of CycloneDX."""
    metadata = json.loads(
        static_binary.output("cargo", "metadata", "--locked", "--format-version=1", f"--filter-platform={target}")
    )
    packages = {package["id"]: package for package in metadata["packages"]}
    nodes = {node["id"]: compiled_dependencies(node) for node in metadata["resolve"]["nodes"]}
    [root] = [identity for identity, package in packages.items() if package["name"] == PACKAGE]
    compiled = reachable(root, nodes, used(target))
    checksums = locked_checksums()
    brought = {
        identity: embedded(packages[identity]) for identity in compiled if packages[identity]["name"] in EMBEDDED
    }
    components = [component(packages[identity], checksums) for identity in sorted(compiled - {root}, key=str)]
    dependencies = [
        {
            "ref": reference(packages[identity]),
            "dependsOn": sorted(
                [reference(packages[other]) for other in nodes[identity] if other in compiled]
                + ([brought[identity]["bom-ref"]] if identity in brought else [])
            ),
        }
        for identity in sorted(compiled, key=str)
    ]
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {**timestamp(), "component": {**component(packages[root], checksums), "type": "application"}},
        "components": components + sorted(brought.values(), key=lambda one: one["bom-ref"]),
        "dependencies": dependencies,
    }


def timestamp():
    """The time of the commit, when a release is made."""
    epoch = os.environ.get("SOURCE_DATE_EPOCH")
    if not epoch:
        return {}
    return {"timestamp": datetime.datetime.fromtimestamp(int(epoch), datetime.timezone.utc).isoformat()}


def used(target):
    """Name and version of each crate that cargo compiles for this target, with the features that are in use."""
    tree = static_binary.output(
        "cargo", "tree", "--locked", f"--package={PACKAGE}", "--edges=normal", "--prefix=none", f"--target={target}",
        "--format={p}",
    )  # fmt: skip
    lines = (line.split() for line in tree.splitlines())
    return {(words[0], words[1].removeprefix("v")) for words in lines if words}


def compiled_dependencies(node):
    return [
        dependency["pkg"]
        for dependency in node["deps"]
        if any(kind["kind"] is None for kind in dependency["dep_kinds"])
    ]


def reachable(root, nodes, wanted):
    found, waiting = set(), [root]
    names = {identity: name_and_version(identity) for identity in nodes}
    while waiting:
        identity = waiting.pop()
        if identity not in found and names[identity] in wanted:
            found.add(identity)
            waiting += nodes[identity]
    return found


def name_and_version(identity):
    """Of an identity such as `registry+https://…#serde@1.0.0` or `path+file:///folder#1.0.0`."""
    place, _, fragment = identity.rpartition("#")
    name, at, version = fragment.rpartition("@")
    return (name, version) if at else (Path(place).name, fragment)


def component(package, checksums):
    name, version = package["name"], package["version"]
    described = {"type": "library", "bom-ref": reference(package), "name": name, "version": version}
    if package.get("license"):
        # Some crates still separate alternatives as Cargo once did.
        expression = " ".join(package["license"].replace("/", " OR ").split())
        described["licenses"] = [{"expression": expression}]
    if package["source"]:
        described["purl"] = reference(package)
        described["hashes"] = [{"alg": "SHA-256", "content": checksums[name, version]}]
    return described


def embedded(package):
    """The component that a crate brings, which is no crate."""
    file, pattern, known = EMBEDDED[package["name"]]
    text = Path(package["manifest_path"]).parent.joinpath(file).read_text(encoding="utf-8")
    found = re.search(pattern, text)
    if not found:
        raise ValueError(f"{package['name']}: {file} does not tell the version of {known['name']}")
    purl = f"{known['purl']}@{found[1]}"
    cpe = {"cpe": f"{known['cpe']}:{found[1]}:*:*:*:*:*:*:*"} if "cpe" in known else {}
    return {
        "type": "library", "bom-ref": purl, "name": known["name"], "version": found[1],
        "licenses": [{"license": {"id": known["licence"]}}], **cpe, "purl": purl,
    }  # fmt: skip


def reference(package):
    return f"pkg:cargo/{package['name']}@{package['version']}"


def locked_checksums():
    # Python 3.10 has no parser of TOML. Cargo writes each of these on a line of its own.
    packages = (ROOT / "Cargo.lock").read_text(encoding="utf-8").split("[[package]]")[1:]
    fields = [dict(re.findall(r'(?m)^(\w+) = "(.*)"$', package)) for package in packages]
    return {(package["name"], package["version"]): package.get("checksum") for package in fields}


if __name__ == "__main__":
    try:
        print(json.dumps(bill(sys.argv[1] if sys.argv[1:] else static_binary.default_target()), indent=1))
    except subprocess.CalledProcessError as error:
        sys.exit(error.returncode)
