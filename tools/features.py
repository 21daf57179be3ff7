"""Checks the tables of features in docs/packages.md, and that each crate's documentation names every feature.

`python3 -m tools.features`            fails if a feature or a number of crates differs from cargo's.
`python3 -m tools.features --write`    writes the numbers.

A table is found by its head, `| feature of PACKAGE | ... | crates |`. A row `(none)` is the package without features;
each other row is one feature alone. A number counts the crates that are compiled for Linux on x86-64, without the
package itself and without the dependencies of build scripts and tests.

In a crate's documentation, the first cell of some row names the feature.
"""

import json
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "packages.md"
HEAD = re.compile(r"\| feature of `([\w-]+)` \|.*\| crates \|$")
ROW = re.compile(r"\| (?:`([\w-]+)`|\(none\)) \|.*\| (\d+) \|$")


def main():
    problems = []
    lines, found = PAGE.read_text().splitlines(), set()
    packages = {package["name"]: package for package in cargo_json("metadata", "--no-deps")["packages"]}
    package = None
    for number, line in enumerate(lines):
        if head := HEAD.match(line):
            package = head[1]
        elif not line.startswith("|"):
            package = None
        elif package and (row := ROW.match(line)):
            found.add((package, row[1]))
            if row[1] and row[1] not in packages[package]["features"]:
                problems.append(f"docs/packages.md: {package} has no feature {row[1]}")
                continue
            crates = count(package, row[1])
            if int(row[2]) != crates:
                feature = row[1] or "no feature"
                problems.append(f"docs/packages.md: {package} with {feature} is {crates} crates, not {row[2]}")
            lines[number] = f"{line[: row.start(2)]}{crates} |"
    for name, package in packages.items():
        if not package["features"]:
            continue
        documentation = Path(package["manifest_path"]).with_name("src") / "lib.rs"
        rows = [line.split("|")[1] for line in documentation.read_text().splitlines() if line.startswith("//! |")]
        documented = {name for row in rows for name in re.findall(r"`([\w-]+)`", row)}
        for feature in [None, *package["features"]]:
            if (name, feature) not in found:
                problems.append(f"docs/packages.md: the table of {name} has no row for {feature or '(none)'}")
            if feature not in (None, "default") and feature not in documented:
                file = documentation.relative_to(ROOT)
                problems.append(f"{file}: the crate's documentation has no row for `{feature}`")
    if "--write" in sys.argv[1:]:
        PAGE.write_text("\n".join(lines) + "\n")
        problems = [problem for problem in problems if " crates, not " not in problem]
    for problem in problems:
        print(problem, file=sys.stderr)
    return 1 if problems else 0


def count(package, feature):
    """The number of crates that a package depends on with one feature, or with none."""
    features = ["--features", feature] if feature else []
    tree = cargo(
        "tree", "--package", package, "--edges", "normal", "--prefix", "none", "--format", "{p}",
        "--target", "x86_64-unknown-linux-gnu", "--no-default-features", *features,
    )  # fmt: skip
    # cargo repeats a crate with an asterisk.
    return len({" ".join(line.split()[:2]) for line in tree.splitlines() if line}) - 1


def cargo_json(*arguments):
    return json.loads(cargo(*arguments, "--format-version", "1"))


def cargo(*arguments):
    return subprocess.run(
        ["cargo", *arguments, "--locked"], cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True
    ).stdout


if __name__ == "__main__":
    sys.exit(main())
