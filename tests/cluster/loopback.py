"""Machines that are only processes, for where a machine allows no network namespaces. Their links cannot be broken."""

import os
import shutil

from tests.cluster.machine import Machine


class LoopbackMachine(Machine):
    """It has a loopback address of its own."""

    def __init__(self, name, number, log):
        self.name, self.number, self.log = name, number, log
        # Another run at the same time has other addresses.
        self.address = self.outside = f"127.{os.getpid() % 200 + 20}.{os.getpid() // 200 % 250}.{number}"
        # It ends with the thread that starts it, which is the main one.
        self.inside = [shutil.which("setpriv"), "--pdeathsig", "KILL", "--"]
        self.command = self.process = None
        self.paused = False

    def stop(self):
        if self.process is not None:
            self.kill()


class Loopback:
    """What `Network` is without links."""

    has_links = False

    def __init__(self, names, _, logs):
        self.machines = [LoopbackMachine(name, number, logs / f"{name}.log") for number, name in enumerate(names, 1)]

    def heal(self):
        return

    def stop(self):
        for machine in self.machines:
            machine.stop()
