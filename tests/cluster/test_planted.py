"""Plants bugs in a running cluster. The whole harness has to find each: cluster, nemesis, clients and checker.

The stand-in plays the nodes, the first of which has the bug, and faults come that bring it to light. The nodes' own
program is run with a longer bound than the checker knows.
"""

import subprocess
import sys
import tempfile
import unittest
from concurrent.futures import ThreadPoolExecutor

from tests.cluster.machine import ROOT
from tests.limits import within

# For a run that finds nothing. One that finds the bug ends at once, after about seven faults: each fault brings the
# bug to light with some probability only.
SECONDS = 240
# How many clusters run at a time.
CLUSTERS = 3
# Bug of the first node, faults, and the promise that must be broken.
PLANTED = {
    "never-recovers": ("cut-node", "not available"),
    "never-refreshes": ("compact", "late acceptance"),
    "trusts-silence": ("cut-node", "late acceptance"),
    "rejects-misses": ("latency", "live token rejected"),
    "deletes-twice": ("compact", "two deletions"),
    "forgets-retries": ("compact", "live token absent"),
    "loses-creations": ("compact", "live token rejected"),
    "ignores-restores": ("restore", "live token rejected"),
    "trusts-actors": ("latency", "dead actor"),
}


def run(*arguments):
    """The output of a run."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "tests.cluster.run", "--output", f"{folder}/run", "--seed", "1"]
        return subprocess.run(
            [*command, "--seconds", str(SECONDS), *arguments],
            cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip


class Planted(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.pool = ThreadPoolExecutor(CLUSTERS)
        cls.runs = {
            bug: cls.pool.submit(run, "--stand-in", "--bugs", bug, "--faults", faults)
            for bug, (faults, _) in PLANTED.items()
        }
        cls.stale = cls.pool.submit(run, "--max-staleness", "5", "--faults", "cut-node")

    @classmethod
    def tearDownClass(cls):
        cls.pool.shutdown(cancel_futures=True)

    def assert_finds(self, promise, running):
        with within(4 * SECONDS, "a run that finds a bug"):
            done = running.result()
        self.assertIn(f"\n{promise}:\n", done.stdout)
        self.assertEqual(done.returncode, 1)

    def test_a_run_finds_each_bug_of_the_stand_in(self):
        for bug, (_, promise) in PLANTED.items():
            with self.subTest(bug):
                self.assert_finds(promise, self.runs[bug])

    def test_a_run_finds_that_the_nodes_keep_a_longer_bound_than_is_promised(self):
        self.assert_finds("late acceptance", self.stale)


if __name__ == "__main__":
    unittest.main()
