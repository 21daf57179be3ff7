"""How the contract changes for clients: breaking changes, compatible changes, and others."""

import json
import os
import subprocess

from tools import pinned

from .commands import run
from .paths import ROOT

COMPARISON = ROOT / "tools" / "contract-diff"
KINDS = {"breaking": "breaking", "non-breaking": "compatible", "deprecated": "compatible"}
ACTIONS = {"add": "added", "remove": "removed", "replace": "changed", "rename": "renamed"}


def compare(old, new):
    """The differences between two effective documents: breaking, compatible, and other."""
    programs, packages = pinned.install_node(COMPARISON, "contract-diff")
    environment = {**os.environ, "NODE_PATH": str(packages)}
    comparison = [programs / "node", COMPARISON / "compare.cjs", old, new]
    printed = run("comparing", comparison, env=environment, stdout=subprocess.PIPE)
    changes = {"breaking": [], "compatible": [], "other": []}
    for difference in json.loads(printed):
        changes[kind(difference)].append(
            {
                "action": ACTIONS[difference["action"]],
                "path": difference["path"],
                "class": difference["type"],
                "description": difference.get("description", ""),
                "before": difference.get("before"),
                "after": difference.get("after"),
            }
        )
    return changes


def kind(difference):
    """The list to which a difference belongs.

    The comparison reports a difference in a component again for each operation that refers to it, and classifies it
    there. It classifies security schemes, which operations refer to by name, at their definition.
    """
    path = difference["path"]
    if path[:1] == ["components"] and path[1:2] != ["securitySchemes"]:
        return "other"
    return KINDS.get(difference["type"], "other")
