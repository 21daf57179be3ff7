"""Remakes the patches beside it: `python3 -m tests.spec_update.drift.remake`, then the same with `--save`.

The first command makes the updated checkout, with the parts of the patches that still apply. Edit its files until
`cargo test` passes; `INSTA_UPDATE=always cargo test` writes the snapshots. The second command saves the differences.
"""

import subprocess
import sys

from tests.spec_update.checkout import COPY, FOLDER, TARGET, Checkout
from tests.spec_update.drift.document import BY_HAND, PATCHES, SNAPSHOTS, drifted

# The commit is the checkout after the update.
GIT = ["git", "-c", "user.name=remake", "-c", "user.email=remake@localhost", "-c", "commit.gpgsign=false"]


def main():
    if sys.argv[1:] == ["--save"]:
        save()
        return
    checkout = Checkout()
    done = checkout.make("spec-update", f"SPEC={drifted()}")
    if done.returncode != 0:
        sys.exit(done.stderr)
    print(done.stdout)
    for command in (["init", "--quiet"], ["add", "--all"], ["commit", "--quiet", "--message=updated"]):
        subprocess.run([*GIT, *command], cwd=COPY, check=True)
    for patch in PATCHES:
        subprocess.run([*GIT, "apply", "--reject", patch], cwd=COPY)
    print(f"Edit the files in {COPY}, with CARGO_TARGET_DIR={TARGET}. `make generate` applies the overlay.")


def save():
    head = BY_HAND.read_text(encoding="utf-8").partition("diff --git")[0]
    BY_HAND.write_text(head + differences(":!generated", ":!*.snap", ":!*.rej"), encoding="utf-8")
    SNAPSHOTS.write_text(differences("*.snap"), encoding="utf-8")


def differences(*paths):
    command = [*GIT, "diff", "--no-color", "-U2", "--", *paths]
    return subprocess.run(command, cwd=COPY, check=True, stdout=subprocess.PIPE, text=True).stdout


if __name__ == "__main__":
    FOLDER.mkdir(parents=True, exist_ok=True)
    main()
