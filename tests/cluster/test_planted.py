"""Plants bugs in a running cluster. The whole harness has to find each: cluster, nemesis, clients and checker.

The stand-in plays the nodes; the first of them has the bug. Each bug is found under the faults that bring it to light.
"""

import subprocess
import sys
import tempfile
import unittest
from concurrent.futures import ThreadPoolExecutor

from tests.cluster.machine import ROOT
from tests.limits import within

# For a run that finds nothing. One that finds the bug ends at once.
SECONDS = 60
# How many clusters run at a time.
CLUSTERS = 3
# Bug, faults, and the promises of which one must be broken.
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
        command = [sys.executable, "-m", "tests.cluster.run", "--stand-in", "--output", f"{folder}/run", *arguments]
        return subprocess.run(command, cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


class Planted(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.pool = ThreadPoolExecutor(CLUSTERS)
        cls.runs = {
            bug: cls.pool.submit(run, "--seconds", str(SECONDS), "--seed", "1", "--bugs", bug, "--faults", faults)
            for bug, (faults, _) in PLANTED.items()
        }

    @classmethod
    def tearDownClass(cls):
        cls.pool.shutdown(cancel_futures=True)

    def test_a_run_finds_each_planted_bug(self):
        for bug, (_, promise) in PLANTED.items():
            with self.subTest(bug), within(10 * SECONDS, f"the run with the bug {bug}"):
                done = self.runs[bug].result()
                self.assertIn(f"\n{promise}:\n", done.stdout)
                self.assertEqual(done.returncode, 1)


if __name__ == "__main__":
    unittest.main()
