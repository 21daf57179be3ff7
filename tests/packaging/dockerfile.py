"""Reads the final stage of the Dockerfile, and lays out its files as an engine would."""

import json
import os
import re
import shlex
import shutil
from pathlib import Path

# The instructions that `lay_out` and the test carry out. A new one needs a decision there.
KNOWN = set("FROM ARG LABEL COPY ENV VOLUME EXPOSE USER HEALTHCHECK ENTRYPOINT CMD".split())


class FinalStage:
    """The instructions after the last FROM."""

    def __init__(self, text):
        self.instructions = []
        for name, rest in instructions(text):
            if name == "FROM":
                self.instructions.clear()
            self.instructions.append((name, rest))
        unknown = {name for name, _ in self.instructions} - KNOWN
        if unknown:
            raise ValueError(f"the final stage has instructions that the test does not carry out: {sorted(unknown)}")

    def all(self, name):
        return [rest for known, rest in self.instructions if known == name]

    def one(self, name):
        [rest] = self.all(name)
        return rest

    def environment(self):
        words = [word for rest in self.all("ENV") for word in shlex.split(rest)]
        return dict(word.split("=", 1) for word in words)

    def command(self, name):
        """The list of ENTRYPOINT, CMD, or the command of HEALTHCHECK. A text would need a shell."""
        return json.loads(self.one(name).rpartition("CMD ")[2])

    def lay_out(self, root, built):
        """Copies into `root` what the stage copies. `built` has the path for each source of another stage."""
        for rest in self.all("COPY"):
            options, (source, target) = split(rest)
            owner = [int(part) for part in options.get("chown", "0:0").split(":")]
            place = root / target.lstrip("/")
            place.parent.mkdir(parents=True, exist_ok=True)
            copy = shutil.copytree if Path(built[source]).is_dir() else shutil.copy
            copy(built[source], place)
            os.chown(place, *owner)


def split(rest):
    """The options and the other words of an instruction."""
    words = shlex.split(rest)
    options = dict(word[2:].split("=", 1) for word in words if word.startswith("--"))
    return options, [word for word in words if not word.startswith("--")]


def instructions(text):
    """Each instruction, as its name and the rest, without comments and continuations."""
    lines = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))
    joined = re.sub(r"\\\n\s*", " ", lines)
    for line in filter(None, map(str.strip, joined.splitlines())):
        name, _, rest = line.partition(" ")
        yield name.upper(), rest.strip()
