"""Runs a cluster while it is broken in many ways, and checks what its clients saw.

Three members of etcd and three nodes run on machines of their own: network namespaces or, where a machine allows none,
processes. Clients create, use and delete tokens; a nemesis breaks machines and links; a checker reads the history. The
run fails with the requests that break a promise. Logs and the history are in target/cluster/.
"""

import argparse
import random
import shutil
import sys
import time
from collections import Counter
from pathlib import Path

from tests import server
from tests.cluster import history as h
from tests.cluster import isolation, nemesis
from tests.cluster.checker import check
from tests.cluster.clients import Clients
from tests.cluster.cluster import Cluster, has_tools
from tests.cluster.machine import ROOT

STAND_IN = ROOT / "tests" / "cluster" / "stand_in.py"
OUTPUT = ROOT / "target" / "cluster"
# A longer run begins again with an empty cluster, so that a history fits into memory.
LONGEST = 600


def main():
    options = parse()
    if not has_tools():
        sys.exit("etcd or etcdctl is missing; on Debian: apt-get install etcd-server etcd-client")
    if not isolation.is_entered() and not options.loopback:
        if isolation.is_possible():
            isolation.enter([sys.executable, "-m", "tests.cluster.run", *sys.argv[1:], "--seed", str(options.seed)])
        print("no link is broken, because this machine allows no network namespaces, or has no /dev/net/tun")
    print(f"seed {options.seed}", flush=True)
    end, seed = time.monotonic() + options.seconds, options.seed
    operations, faults, recoveries, violations = Counter(), Counter(), [], []
    while not violations and (left := end - time.monotonic()) > 0:
        with isolation.folder() as folder:
            run = Run(options, seed, folder)
            violations = run.run(min(left, LONGEST))
        operations.update(f"{event.op} {event.outcome}" for event in run.history.events if event.node)
        faults.update(run.nemesis.faults)
        recoveries += run.nemesis.recoveries
        seed += 1
    report(operations, faults, recoveries, violations)
    sys.exit(bool(violations))


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=180, help="how long the nemesis works")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().getrandbits(32), help="of an earlier run")
    parser.add_argument("--bound", type=float, default=1, help="the bound that is promised, in seconds")
    parser.add_argument("--recovery", type=float, default=10, help="how long all may take to recover, in seconds")
    parser.add_argument("--max-staleness", type=float, help="another one for the nodes, to see it found")
    parser.add_argument("--binary", type=Path, default=server.BINARY, help="the program of the nodes")
    parser.add_argument("--stand-in", action="store_true", help="run a stand-in for the nodes' program")
    parser.add_argument("--bugs", default="", metavar="BUGS", help="bugs of the stand-in on the first node")
    parser.add_argument("--faults", default=" ".join(nemesis.KINDS), metavar="KINDS", help="the kinds of faults")
    parser.add_argument("--loopback", action="store_true", help="run processes on this machine, and break no links")
    parser.add_argument("--output", type=Path, default=OUTPUT, help="folder for logs and the history")
    return parser.parse_args()


class Run:
    """One cluster, from its start to its end."""

    def __init__(self, options, seed, folder):
        self.options, self.is_found, self.next_look = options, False, 0
        shutil.rmtree(options.output, ignore_errors=True)
        options.output.mkdir(parents=True)
        self.history = h.History(options.output / "history.jsonl")
        program = [STAND_IN if options.stand_in or options.bugs else options.binary]
        programs = [["env", f"STAND_IN_BUGS={options.bugs}", *program], program, program]
        begun = time.monotonic()
        staleness = options.max_staleness or options.bound
        self.cluster = Cluster(programs, folder, options.output, staleness, seed)
        print(f"started in {time.monotonic() - begun:.1f} s", flush=True)
        self.clients = Clients(self.cluster, self.history, seed)
        # A fault of another node brings no bug of the first to light.
        nodes = self.cluster.nodes[:1] if options.bugs else self.cluster.nodes
        self.has_bug = bool(options.bugs or options.max_staleness)
        kinds = [kind for kind in options.faults.split() if self.cluster.network.has_links or kind not in nemesis.LINKS]
        self.nemesis = nemesis.Nemesis(self.cluster, self.clients, self.history, seed, kinds, nodes, options.recovery)

    def run(self, seconds):
        end = time.monotonic() + seconds
        self.clients.start()
        try:
            healed = self.nemesis.run(lambda: time.monotonic() > end or self.is_bug_found())
            self.clients.stop()
            if healed and not self.is_bug_found():
                self.clients.compare()
            return check(self.history.events, self.options.bound)
        finally:
            self.clients.stop()
            self.history.close()
            self.cluster.stop()

    def is_bug_found(self):
        """Whether the run need not go on, because it has found a bug that it looks for."""
        if self.has_bug and not self.is_found and time.monotonic() > self.next_look:
            self.next_look = time.monotonic() + 0.5
            self.is_found = bool(check(self.history.so_far(), self.options.bound))
        return self.is_found


def report(operations, faults, recoveries, violations):
    for title, counts in (("operations", operations), ("faults", faults)):
        print(f"{title}: {', '.join(f'{count} {name}' for name, count in sorted(counts.items()))}")
    print(f"{len(recoveries)} recoveries, the longest {max(recoveries, default=0):.1f} s")
    print(f"{len(violations)} violations", *violations[:20], sep="\n")


if __name__ == "__main__":
    main()
