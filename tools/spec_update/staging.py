"""Makes a copy of the checkout in which an update works."""

import shutil

from .paths import API, GENERATED, ROOT, STAGE, TARGET


def stage(spec):
    """Makes a copy of the checkout with the new document. Links everything that the update does not write to."""
    shutil.rmtree(STAGE, ignore_errors=True)
    STAGE.mkdir(parents=True)
    for entry in ROOT.iterdir():
        if entry in (API, GENERATED):
            shutil.copytree(entry, STAGE / entry.name)
        elif entry.name == "Cargo.lock":
            shutil.copy(entry, STAGE / entry.name)
        elif entry not in (ROOT / "target", TARGET) and not entry.name.startswith("."):
            (STAGE / entry.name).symlink_to(entry)
    shutil.copyfile(spec, STAGE / "api" / "openapi.yaml")
