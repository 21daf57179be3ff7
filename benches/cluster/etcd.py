"""Members of etcd, which a measurement starts."""

import contextlib
import json
import socket
import subprocess
import tempfile
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path

# What etcd's documentation suggests at most.
QUOTA = 8 << 30


@dataclass(frozen=True)
class Members:
    """Running members: where clients reach them, and their processes."""

    ports: list
    processes: list

    def __str__(self):
        return ",".join(f"127.0.0.1:{port}" for port in self.ports)

    def pids(self):
        return ",".join(str(process.pid) for process in self.processes)

    def cpu_seconds(self):
        """The CPU time of all members. Go keeps the threads of a process, so none is missed."""
        threads = (thread for it in self.processes for thread in Path(f"/proc/{it.pid}/task").glob("*/schedstat"))
        return sum(int(thread.read_text(encoding="ascii").split()[0]) for thread in threads) / 1e9

    def memory(self):
        """The bytes of the first member that are in memory."""
        status = Path(f"/proc/{self.processes[0].pid}/status").read_text(encoding="ascii")
        return next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmRSS:"))

    def database(self):
        """The bytes of the first member's database that are in use."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.ports[0]}/metrics", timeout=60) as answer:
            lines = answer.read().decode().splitlines()
        return next(float(it.split()[1]) for it in lines if it.startswith("etcd_mvcc_db_total_size_in_use_in_bytes "))

    def compact(self):
        """Drops the history of the first member."""
        url = f"--endpoints=127.0.0.1:{self.ports[0]}"
        status = self._etcdctl(url, "endpoint", "status", "--write-out=json")
        revision = json.loads(status)[0]["Status"]["header"]["revision"]
        self._etcdctl(url, "compact", "--physical", str(revision))

    def _etcdctl(self, *arguments):
        command = ["etcdctl", "--command-timeout=600s", *arguments]
        done = subprocess.run(
            command, capture_output=True, text=True, env={"ETCDCTL_API": "3", "PATH": "/usr/bin:/bin"}
        )
        if done.returncode != 0:
            raise SystemExit(f"etcdctl {arguments[1]}: {done.stderr}")
        return done.stdout


@contextlib.contextmanager
def etcd(count, folder):
    """Starts so many members of etcd with data in this folder, and yields them."""
    clients, peers = free_ports(count), free_ports(count)
    cluster = ",".join(f"m{number}=http://127.0.0.1:{port}" for number, port in enumerate(peers))
    processes = []
    with tempfile.TemporaryDirectory(dir=folder, prefix="bench-etcd-") as data, contextlib.ExitStack() as stack:
        for number, (client, peer) in enumerate(zip(clients, peers, strict=True)):
            client, peer = (f"http://127.0.0.1:{port}" for port in (client, peer))
            command = ["etcd", "--name", f"m{number}", "--data-dir", f"{data}/m{number}", "--log-level", "error"]
            command += ["--listen-client-urls", client, "--advertise-client-urls", client]
            command += ["--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer, "--initial-cluster", cluster]
            # A machine that does much else may delay heartbeats.
            command += ["--heartbeat-interval", "500", "--election-timeout", "5000"]
            command += ["--quota-backend-bytes", str(QUOTA), "--snapshot-count", "100000"]
            member = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            processes.append(member)
            stack.callback(member.wait)
            stack.callback(member.kill)
        wait_for_leader(clients)
        yield Members(clients, processes)


def free_ports(count):
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [it.getsockname()[1] for it in sockets]


def wait_for_leader(ports):
    for port in ports:
        for _ in range(600):
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5) as answer:
                    if json.load(answer)["health"] == "true":
                        break
            except OSError:
                pass
            time.sleep(0.1)
        else:
            raise SystemExit("etcd does not start")
