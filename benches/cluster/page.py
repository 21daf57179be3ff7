"""Writes the section about nodes on etcd of docs/performance.md from the figures of a measurement."""

import statistics
import subprocess

from benches.cluster.measure import AUTHENTICATED
from benches.figures import Targets, divided, spread
from benches.page import CLUSTER, PAGE, table

PARTS = {
    "bare": "bare",
    "nested": "nested",
    "watched": "watched",
    "nested, watched": "nested, watched",
    "through three nodes": "ours",
}
SUBJECTS = {"through three nodes": "ours", "bare transactions": "bare"}


def write(figures):
    """Replaces the section of the page, which is its last."""
    before, _, _ = PAGE.read_text(encoding="utf-8").partition(f"\n{CLUSTER}\n")
    PAGE.write_text(f"{before.rstrip()}\n\n{section(figures)}\n", encoding="utf-8")


def section(figures):
    targets = Targets()
    version = subprocess.run(["etcd", "--version"], capture_output=True, text=True).stdout.split("\n")[0].split()[-1]
    sections = [
        f"""{CLUSTER}

`make bench-cluster` writes this section. Measured on {figures["deletions"]["date"]} with etcd {version} over loopback.
Members, nodes and clients share the two cores, so times say little, and the ratios carry over. Three nodes run in one
process, without HTTP. Each has a store and connections of its own, and asks another member.""",
        deleted(figures, targets),
        parted(figures),
        propagated(figures, targets),
        authenticated(figures),
        loaded(figures),
    ]
    return "\n\n".join(sections)


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


def parted(figures):
    rows = []
    for members, measured in of_members(figures["parts"]):
        for title, subject in PARTS.items():
            of = {name: measured[f"{subject}/{name}"] for name in ("rate", "p50", "client", "etcd")}
            rate = spread(divided(of["rate"], measured["bare/rate"]))
            p50 = spread(divided(of["p50"], measured["bare/p50"]))
            cpu = [f"{statistics.median(of[name]) * 1e6:,.0f} µs" for name in ("client", "etcd")]
            rows.append(f"| {members} | {title} | {rate} | {p50} | {' | '.join(cpu)} |")
    columns = (
        "| members | deletions of 3 clients | rate, to the bare one | p50, to the bare one | CPU: client | CPU: etcd |"
    )
    return f"""### What a node adds to a transaction

Single deletions again, with one part after another of what a node adds. All take turns. `nested` puts the preconditions
into a transaction in the transaction, which lets deletions share one. `watched` has three connections that follow the
changes, as the nodes do. CPU is time for a deletion, of the program with all three nodes or connections, and of all
members.

{table(columns, "|--:|---|--:|--:|--:|--:|", rows)}"""


def propagated(figures, targets):
    rows = []
    for members, measured in of_members(figures["deletions"]):
        for name, title in (("idle", "none"), ("busy", "48 clients")):
            p50, p99, once = (measured[f"propagation/{name}/{what}"] for what in ("p50", "p99", "at once"))
            limit = targets.at_most(50, "", [value * 1e3 for value in p99], ".1f")
            longest = max(measured[f"propagation/{name}/longest"]) * 1e3
            row = [members, title, f"{statistics.median(once):.0%}", millis(p50), limit, f"{longest:.1f}"]
            rows.append(f"| {' | '.join(row)} |")
    columns = "| members | other deletions | refused before the answer | p50 | p99 in ms | longest of all rounds |"
    return f"""### Until the other nodes refuse

The time from the answer to a deletion until both other nodes refuse the token. etcd answers and tells the other nodes
at the same time, so the others may refuse before the answer, which counts as 0. The p99 should be under 50 ms.
A round follows 300 deletions.

{table(columns, "|--:|---|--:|--:|--:|--:|", rows)}"""


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
    rows, again = [], []
    for tokens, of in figures["loads"].items():
        if tokens.isdecimal():
            cells = [spread(of[f"{name}/start"], ".2f") for name in ("etcd", "sqlite")]
            cells += [spread(of[f"etcd/{who}"], ".2f") for who in ("cpu", "member")]
            memory = {name: [value / 1e6 for value in of[f"{name}/memory"]] for name in ("etcd", "sqlite")}
            cells += [f"{statistics.median(values):.0f}" for values in memory.values()]
            cells.append(spread(divided(memory["etcd"], memory["sqlite"])))
            cells += [f"{of['database'] / 1e6:,.0f}", f"{of['member memory'] / 1e6:,.0f}"]
            rows.append(f"| {int(tokens):,} | {' | '.join(cells)} |")
            took = spread(of["reload/took"], ".2f")
            p99, longest = (millis(of[f"reload/{what}"]) for what in ("p99", "longest"))
            before, after = (statistics.median(of[f"reload/{what}"]) / 1e6 for what in ("memory before", "memory"))
            refused = f"{sum(of['reload/refused']):.0f}"
            again.append(f"| {int(tokens):,} | {took} | {p99} | {longest} | {refused} | {before:.0f} | {after:.0f} |")
    columns = (
        "| tokens | etcd: s | SQLite: s | node: s of CPU | member: s of CPU | etcd: MB | SQLite: MB "
        "| memory, to SQLite's | etcd's database: MB | member: MB |"
    )
    reloads = "| tokens | s | p99 | longest | refused | MB before | MB after |"
    return f"""### Start

Seconds until all tokens are loaded, and the memory of the process then. One member of etcd, on the same machine and
with its data in memory, holds the tokens, whose history was compacted. `--quota-backend-bytes` is 8 GiB.

{table(columns, "|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|", rows)}

Loading again while the node serves: a change was compacted while the node was cut off. It authenticates a live token
every millisecond meanwhile; `p99` and `longest` are how long that takes, `refused` how many did not succeed.

{table(reloads, "|--:|--:|--:|--:|--:|--:|--:|", again)}"""


def of_members(figures):
    return [(members, measured) for members, measured in figures.items() if members.isdecimal()]


def millis(values):
    return f"{statistics.median(values) * 1e3:.2f} ms"
