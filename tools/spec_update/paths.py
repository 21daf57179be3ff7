"""The files and folders of an update."""

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
API = ROOT / "api"
GENERATED = ROOT / "generated"
TARGET = Path(os.environ.get("CARGO_TARGET_DIR") or ROOT / "target").absolute()
WORK = ROOT / "target" / "spec-update"
STAGE = WORK / "checkout"
# Cargo identifies a package by its path within the workspace. Without a separate target folder, it would mistake the
# copy's results for those of the checkout.
CHECKED = TARGET / "spec-update" / "target"
