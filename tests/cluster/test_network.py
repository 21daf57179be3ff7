"""Tests what faults rest on: the router obeys its rules, and nothing outlives a run, however it ends."""

import re
import signal
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

from tests.cluster import isolation
from tests.cluster.machine import ROOT
from tests.cluster.network import Network
from tests.limits import within

# Receives datagrams, and answers each.
ECHO = """
import socket
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as here:
    here.bind(("0.0.0.0", 7))
    while True:
        here.sendto(*here.recvfrom(100))
"""
# Sends datagrams, one a line, and prints how many bring an answer, and the shortest time of one in milliseconds.
ASK = """
import socket, sys, time
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as here:
    here.settimeout(0.5)
    times = []
    for _ in range(int(sys.argv[2])):
        begun = time.monotonic()
        here.sendto(b"?", (sys.argv[1], 7))
        try:
            here.recv(100)
            times.append(time.monotonic() - begun)
        except TimeoutError:
            pass
    print(len(times), int(1000 * min(times, default=0)))
"""


@unittest.skipUnless(isolation.is_possible(), "this machine allows no network namespaces")
class Router(unittest.TestCase):
    """Runs itself again in namespaces of its own."""

    def test_a_router_cuts_delays_and_loses(self):
        command = [*isolation.unshare(), "sh", "-c", f'{isolation.PREPARE} && exec "$@"', "sh"]
        done = subprocess.run(
            [*command, sys.executable, "-m", "tests.cluster.test_network"], cwd=ROOT, text=True, timeout=60,
            stdout=subprocess.PIPE,
        )  # fmt: skip
        self.assertEqual(done.returncode, 0)
        answers = dict(line.split(": ") for line in done.stdout.splitlines())
        self.assertEqual(answers["free"].split()[0], "20")
        self.assertEqual(answers["cut one way"], "0 0")
        self.assertEqual(answers["cut the other way"], "0 0")
        self.assertEqual(answers["a third machine"].split()[0], "1")
        self.assertEqual(answers["healed"].split()[0], "20")
        answered, shortest = map(int, answers["slow"].split())
        self.assertEqual(answered, 3)
        self.assertGreaterEqual(shortest, 200)
        self.assertIn(int(answers["bad"].split()[0]), range(1, 20))


@unittest.skipUnless(isolation.is_possible(), "this machine allows no network namespaces")
class Killed(unittest.TestCase):
    def test_nothing_is_left_of_a_run_that_is_killed(self):
        with tempfile.TemporaryDirectory() as folder:
            command = [sys.executable, "-m", "tests.cluster.run", "--stand-in", "--output", f"{folder}/run"]
            with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as run:
                with within(60, "a cluster to start"):
                    while not run.stdout.readline().startswith("started"):
                        self.assertIsNone(run.poll())
                processes = descendants(run.pid)
                # Members, nodes, machines and the router.
                self.assertGreater(len(processes), 12)
                run.send_signal(signal.SIGKILL)
                with within(30, "the processes to end"):
                    while any(map(is_alive, processes)):
                        time.sleep(0.05)


def descendants(process):
    """The processes that a process has started, and theirs, each with the time at which it began."""
    found = []
    for task in Path(f"/proc/{process}/task").iterdir():
        for child in (task / "children").read_text(encoding="ascii").split():
            found += [(child, began(child)), *descendants(child)]
    return found


def began(process):
    # Behind the name, which is in parentheses and may contain anything.
    stat = Path(f"/proc/{process}/stat").read_text(encoding="utf-8", errors="replace")
    return re.sub(r".*\)", "", stat, flags=re.DOTALL).split()[19]


def is_alive(process):
    try:
        return began(process[0]) == process[1]
    except (FileNotFoundError, ProcessLookupError):
        return False


def main():
    with isolation.folder() as folder:
        network = Network(["a", "b", "c"], 1, folder)
        a, b, c = network.machines
        for machine in (b, c):
            machine.start([sys.executable, "-c", ECHO])

        def ask(what, machine, count=20):
            command = [*a.inside, sys.executable, "-c", ASK, machine.address, str(count)]
            done = subprocess.run(command, text=True, stdout=subprocess.PIPE, check=True, timeout=60)
            print(f"{what}: {done.stdout.strip()}")
            return done.stdout.startswith(f"{count} ")

        with within(30, "the machines to answer"):
            while not (ask("begin", b, 1) and ask("begin", c, 1)):
                pass
        ask("free", b)
        network.set(a, b, cut=True)
        ask("cut one way", b, 2)
        ask("a third machine", c, 1)
        network.heal()
        network.set(b, a, cut=True)
        ask("cut the other way", b, 2)
        network.heal()
        ask("healed", b)
        network.set_both(a, b, delay=0.1)
        ask("slow", b, 3)
        network.heal()
        network.set_both(a, b, loss=0.3)
        ask("bad", b)
        network.stop()


if __name__ == "__main__":
    main()
