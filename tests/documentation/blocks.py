"""Finds the commands in a page, and runs them.

A block of commands is fenced, with the info string `sh`, `bash` or `console`. In a `console` block, a command begins
with `$ `, and the other lines are output. `sh no-run="reason"` keeps a block from being run.
"""

import re
import shlex
import subprocess
from dataclasses import dataclass

FENCE = re.compile(r"(?ms)^( {0,3})```(sh|bash|console|shell)\b([^\n]*)\n(.*?)^\1```[ ]*$")
ATTRIBUTE = re.compile(r'\s+no-run="([^"]+)"')


@dataclass(frozen=True)
class Block:
    place: str
    commands: str
    # Why it is not run; empty if it is.
    reason: str

    def targets(self):
        """The targets and variables of each `make`, if the block has no other command; otherwise nothing."""
        lines = [line.partition("#")[0].split() for line in self.commands.splitlines()]
        return [words[1:] for words in lines if words] if all(words[:1] in ([], ["make"]) for words in lines) else []


def blocks(page, text):
    """The blocks of a page, in their order."""
    found = []
    for match in FENCE.finditer(text):
        indent, language, attributes, body = match.groups()
        place = f"{page}:{text.count(chr(10), 0, match.start()) + 1}"
        reason = ATTRIBUTE.fullmatch(attributes)
        if attributes.strip() and not reason or language == "shell":
            raise ValueError(
                f'{place}: the info string is neither `sh`, `bash`, `console`, nor one of them with no-run="…"'
            )
        lines = [line.removeprefix(indent) for line in body.splitlines()]
        if language == "console":
            lines = prompted(lines)
        found.append(Block(place, "\n".join(lines) + "\n", reason[1] if reason else ""))
    return found


def prompted(lines):
    """The commands of a `console` block, with the lines that continue them."""
    commands, continues = [], False
    for line in lines:
        if line.startswith("$ ") or continues:
            commands.append(line if continues else line[2:])
            continues = line.endswith("\\")
    return commands


def run(listed, folder, environment):
    """Runs blocks one after the other in one shell, because later ones use the variables of earlier ones.

    Returns the place and the output of the block that failed, or nothing.
    """
    script = "".join(f"echo {shlex.quote(f'@@ {block.place}')} >&2\n{block.commands}" for block in listed)
    command = ["bash", "-e", "-o", "pipefail", "-c", script]
    done = subprocess.run(
        command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, timeout=100,
    )  # fmt: skip
    if done.returncode == 0:
        return None
    last = done.stdout.rpartition("@@ ")[2]
    place, _, output = last.partition("\n")
    return place, f"exit code {done.returncode}\n{output}"
