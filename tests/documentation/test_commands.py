"""Every command in README.md, CONTRIBUTING.md, SECURITY.md and docs/ is run, or says why not."""

import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

from tests import server
from tests.documentation import blocks
from tests.server import BINARY, ROOT

PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
]


class Commands(unittest.TestCase):
    def test_every_command_of_the_documentation_succeeds(self):
        count, not_run = 0, []
        for page in PAGES:
            name = page.relative_to(ROOT).as_posix()
            listed = blocks.blocks(name, page.read_text(encoding="utf-8"))
            not_run += [f"{block.place}: {block.reason}" for block in listed if block.reason]
            listed = [block for block in listed if not block.reason]
            for block in listed:
                for words in block.targets():
                    self.check_target(block, words)
                    not_run.append(f"{block.place}: make {' '.join(words)}: only its target was looked up")
            listed = [block for block in listed if not block.targets()]
            count += len(listed)
            with self.subTest(name):
                self.run_blocks(listed)
        sys.stderr.write("".join(f"\n    not run: {line}" for line in not_run) + f"\n    {count} blocks were run\n")
        self.assertGreater(count, 0)

    def check_target(self, block, words):
        targets = [word for word in words if "=" not in word]
        makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
        for target in targets:
            self.assertIn(f"\n{target}:", makefile, f"{block.place}: `make {target}` has no such target")

    def run_blocks(self, listed):
        if not listed:
            return
        with tempfile.TemporaryDirectory() as name, Surroundings(Path(name)) as surroundings:
            failed = blocks.run([surroundings.adapted(block) for block in listed], name, surroundings.environment)
            if failed:
                self.fail(": ".join(failed).replace(surroundings.server.operator, "[a secret]"))


class Surroundings:
    """What a reader of the page has: a checkout after `make run`, or an installed command, and a running server."""

    def __init__(self, folder):
        self.folder = folder
        for program in ("target/release/influxdb3-tokens", "bin/influxdb3-tokens"):
            path = folder / program
            path.parent.mkdir(parents=True)
            path.symlink_to(ROOT / "tests/documentation/command.py")
        self.environment = {
            "HOME": str(folder), "PATH": f"{folder}/bin:{os.environ['PATH']}", "TESTED_BINARY": str(BINARY),
            "no_proxy": "*", "PYTHONDONTWRITEBYTECODE": "1",
        }  # fmt: skip

    def __enter__(self):
        self.running = server.running(self.folder, "--ops-bind", "127.0.0.1:0")
        self.server = self.running.__enter__()
        return self

    def __exit__(self, *error):
        return self.running.__exit__(*error)

    def adapted(self, block):
        """A block with this server's addresses, and the operator token where the page leaves one out."""
        commands = block.commands
        for shown, actual in (
            ("127.0.0.1:8181", self.server.address.removeprefix("http://")),
            ("127.0.0.1:8182", self.server.operations.removeprefix("http://")),
            ("apiv3_…", self.server.operator),
        ):
            commands = commands.replace(shown, actual)
        return blocks.Block(block.place, commands, block.reason)


class Blocks(unittest.TestCase):
    def test_a_block_that_fails_is_named(self):
        page = "```sh\nvalue=7\n```\n\n1. text\n\n   ```sh\n   test $value = 7\n   false\n   ```\n\n```sh\ntrue\n```\n"
        place, output = blocks.run(blocks.blocks("page.md", page), ".", dict(os.environ))
        self.assertEqual((place, output), ("page.md:7", "exit code 1\n"))

    def test_the_output_of_a_console_block_is_not_run(self):
        page = "```console\n$ echo a \\\n    b\nfalse\n$ true\n```\n"
        [block] = blocks.blocks("page.md", page)
        self.assertEqual(block.commands, "echo a \\\n    b\ntrue\n")

    def test_a_block_is_only_left_out_with_a_reason(self):
        [block] = blocks.blocks("page.md", '```sh no-run="it needs InfluxDB 3"\nfalse\n```\n')
        self.assertEqual(block.reason, "it needs InfluxDB 3")
        for info in ("sh no-run", 'sh no-run=""', "sh ignore", "shell"):
            with self.assertRaisesRegex(ValueError, "page.md:1"):
                blocks.blocks("page.md", f"```{info}\nfalse\n```\n")

    def test_serve_is_started_and_stopped(self):
        program = [sys.executable, ROOT / "tests/documentation/command.py", "serve"]
        environment = {**os.environ, "TESTED_BINARY": str(BINARY)}
        for options, code in (([], 0), (["--http-bind=0.0.0.0:80", "--data-dir", "/nowhere"], 0), (["--unknown"], 2)):
            done = subprocess.run([*program, *options], env=environment, capture_output=True, timeout=60)
            self.assertEqual(done.returncode, code, done.stderr)
