"""Three members of etcd and three nodes, each on a machine of its own."""

import contextlib
import http.client
import json
import os
import shutil
import subprocess
import time

from tests.cluster import isolation
from tests.cluster.etcd import Etcd, Unreachable, encoded
from tests.cluster.loopback import Loopback
from tests.cluster.network import Network

MEMBERS, NODES = 3, 3
CLIENTS, PEERS, API, OPERATIONS = 2379, 2380, 8181, 8182
PREFIX = "/influxdb3-tokens"
OPERATOR = "apiv3_operator-token-of-the-cluster-under-test"
# How long etcd and the nodes may take to be ready at the start.
START = 60


class Cluster:
    """`programs` are the commands of the nodes, as lists; `folder` has everything that they write, except logs."""

    def __init__(self, programs, folder, logs, bound, seed):
        self.folder, self.bound = folder, bound
        names = [f"m{number + 1}" for number in range(MEMBERS)] + [f"n{number + 1}" for number in range(NODES)]
        self.network = (Network if isolation.is_entered() else Loopback)(names, seed, logs)
        self.members, self.nodes = self.network.machines[:MEMBERS], self.network.machines[MEMBERS:]
        # Over the network that always works.
        self.etcd = Etcd([(member.outside, CLIENTS) for member in self.members], timeout=2)
        for member in self.members:
            member.start(self.member_command(member, folder / member.name, "new"))
        self.operator_file = folder / "operator-token.json"
        write_secret(self.operator_file, {"token": OPERATOR, "name": "_admin"})
        wait_for(START, "etcd", self.is_etcd_available)
        for node, program in zip(self.nodes, programs, strict=True):
            (folder / node.name).mkdir(mode=0o700)
            node.start(self.node_command(node, program))
        for node in self.nodes:
            wait_for(START, node.name, lambda node=node: self.has_started(node))

    def has_started(self, node):
        if not node.is_running:
            raise RuntimeError(f"{node.name} ended at its start; see {node.log}")
        return self.verify(node, OPERATOR) == 200

    def member_command(self, member, data, token):
        inside, outside = f"http://{member.address}:{CLIENTS}", f"http://{member.outside}:{CLIENTS}"
        clients = inside if inside == outside else f"{inside},{outside}"
        return [
            "etcd", "--name", member.name, "--data-dir", data, "--logger", "zap", "--log-level", "warn",
            "--listen-client-urls", clients, "--advertise-client-urls", inside,
            "--listen-peer-urls", peer(member), *self.membership(member, token),
            # So few that a member which was away needs a snapshot from its leader.
            "--snapshot-count", "500",
        ]  # fmt: skip

    def membership(self, member, token):
        initial = ",".join(f"{other.name}={peer(other)}" for other in self.members)
        return [
            "--initial-advertise-peer-urls", peer(member), "--initial-cluster", initial,
            "--initial-cluster-token", token,
        ]  # fmt: skip

    def node_command(self, node, program):
        members = ",".join(f"{member.address}:{CLIENTS}" for member in self.members)
        return [
            *program, "serve", "--store", f"etcd://{members}{PREFIX}", "--max-staleness", f"{self.bound * 1000:.0f}ms",
            "--http-bind", f"{node.outside}:{API}", "--ops-bind", f"{node.outside}:{OPERATIONS}",
            "--data-dir", self.folder / node.name, "--admin-token-file", self.operator_file,
        ]  # fmt: skip

    def control_socket(self, node):
        return self.folder / node.name / "control.sock"

    def is_etcd_available(self):
        try:
            return self.etcd.range(PREFIX) is not None
        except Unreachable:
            return False

    def leader(self):
        """The member that leads, if one says so."""
        for number, member in enumerate(self.members):
            with contextlib.suppress(Unreachable):
                status = self.etcd.call_member(number, "/v3/maintenance/status", {})
                if status.get("leader") == status["header"]["member_id"]:
                    return member
        return None

    def verify(self, node, secret):
        """The status of the answer to whether a token is accepted; `None` without an answer."""
        return self.ask(node, OPERATIONS, "GET", "/verify", secret)

    def ask(self, node, port, method, path, secret):
        connection = http.client.HTTPConnection(node.outside, port, timeout=3)
        with contextlib.closing(connection), contextlib.suppress(OSError, http.client.HTTPException):
            connection.request(method, path, headers={"Authorization": f"Bearer {secret}"})
            return connection.getresponse().status
        return None

    def heal(self):
        """Removes every fault. Returns the machines whose program had ended by itself."""
        self.network.heal()
        return [machine.name for machine in self.network.machines if machine.heal()]

    def restart_ended(self):
        """Starts nodes again that gave up, for instance because they found no etcd at their start."""
        for node in self.nodes:
            if not node.is_running:
                node.start()

    def stop(self):
        self.network.stop()

    def has_caught_up(self):
        try:
            return self.etcd.call_member(0, "/v3/kv/range", {"key": encoded(PREFIX)}) is not None
        except Unreachable:
            return False

    def snapshot(self, file):
        """Saves a snapshot of etcd, which has everything that was committed before.

        A snapshot is what one member has, and a member may lag. It has caught up once it answers a linearizable read.
        """
        wait_for(30, "a member that has every change", self.has_caught_up)
        endpoint = f"http://{self.members[0].outside}:{CLIENTS}"
        etcdctl("--endpoints", endpoint, "snapshot", "save", file)

    def restore(self, file, token):
        """Replaces the data of all members by a snapshot, and starts them. `token` says which cluster they are; another
        one makes another cluster ID.
        """
        for member in self.members:
            member.kill()
        for member in self.members:
            data = self.folder / member.name
            shutil.rmtree(data)
            membership = self.membership(member, token)
            etcdctl("snapshot", "restore", file, "--name", member.name, "--data-dir", data, *membership)
            member.start(self.member_command(member, data, token))


def peer(member):
    return f"http://{member.address}:{PEERS}"


def etcdctl(*arguments):
    environment = {**os.environ, "ETCDCTL_API": "3"}
    done = subprocess.run(
        ["etcdctl", *map(str, arguments)], env=environment, capture_output=True, text=True, timeout=60
    )
    if done.returncode != 0:
        raise RuntimeError(f"etcdctl failed: {done.stderr[-500:]}")


def write_secret(file, content):
    with open(os.open(file, os.O_WRONLY | os.O_CREAT, 0o600), "w", encoding="utf-8") as opened:
        json.dump(content, opened)


def wait_for(seconds, what, is_ready):
    end = time.monotonic() + seconds
    while not is_ready():
        if time.monotonic() > end:
            raise TimeoutError(f"waited {seconds} s for {what}")
        time.sleep(0.05)


def has_tools():
    """Whether the machine has etcd and what a snapshot needs."""
    return all(map(shutil.which, ("etcd", "etcdctl")))
