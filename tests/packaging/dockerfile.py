"""Reads the Dockerfile, and lays out the files of its final stage as an engine would."""

import json
import os
import re
import shlex
import shutil

# The instructions that `lay_out` and the test carry out. A new one needs a decision there.
KNOWN = set("FROM ARG LABEL COPY ENV VOLUME EXPOSE USER HEALTHCHECK ENTRYPOINT CMD".split())


class Stage:
    """The instructions after a FROM."""

    def __init__(self, instructions):
        self.instructions = instructions

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

    def name(self):
        """The name that other stages know it by."""
        return self.one("FROM").partition(" AS ")[2]


class FinalStage(Stage):
    """The stage that becomes the image."""

    def __init__(self, text):
        super().__init__(stages(text)[-1].instructions)
        unknown = {name for name, _ in self.instructions} - KNOWN
        if unknown:
            raise ValueError(f"the final stage has instructions that the test does not carry out: {sorted(unknown)}")

    def lay_out(self, root, built):
        """Copies into `root` what the stage copies. `built` has the folder with the result of each other stage."""
        for rest in self.all("COPY"):
            options, (source, target) = split(rest)
            source = built[options["from"]] / source.lstrip("/")
            owner = [int(part) for part in options.get("chown", "0:0").split(":")]
            place = root / target.lstrip("/")
            place.parent.mkdir(parents=True, exist_ok=True)
            copy = shutil.copytree if source.is_dir() else shutil.copy
            copy(source, place)
            os.chown(place, *owner)


def stages(text):
    found = []
    for name, rest in instructions(text):
        if name == "FROM":
            found.append(Stage([]))
        # An ARG may come before the first stage.
        if found:
            found[-1].instructions.append((name, rest))
    return found


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
