"""Tests the installation of tools: at most once, never by half, and with advice if it fails."""

import contextlib
import io
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import unittest
from functools import partial
from pathlib import Path
from unittest import mock

from tests.limits import within
from tools import installation, pinned

ROOT = Path(__file__).resolve().parents[2]
LIMIT = 60
# Installs a part with a command that runs as long as this process.
HANGS = """
import os, signal, sys
# A shell that runs the tests in the background makes them ignore it.
signal.signal(signal.SIGINT, signal.default_int_handler)
from pathlib import Path
from tools import installation, pinned
folder = Path(sys.argv[1])
runs = "import os, sys, time\\nwhile os.getppid() == int(sys.argv[1]): time.sleep(0.05)"
def fill(run):
    folder.mkdir()
    print("begun", flush=True)
    run([sys.executable, "-c", runs, os.getpid()])
installation.install([pinned.stamped(folder, "it", "pip", "wanted", fill)])
"""


class Installation(unittest.TestCase):
    def setUp(self):
        self.folder = Path(tempfile.mkdtemp()).resolve()
        self.addCleanup(shutil.rmtree, self.folder)
        self.printed = io.StringIO()
        self.filled = []

    def part(self, name, then=lambda run: None):
        def fill(run):
            self.filled.append(name)
            (self.folder / name).mkdir()
            then(run)

        return pinned.stamped(self.folder / name, name, "pip", "wanted", fill)

    def install(self, *chains):
        with contextlib.redirect_stderr(self.printed):
            installation.install(*chains)

    def test_what_is_complete_is_not_installed_again(self):
        self.install([self.part("one")])
        self.assertEqual(len(self.printed.getvalue().splitlines()), 2)
        self.assertIn("once", self.printed.getvalue())
        self.install([self.part("one"), self.part("two")])
        self.assertEqual(self.filled, ["one", "two"])

    def test_chains_are_installed_side_by_side(self):
        together = threading.Barrier(2, timeout=LIMIT)
        meet = lambda run: together.wait()  # noqa: E731
        self.install([self.part("one", meet)], [self.part("two", meet)])
        self.assertEqual(sorted(self.filled), ["one", "two"])

    def test_a_failed_installation_leaves_nothing_and_does_not_stop_others(self):
        command = [sys.executable, "-c", "import sys; print('the reason'); sys.exit(3)"]
        fails = self.part("one", lambda run: run(command))
        with self.assertRaises(SystemExit) as failure:
            self.install([fails, self.part("after")], [self.part("two")])
        for text in ("one (pip) could not be installed; exit code 3", "    the reason", "PIP_INDEX_URL", "HTTPS_PROXY"):
            self.assertIn(text, str(failure.exception))
        self.assertFalse((self.folder / "one").exists())
        self.assertEqual(sorted(self.filled), ["one", "two"])
        self.install([self.part("one")])
        self.assertEqual(self.filled.count("one"), 2)

    def test_an_installation_at_the_same_time_waits_and_does_nothing(self):
        waits = threading.Event()
        blocked = mock.patch.object(installation.Progress, "pause", lambda progress: waits.set())
        other = threading.Thread(target=partial(installation.install, [self.part("one")]))

        def meanwhile(run):
            other.start()
            self.assertTrue(waits.wait(LIMIT))

        with blocked:
            self.install([self.part("one", meanwhile)])
            other.join(LIMIT)
        self.assertEqual(self.filled, ["one"])
        self.assertIn("waiting for another process", self.printed.getvalue())

    def test_an_interrupted_installation_is_not_taken_for_complete(self):
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGKILL):
            with self.subTest(number.name):
                command = [sys.executable, "-c", HANGS, self.folder / "one"]
                with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
                    try:
                        with within(LIMIT, "the end of the installation"):
                            self.assertEqual(process.stdout.readline(), b"begun\n")
                            process.send_signal(number)
                            process.wait()
                    finally:
                        process.kill()
                self.filled.clear()
                self.install([self.part("one")])
                self.assertEqual(self.filled, ["one"])
                shutil.rmtree(self.folder / "one")

    def test_an_interrupt_while_the_workers_start_ends_the_commands(self):
        class Interrupted(installation.ThreadPoolExecutor):
            def submit(self, *arguments):
                super().submit(*arguments)
                assert runs.wait(LIMIT)
                raise KeyboardInterrupt

        runs = threading.Event()
        command = [sys.executable, "-c", f"import time; time.sleep({LIMIT})"]
        part = self.part("one", lambda run: (runs.set(), run(command)))
        with (
            mock.patch.object(installation, "ThreadPoolExecutor", Interrupted),
            within(LIMIT / 2, "the end of the installation"),
            self.assertRaises(KeyboardInterrupt),
        ):
            self.install([part])
        self.assertFalse((self.folder / "one").exists())

    def test_a_terminal_shows_what_a_command_does_and_a_log_only_its_start_and_end(self):
        for is_terminal in (True, False):
            with self.subTest(is_terminal), mock.patch.dict(os.environ, {"TERM": "xterm"}):
                os.environ.pop("CI", None)
                printed = io.StringIO()
                printed.isatty = lambda answer=is_terminal: answer
                with contextlib.redirect_stderr(printed):
                    progress = installation.Progress()
                    progress.doing[self.part("one")] = "Downloading it"
                    progress.draw()
                    progress.line("installed")
                if is_terminal:
                    self.assertRegex(printed.getvalue(), r"pip: Downloading it\r\x1b\[Kinstalled\n$")
                else:
                    self.assertEqual(printed.getvalue(), "installed\n")

    def test_a_registry_that_cannot_be_reached_is_named(self):
        requirements = self.folder / "requirements.txt"
        requirements.write_text(f"absent==1.0 --hash=sha256:{'0' * 64}\n", encoding="utf-8")
        requirements.with_suffix(".in").write_text("# Nothing.\nabsent==1.0\n", encoding="utf-8")
        environment = {"PIP_INDEX_URL": "http://127.0.0.1:9/", "PIP_RETRIES": "0", "PIP_FIND_LINKS": ""}
        with (
            mock.patch.object(pinned, "TOOLS", self.folder / "tools"),
            mock.patch.dict(os.environ, environment),
            contextlib.redirect_stderr(self.printed),
            self.assertRaises(SystemExit) as failure,
        ):
            pinned.install(requirements, "absent")
        self.assertIn("tools: absent (pip) could not be installed", str(failure.exception))
        self.assertIn("No matching distribution", str(failure.exception))


if __name__ == "__main__":
    unittest.main()
