"""Measures nodes on etcd, and writes their section of docs/performance.md. `make bench-cluster` runs this.

The members of etcd that delete write to the disk of `target/`. Those that only hold many tokens are on /dev/shm.
"""

import argparse
import contextlib
import datetime
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

from benches.deletion import seed, sync
from benches.figures import Targets, divided, spread
from benches.page import CLUSTER, PAGE, table
from benches.programs import OURS, TARGET, build, program, run

RESULTS = TARGET / "cluster.json"
MEMBERS = (1, 3)
TOKENS = (100_000, 1_000_000)
AUTHENTICATED = 100_000
SUBJECTS = {"through three nodes": "ours", "bare transactions": "bare"}


def main():
    arguments = argparse.ArgumentParser(prog="benches.cluster", description=__doc__)
    arguments.add_argument("--rounds", type=int, default=5, help="how many times to measure everything (5)")
    arguments.add_argument("--program", default=program("cluster"), help="a program that was built before")
    arguments.add_argument("--only", choices=MEASURED, action="append", help="measure only this again")
    arguments.add_argument("--tokens", type=int, action="append", help="load this many tokens")
    arguments.add_argument("--page", action="store_true", help="write the section from the last measurement")
    options = arguments.parse_args()

    figures = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.is_file() else {}
    if not options.page:
        TARGET.mkdir(parents=True, exist_ok=True)
        if options.program == program("cluster"):
            build(OURS)
        for what in options.only or MEASURED:
            figures[what] = MEASURED[what](options) | {
                "date": datetime.date.today().isoformat(),
                "load": os.getloadavg()[0],
            }
            RESULTS.write_text(json.dumps(figures, indent=1), encoding="utf-8")
            print(f"measured {what}", json.dumps(figures[what]), file=sys.stderr)
    if set(figures) >= set(MEASURED):
        write(figures)


def deletions(options):
    disk = TARGET / "etcd"
    disk.mkdir(exist_ok=True)
    figures = {"fdatasync": sync()}
    for count in MEMBERS:
        with etcd(count, disk) as members:
            figures[str(count)] = json.loads(run(options.program, "deletions", members, str(options.rounds)))
    return figures


def loads(options):
    figures = {}
    for tokens in options.tokens or TOKENS:
        file = seed(tokens)
        with etcd(1, Path("/dev/shm")) as members:
            begun = time.monotonic()
            run(options.program, "fill", members, str(tokens))
            of = figures[str(tokens)] = {"fill": time.monotonic() - begun}
            for _ in range(options.rounds):
                for name, store in (("etcd", members), ("sqlite", file)):
                    loaded = json.loads(run(options.program, "load", store))
                    if loaded["tokens"] != tokens:
                        raise SystemExit(f"{name}: {loaded}")
                    for what in ("start", "memory"):
                        of.setdefault(f"{name}/{what}", []).append(loaded[what])
    return figures


def authentication(options):
    figures = {}
    for count in MEMBERS:
        for _ in range(options.rounds):
            with etcd(count, Path("/dev/shm")) as members:
                measured = json.loads(run(options.program, "authentication", members, str(AUTHENTICATED)))
            for name, values in measured.items():
                figures.setdefault(str(count), {}).setdefault(name, []).extend(values)
    return figures


MEASURED = {"deletions": deletions, "authentication": authentication, "loads": loads}


@contextlib.contextmanager
def etcd(count, folder):
    """Starts so many members of etcd with data in this folder, and yields where clients reach them."""
    clients, peers = free_ports(count), free_ports(count)
    cluster = ",".join(f"m{number}=http://127.0.0.1:{port}" for number, port in enumerate(peers))
    with tempfile.TemporaryDirectory(dir=folder, prefix="bench-etcd-") as data, contextlib.ExitStack() as stack:
        for number, (client, peer) in enumerate(zip(clients, peers, strict=True)):
            client, peer = (f"http://127.0.0.1:{port}" for port in (client, peer))
            command = ["etcd", "--name", f"m{number}", "--data-dir", f"{data}/m{number}", "--log-level", "error"]
            command += ["--listen-client-urls", client, "--advertise-client-urls", client]
            command += ["--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer, "--initial-cluster", cluster]
            # A machine that does much else may delay heartbeats.
            command += ["--heartbeat-interval", "500", "--election-timeout", "5000"]
            command += ["--quota-backend-bytes", str(8 << 30), "--snapshot-count", "100000"]
            member = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            stack.callback(member.wait)
            stack.callback(member.kill)
        wait_for_leader(clients)
        yield ",".join(f"127.0.0.1:{port}" for port in clients)


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


def write(figures):
    """Replaces the section of the page, which is its last."""
    before, _, _ = PAGE.read_text(encoding="utf-8").partition(f"\n{CLUSTER}\n")
    PAGE.write_text(f"{before.rstrip()}\n\n{section(figures)}\n", encoding="utf-8")


def section(figures):
    targets = Targets()
    version = subprocess.run(["etcd", "--version"], capture_output=True, text=True).stdout.split("\n")[0].split()[-1]
    loads = ", ".join(f"{figures[what]['load']:.0f} for {what}" for what in MEASURED)
    parts = [
        f"""{CLUSTER}

`make bench-cluster` writes this section. Measured on {figures["deletions"]["date"]} with etcd {version} over loopback.
The machine did other work at the same time (load average: {loads}).
So the times say little, and the ratios carry over. Members and nodes share both cores. Three nodes run in one process,
without HTTP. Each has a store and connections of its own, and asks another member.""",
        deleted(figures, targets),
        propagated(figures, targets),
        authenticated(figures),
        loaded(figures),
    ]
    return "\n\n".join(parts)


def deleted(figures, targets):
    disk = figures["deletions"]["fdatasync"]
    rows = []
    for members, measured in of_members(figures["deletions"]):
        for clients in (1, 16, 64):
            for title, subject in SUBJECTS.items():
                of = {name: measured[f"{subject}/{clients}/{name}"] for name in ("rate", "p50", "p99")}
                base = {name: measured[f"bare/{clients}/{name}"] for name in of}
                ratios = [divided(of[name], base[name]) for name in ("rate", "p99")]
                cells = ["", ""]
                if subject == "ours":
                    cells = [targets.at_least(0.8, "", ratios[0]), spread(ratios[1])]
                p50, p99 = (millis(of[name]) for name in ("p50", "p99"))
                rate = f"{statistics.median(of['rate']):,.0f}/s"
                row = [members, str(3 * clients), title, rate, cells[0], p50, p99, cells[1]]
                rows.append(f"| {' | '.join(row)} |")
    by_members = of_members(figures["deletions"])
    measured_members = [members for members, _ in by_members]
    rounds = " and ".join(str(len(measured["ours/1/rate"])) for _, measured in by_members)
    columns = "| members | clients | deletions | rate | to the bare rate | p50 | p99 | to the bare p99 |"
    return f"""### Deletions

Each client deletes one token after another. A bare transaction is what a node sends for one deletion, with the same
preconditions, operations and reads. As many clients send one each, through three connections. Both take turns, and
etcd writes to a disk that makes a page durable in {disk["p50"] * 1e6:.0f} µs. The rate should be at least 0.8 of the
bare one. With one client for each node no deletions share a transaction, so the ratio shows what a node adds to it.
Figures are medians of {rounds} rounds for {" and ".join(measured_members)} members.

{table(columns, "|--:|--:|---|--:|--:|--:|--:|--:|", rows)}

A node has one transaction under way and puts up to 64 deletions that wait into the next."""


def propagated(figures, targets):
    rows = []
    for members, measured in of_members(figures["deletions"]):
        for name, title in (("idle", "none"), ("busy", "48 clients")):
            p50, p99, once = (measured[f"propagation/{name}/{what}"] for what in ("p50", "p99", "at once"))
            limit = targets.at_most(50, "", [value * 1e3 for value in p99], ".1f")
            rows.append(f"| {members} | {title} | {statistics.median(once):.0%} | {millis(p50)} | {limit} |")
    columns = "| members | other deletions | refused before the answer | p50 | p99 in ms |"
    return f"""### Until the other nodes refuse

The time from the answer to a deletion until both other nodes refuse the token. etcd answers and tells the other nodes
at the same time, so the others may refuse before the answer, which counts as 0. The p99 should be under 50 ms.

{table(columns, "|--:|---|--:|--:|--:|", rows)}"""


def authenticated(figures):
    rows, misses = [], []
    for members, measured in of_members(figures["authentication"]):
        sha512, sqlite, etcd_ = (measured[name] for name in ("sha512", "sqlite", "etcd"))
        times = [f"{min(values):.0f} ns ({statistics.median(values):.0f})" for values in (sha512, sqlite, etcd_)]
        rows.append(f"| {members} | {' | '.join(times)} | {spread(divided(etcd_, sqlite))} |")
        cells = [millis(measured[name]) for name in ("read/p50", "miss/p50", "read/p99", "miss/p99")]
        ratio = spread(divided(measured["miss/p50"], measured["read/p50"]))
        rate, reads = (statistics.median(measured[f"together/{name}"]) for name in ("rate", "reads"))
        misses.append(f"| {members} | {' | '.join(cells)} | {ratio} | {rate:,.0f}/s | {reads:.0f} |")
    columns = "| members | SHA-512 | `SqliteStore` | `EtcdStore` | `EtcdStore` to `SqliteStore` |"
    counts = [len(measured["miss/p50"]) for _, measured in of_members(figures["authentication"])]
    runs = " and ".join(f"{count} run{'s' * (count != 1)}" for count in counts)
    missed = "| members | read: p50 | miss: p50 | read: p99 | miss: p99 | p50s | together | their reads |"
    return f"""### Authentication

A live token, with {AUTHENTICATED:,} tokens and a fresh copy, in one thread: over etcd the clock is read once more.
The least of all turns, which other processes disturbed the least, and the median in parentheses; the ratio is that of
neighbouring turns. Brackets wider than the difference decide nothing.

{table(columns, "|--:|--:|--:|--:|--:|", rows)}

A secret that the copy lacks waits for a linearizable read of one key. `read` is that read alone, sent directly before
each miss, and `p50s` the ratio of the two. `together` is the rate of 1,000 misses that come at the same time, which
share reads. The members' data is in memory. Rates and reads are medians of {runs} for those numbers of members.

{table(missed, "|--:|--:|--:|--:|--:|--:|--:|--:|", misses)}"""


def loaded(figures):
    rows = []
    for tokens, of in figures["loads"].items():
        if tokens.isdecimal():
            cells = [spread(of[f"{name}/start"], ".2f") for name in ("etcd", "sqlite")]
            memory = {name: [value / 1e6 for value in of[f"{name}/memory"]] for name in ("etcd", "sqlite")}
            cells += [spread(values, ".0f") for values in memory.values()]
            cells.append(spread(divided(memory["etcd"], memory["sqlite"])))
            rows.append(f"| {int(tokens):,} | {' | '.join(cells)} |")
    columns = "| tokens | etcd: s | SQLite: s | etcd: MB | SQLite: MB | memory, to SQLite's |"
    return f"""### Start

Seconds until all tokens are loaded, and the memory of the process then. One member of etcd, on the same machine and
with its data in memory, holds the tokens.

{table(columns, "|--:|--:|--:|--:|--:|--:|", rows)}"""


def of_members(figures):
    return [(members, measured) for members, measured in figures.items() if members.isdecimal()]


def millis(values):
    return f"{statistics.median(values) * 1e3:.2f} ms"


if __name__ == "__main__":
    main()
