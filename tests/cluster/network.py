"""The links between machines: which are cut, slow, or lose packets."""

import json
import subprocess
import sys

from tests.cluster.machine import ROOT, Machine


class Network:
    """Machines that a router connects. `names` are those of the machines, in the order of their numbers."""

    has_links = True

    def __init__(self, names, seed, logs):
        self.router = subprocess.Popen(
            [sys.executable, "-m", "tests.cluster.router", str(seed), *names],
            cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        self.read_line()
        self.machines = [Machine(name, number, logs / f"{name}.log") for number, name in enumerate(names, 1)]
        for machine in self.machines:
            machine.connect()

    def stop(self):
        for machine in self.machines:
            machine.stop()
        self.router.stdin.close()
        self.router.wait(timeout=30)
        self.router.stdout.close()

    def read_line(self):
        if not self.router.stdout.readline():
            raise RuntimeError("the router ended")

    def set(self, source, destination, **rule):
        """Replaces the rule of a direction: `cut`, `delay` and `jitter` in seconds, `loss` as a share."""
        self.send({"from": source.number, "to": destination.number, **rule})

    def set_both(self, one, other, **rule):
        self.set(one, other, **rule)
        self.set(other, one, **rule)

    def heal(self):
        self.send({})

    def send(self, rule):
        self.router.stdin.write(json.dumps(rule) + "\n")
        self.router.stdin.flush()
        self.read_line()
