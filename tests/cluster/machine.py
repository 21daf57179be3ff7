"""A machine of a test: a network namespace of its own, and one program in it that can be killed and paused."""

import os
import signal
import subprocess
from pathlib import Path

from tests.limits import within

ROOT = Path(__file__).resolve().parent.parent.parent


class Machine:
    """`number` is the last part of its addresses: 10.77.0.`number` in the network of the cluster, which the router can
    cut, and 10.78.`number`.2 in the network of the clients, which always works.
    """

    def __init__(self, name, number, log):
        self.name, self.number, self.log = name, number, log
        self.address, self.outside = f"10.77.0.{number}", f"10.78.{number}.2"
        # The namespace lasts as long as this process.
        self.holder = subprocess.Popen(["unshare", "--net", "cat"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
        self.inside = ["nsenter", "--net", f"--target={self.holder.pid}"]
        self.wire = f"to-{name}"
        self.command = self.process = None
        self.paused = False

    def connect(self):
        """Moves its device of the router into its namespace, and connects it to the clients."""
        with within(10, "a network namespace"):
            while namespace(self.holder.pid) == namespace("self"):
                os.sched_yield()
        run(f"ip link set dev {self.name} netns {self.holder.pid}")
        run(f"ip link add {self.wire} type veth peer name outside netns {self.holder.pid}")
        run(f"ip address add 10.78.{self.number}.1/24 dev {self.wire}")
        run(f"ip link set dev {self.wire} up")
        for command in (
            "ip link set lo up",
            f"ip address add {self.address}/24 dev {self.name}",
            f"ip link set dev {self.name} up",
            f"ip address add {self.outside}/24 dev outside",
            "ip link set outside up",
        ):
            run(" ".join(self.inside) + " " + command)

    def start(self, command=None):
        """Starts its program, or starts it again."""
        self.command = command or self.command
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [*self.inside, *map(str, self.command)], stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )

    @property
    def is_running(self):
        return self.process is not None and self.process.poll() is None

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.paused = False

    def stop(self):
        """Ends its program and its namespace."""
        if self.process is not None:
            self.kill()
        run(f"ip link delete {self.wire}")
        self.holder.kill()
        self.holder.wait()
        self.holder.stdin.close()

    def pause(self):
        self.process.send_signal(signal.SIGSTOP)
        self.paused = True

    def heal(self):
        """Lets its program go on, or starts it again. Returns whether it had ended by itself."""
        if self.paused:
            self.process.send_signal(signal.SIGCONT)
            self.paused = False
        code = self.process.poll()
        if code is not None:
            self.start()
        return code not in (None, -signal.SIGKILL)


def namespace(process):
    return os.readlink(f"/proc/{process}/ns/net")


def run(command):
    subprocess.run(command.split(), check=True, timeout=30)
