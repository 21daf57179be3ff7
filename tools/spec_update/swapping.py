"""Replaces several files and folders: all of them, or none."""

import contextlib
import shutil


def swap(replacements):
    """Replaces each target with a copy of its source. If one cannot be replaced, all targets stay as they were."""
    steps = [Step(source, target) for source, target in replacements]
    try:
        for step in steps:
            step.copy()
        with contextlib.ExitStack() as undo:
            for step in steps:
                step.replace(undo)
            undo.pop_all()
    finally:
        for step in steps:
            step.clean_up()


class Step:
    """The replacement of one file or folder."""

    def __init__(self, source, target):
        self.source, self.target = source, target
        self.new, self.old = (target.with_name(f".{target.name}.{suffix}") for suffix in ("new", "old"))

    def copy(self):
        """Copies the source beside the target: within a folder, a rename is atomic."""
        self.clean_up()
        if self.source.is_dir():
            shutil.copytree(self.source, self.new)
        else:
            shutil.copyfile(self.source, self.new)
            shutil.copymode(self.target, self.new)

    def replace(self, undo):
        """Replaces the target, and registers how to undo that."""
        self.target.rename(self.old)
        undo.callback(self.old.rename, self.target)
        self.new.rename(self.target)
        undo.callback(self.target.rename, self.new)

    def clean_up(self):
        for leftover in (self.new, self.old):
            if leftover.is_dir():
                shutil.rmtree(leftover)
            else:
                leftover.unlink(missing_ok=True)
