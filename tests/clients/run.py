"""Tests the server with other clients: a Python client from openapi-generator-cli, curl, and parsers of metrics.

Each run generates the Python client into target/clients from generated/openapi.json. The dependencies in
requirements.txt are installed once into target/tools. curl must be installed. Arguments select tests, as with
`python3 -m unittest`.
"""

import os
import re
import shutil
import signal
import sys
import unittest
from pathlib import Path

from api import generate
from tests import limits
from tests.server import BINARY
from tools import pinned

sys.dont_write_bytecode = True
HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
CLIENT = ROOT / "target" / "clients"
MODULES = [f"tests.clients.test_{name}" for name in ("python_client", "curl", "metrics")]
SECRET = re.compile(r"apiv3_[\w-]+")


def main():
    if not BINARY.is_file():
        sys.exit(f"{BINARY} does not exist; run `cargo build --bin influxdb3-tokens`")
    if not shutil.which("curl"):
        sys.exit("curl is missing; on Debian: apt-get install curl")
    pinned.install_all(HERE, ROOT / "api")
    programs = pinned.install(HERE / "requirements.txt", "clients")
    if Path(sys.prefix) != programs.parent:
        # Continue with the Python that has the client's dependencies.
        os.execv(programs / "python", [programs / "python", "-m", "tests.clients.run", *sys.argv[1:]])

    with limits.within(600, "the client to be generated"):
        generate_client()
    # No request leaves this machine.
    os.environ["no_proxy"] = "127.0.0.1"
    # A signal ends the current test, and then the server that was started for it.
    unittest.installHandler()
    signal.signal(signal.SIGTERM, signal.getsignal(signal.SIGINT))
    runner = unittest.TextTestRunner(WithoutSecrets(sys.stderr), verbosity=2, resultclass=limits.LimitedResult)
    done = unittest.main(module=None, argv=[sys.argv[0], *(sys.argv[1:] or MODULES)], testRunner=runner, exit=False)
    if done.result.shouldStop:
        sys.exit("clients: stopped by a signal")
    if done.result.testsRun == 0:
        sys.exit("clients: no test ran")
    sys.exit(not done.result.wasSuccessful())


def generate_client():
    """Generates the client with the version of openapi-generator-cli that also generates generated/."""
    tools = pinned.install(ROOT / "api" / "requirements.txt", "api")
    shutil.rmtree(CLIENT, ignore_errors=True)
    generate.run(
        [
            tools / "openapi-generator-cli", "generate", "--config", HERE / "generator.yaml",
            "--input-spec", ROOT / "generated" / "openapi.json", "--output", CLIENT,
        ],
        quiet=True,
        env=generate.with_java(tools),
    )  # fmt: skip
    sys.path.insert(0, str(CLIENT))


class WithoutSecrets:
    """A stream that redacts the secrets of tokens, because the message of a failed test may contain one."""

    def __init__(self, stream):
        self.stream = stream

    def __getattr__(self, name):
        return getattr(self.stream, name)

    def write(self, text):
        return self.stream.write(SECRET.sub("[a secret]", text))


if __name__ == "__main__":
    main()
