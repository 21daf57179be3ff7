"""Tests the pages of the operations listener in Chromium, which playwright-core drives.

Starts a server with some tokens, and one with 10,000, and runs page.cjs. Its screenshots are in target/page/; with
`--picture`, it also replaces the README's, docs/images/page.png.
"""

import argparse
import base64
import json
import os
import re
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

from tests import server
from tests.limits import within
from tools import pinned

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
SCREENSHOTS = ROOT / "target" / "page"
PICTURE = ROOT / "docs" / "images" / "page.png"
MANY = 10_000
SECRET = re.compile(r"apiv3_[\w-]+")
# A browser that took this for markup would run the script.
MARKUP = "<img src=x onerror=\"document.title='run'\"><b>markup</b>"
OPERATIONS = ("--ops-bind", "127.0.0.1:0")

# Name, options of `create`.
TOKENS = [
    ("ci", ["--admin"]),
    ("grafana", ["--permission", "db:sensors,metrics:read", "--permission", "system:*:read"]),
    ("telegraf-berlin", ["--permission", "db:sensors:write", "--expiry", "90d"]),
    ("telegraf-lisbon", ["--permission", "db:sensors:write", "--expiry", "3d"]),
    ("nightly-export", ["--permission", "db:*:read"]),
    ("billing", ["--permission", "db:invoices,payments,refunds,ledger,audits,taxes:read,write", "--expiry", "30d"]),
    ("health-check", ["--permission", "system:health,ping:read"]),
    ("migration-2025", ["--permission", "db:legacy:read,write", "--expiry", "1ms"]),
]  # fmt: skip
FOR_TESTS = [
    (MARKUP, ["--permission", "db:<b>x</b>:read"]),
    ("to-delete", ["--permission", "db:a:read"]),
    ("to-try-out", ["--permission", "db:a:read"]),
    ("deleted-while-in-use", ["--admin"]),
    ("deletes-itself", ["--admin"]),
]  # fmt: skip


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--picture", action="store_true", help="replace docs/images/page.png")
    arguments.add_argument("--only", metavar="PATTERN", default=".", help="run the tests whose names match")
    options = arguments.parse_args()
    if not server.BINARY.is_file():
        sys.exit(f"{server.BINARY} does not exist; run `cargo build --bin influxdb3-tokens`")
    chromium = shutil.which("chromium")
    if not chromium:
        sys.exit("chromium is missing; on Debian: apt-get install chromium")

    programs, packages = pinned.install_node(HERE, "page")
    shutil.rmtree(SCREENSHOTS, ignore_errors=True)
    SCREENSHOTS.mkdir(parents=True)
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        folders = [Path(folder) / name for name in ("few", "many")]
        for each in folders:
            each.mkdir()
        with (
            server.running(folders[0], *OPERATIONS) as few,
            server.running(folders[1], *OPERATIONS, "--permission-tokens-file", many_tokens(folders[1])) as many,
        ):
            tokens = {name: few.create(name, *how) for name, how in TOKENS + FOR_TESTS}
            settings = {
                "chromium": chromium,
                "screenshots": str(SCREENSHOTS),
                "few": described(few),
                "many": described(many),
                "tokens": {name: {"id": token["id"], "secret": token["token"]} for name, token in tokens.items()},
                "shown": [name for name, _ in TOKENS],
                "markup": MARKUP,
                "picture": options.picture,
            }
            environment = {**os.environ, "NODE_PATH": str(packages), "HOME": folder}
            command = [
                programs / "node",
                f"--test-name-pattern={options.only}",
                "--test-reporter=spec",
                HERE / "page.cjs",
            ]
            check_yaml(few)
            with within(300, "the tests in Chromium"):
                done = subprocess.run(
                    command,
                    input=json.dumps(settings),
                    text=True,
                    env=environment,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT,
                )
            # The message of a failed test may contain a secret.
            print(SECRET.sub("[a secret]", done.stdout), end="")
    print(f"{time.monotonic() - began:.0f} s; the screenshots are in {SCREENSHOTS}")
    if done.returncode != 0:
        sys.exit("page: a test failed; the output above says which")
    if options.picture:
        PICTURE.parent.mkdir(exist_ok=True)
        shutil.copy(SCREENSHOTS / "picture.png", PICTURE)


def check_yaml(running):
    """Fails unless /openapi.yaml is the same document as /openapi.json, in the same order."""
    python = pinned.install(ROOT / "api" / "requirements.txt", "api") / "python"
    served = [
        urllib.request.urlopen(f"{running.operations}/openapi.{kind}", timeout=30).read() for kind in ("json", "yaml")
    ]
    compare = "import json, sys, yaml, yamlcore; a, b = json.load(sys.stdin); "
    compare += "sys.exit(list(json.loads(a).items()) != list(yaml.load(b, Loader=yamlcore.CoreLoader).items()))"
    texts = json.dumps([text.decode() for text in served])
    if subprocess.run([python, "-c", compare], input=texts, text=True, timeout=60).returncode != 0:
        sys.exit("page: /openapi.yaml differs from /openapi.json")


def described(running):
    return {"api": running.address, "operations": running.operations, "operator": running.operator}


def many_tokens(folder):
    """A file of permission tokens."""
    file = folder / "permission.json"
    file.touch(mode=0o600)
    secret = (base64.urlsafe_b64encode(secrets.token_bytes(64)).decode().rstrip("=") for _ in range(MANY))
    tokens = [
        {"token": f"apiv3_{text}", "name": f"sensor-{number:05}", "permissions": [f"db:site{number % 40}:write"]}
        for number, text in enumerate(secret)
    ]
    file.write_text(json.dumps({"tokens": tokens}), encoding="utf-8")
    return file


if __name__ == "__main__":
    main()
