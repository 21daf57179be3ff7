"""The commands of docs/cluster.md that work on tokens, and those that restore a snapshot, with a member of etcd."""

import contextlib
import json
import os
import re
import socket
import subprocess
import tempfile
import unittest
from pathlib import Path

from tests.documentation import blocks
from tests.limits import within
from tests.server import BINARY, ROOT

PAGE = "docs/cluster.md"
REASON = "tests/documentation/test_cluster.py runs it"


class Cluster(unittest.TestCase):
    def test_the_commands_for_tokens_and_those_of_a_restore_do_what_the_page_says(self):
        listed = [block for block in blocks.blocks(PAGE, (ROOT / PAGE).read_text("utf-8")) if block.reason == REASON]
        self.assertEqual(len(listed), 5, "the blocks of the page that are run here")
        on_tokens, save, list_deleted, restore, delete_again = listed
        with tempfile.TemporaryDirectory() as name:
            site = Site(Path(name))
            with site.etcd("data"):
                operator = site.created("--admin")
                site.environment["INFLUXDB3_AUTH_TOKEN"] = operator["token"]
                self.run_block(site, on_tokens)
                # The audit trail has a line that looks like a deletion of the second one.
                deleted, kept = site.created("--admin", "--name=a"), site.created("--admin", "--name=,deleted,")
                self.run_block(site, save)
                site.run("delete", "token", f"--id={deleted['id']}")
                lost = site.created("--admin", "--name=b")
                site.run("delete", "token", f"--id={lost['id']}")
                self.run_block(site, list_deleted)
            self.run_block(site, restore)
            with site.etcd("restored"):
                self.assertEqual(site.ids(), [operator["id"], deleted["id"], kept["id"]])
                self.run_block(site, delete_again)
                self.assertEqual(site.ids(), [operator["id"], kept["id"]])

    def run_block(self, site, block):
        adapted = blocks.Block(block.place, site.adapted(block.commands), "")
        failed = blocks.run([adapted], site.folder, site.environment)
        self.assertIsNone(failed)


class Site:
    """A folder, in which one member of etcd stands for the three of the page."""

    def __init__(self, folder):
        self.folder = folder
        self.clients, self.peers = free_address(), free_address()
        (folder / "bin").mkdir()
        (folder / "bin/influxdb3-tokens").symlink_to(BINARY)
        self.environment = {
            "HOME": str(folder), "PATH": f"{folder}/bin:{os.environ['PATH']}", "ETCDCTL_API": "3", "no_proxy": "*",
            "INFLUXDB3_TOKENS_STORE": f"etcd://{self.clients}/influxdb3-tokens",
        }  # fmt: skip

    @contextlib.contextmanager
    def etcd(self, data):
        """Runs the member on this data directory for the duration of the block."""
        peers = f"http://{self.peers}"
        command = [
            "etcd", "--name=etcd1", f"--data-dir={self.folder / data}", f"--listen-client-urls=http://{self.clients}",
            f"--advertise-client-urls=http://{self.clients}", f"--listen-peer-urls={peers}",
            f"--initial-advertise-peer-urls={peers}", f"--initial-cluster=etcd1={peers}",
        ]  # fmt: skip
        with open(self.folder / "etcd.log", "a", encoding="utf-8") as log:
            process = subprocess.Popen(command, stdout=log, stderr=log)
        try:
            with within(60, "etcd to answer"):
                # Each waits for an answer for some seconds.
                health = ["etcdctl", f"--endpoints={self.clients}", "endpoint", "health"]
                while subprocess.run(health, env=self.environment, capture_output=True).returncode != 0:
                    if process.poll() is not None:
                        raise RuntimeError((self.folder / "etcd.log").read_text("utf-8")[-2000:])
            yield
        finally:
            process.terminate()
            process.wait(timeout=60)

    def run(self, *arguments):
        done = subprocess.run(
            ["influxdb3-tokens", *arguments], env=self.environment, cwd=self.folder, stdin=subprocess.DEVNULL,
            capture_output=True, text=True, timeout=60,
        )  # fmt: skip
        if done.returncode != 0:
            raise RuntimeError(f"{arguments[0]}: exit code {done.returncode}: {done.stderr}")
        return done.stdout

    def created(self, *options):
        return json.loads(self.run("create", "token", "--format=json", *options))

    def ids(self):
        return [json.loads(line)["id"] for line in self.run("show", "tokens", "--format=jsonl").splitlines()]

    def adapted(self, commands):
        """The commands with the addresses and folders of this site."""
        peers = f"http://{self.peers}"
        for shown, actual in (
            (r"etcd1=https://etcd1:2380,\S*", f"etcd1={peers}"),
            (r"https://etcd1:2380", peers),
            (r"etcd1:2379", self.clients),
            (r"etcd://etcd1,etcd2,etcd3/", f"etcd://{self.clients}/"),
            (r"/var/lib/etcd-restored", str(self.folder / "restored")),
            (r"--since TIME", "--since 1h"),
        ):
            commands = re.sub(shown, actual, commands)
        return commands


def free_address():
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{bound.getsockname()[1]}"


if __name__ == "__main__":
    unittest.main()
