"""Runs the server as a separate process, with an operator token, for the tests in Python."""

import contextlib
import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.limits import within

ROOT = Path(__file__).resolve().parent.parent
# Cargo resolves a relative path against the current folder.
BINARY = Path(os.environ.get("CARGO_TARGET_DIR") or ROOT / "target").absolute() / "debug" / "influxdb3-tokens"


@contextlib.contextmanager
def running(folder, *options, binary=BINARY):
    """Runs a server on a free port for the duration of the block, with its files in `folder` as `make run` places them.

    It may use the files of an earlier run. Writes the server's log (warnings and errors) to standard error at the end.
    Exits if the server did not start, or did not shut down successfully, unless the block has killed it.
    """
    data_dir = folder / "data"
    data_dir.mkdir(mode=0o700, exist_ok=True)
    operator = data_dir / "operator-token.json"
    if not operator.exists():
        run([binary, "create", "--admin", "--offline", "--output-file", operator])
    with open(folder / "log", "w+", encoding="utf-8") as log:
        process = subprocess.Popen(
            [
                binary, "serve", "--http-bind", "127.0.0.1:0", "--data-dir", data_dir,
                "--admin-token-file", operator, "--log-filter", "warn", *options,
            ],
            stdout=subprocess.PIPE, stderr=log, text=True,
        )  # fmt: skip
        try:
            with within(60, "the server to listen"):
                listening, _, address = process.stdout.readline().strip().partition(" on ")
                has_operations = listening == "listening" and any("--ops-bind" in str(option) for option in options)
                operations = process.stdout.readline().strip().partition(" on ")[2] if has_operations else None
            if listening == "listening":
                secret = json.loads(operator.read_text(encoding="utf-8"))["token"]
                yield Server(binary, data_dir, address, secret, process, operations)
                if process.poll() is None:
                    process.terminate()
                process.wait(timeout=30)
        finally:
            process.kill()
            process.wait()
            process.stdout.close()
            log.seek(0)
            sys.stderr.write(log.read())
        if process.returncode not in (0, -signal.SIGKILL):
            sys.exit(f"the server failed with exit code {process.returncode}")


@dataclass(frozen=True)
class Server:
    """A running server: its program, its data directory, its `http://` address, the operator token's secret, its
    process, and the address of its operations listener, if it has one.
    """

    binary: Path
    data_dir: Path
    address: str
    operator: str
    process: subprocess.Popen
    operations: str | None = None

    def create(self, name, *options):
        """Creates a token. Returns it as the document's AdminTokenObject."""
        command = [self.binary, "create", "--name", name, "--format", "json", "--data-dir", self.data_dir]
        return json.loads(run([*command, *options]))

    def live_ids(self):
        """The IDs of the tokens that can be deleted: all except the operator token."""
        shown = run([self.binary, "show", "--format", "json", "--data-dir", self.data_dir])
        return [str(token["id"]) for token in json.loads(shown) if token["name"] != "_admin"]


def run(command):
    """Runs a command and returns its output."""
    done = subprocess.run(command, text=True, stdout=subprocess.PIPE, timeout=60)
    if done.returncode != 0:
        sys.exit(f"{command[0]} {command[1]} failed with exit code {done.returncode}")
    return done.stdout
