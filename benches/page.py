"""Writes docs/performance.md from the figures of a measurement."""

import statistics

from benches.authentication import SUBJECTS as AUTHENTICATED
from benches.deletion import CLIENTS, PAUSE, STORES
from benches.figures import Figures, Targets, divided, spread
from benches.http_path import ANSWERS, CELLS, HYPER, OURS, PACE, STOCK
from benches.load import TOKENS
from benches.programs import ROOT

# The heading of the section that benches/cluster.py writes.
CLUSTER = "## Nodes on etcd"
PAGE = ROOT / "docs" / "performance.md"
SQLITE, AUTOCOMMIT, MEMORY = STORES
# The least rate and the most CPU for each answer, relative to bare hyper's.
RATE = {"401": 0.97, "404": 0.97, "204": 0.80}
CPU = {"401": 1.05, "404": 1.10}


def write(machine, figures):
    figures = Figures(figures)
    targets = Targets()
    sections = [section(figures, targets) for section in (http, deletion, authentication, growth)]
    page = [head(machine, figures), missed(targets), *sections, *of_the_cluster()]
    PAGE.write_text("\n\n".join(page) + "\n", encoding="utf-8")
    print(f"wrote {PAGE.relative_to(ROOT)}; {len(targets.missed)} of {targets.count} targets are not reached")


def of_the_cluster():
    """The section that `make bench-cluster` wrote, which stays as it is."""
    _, heading, section = PAGE.read_text(encoding="utf-8").partition(f"\n{CLUSTER}\n")
    return [f"{CLUSTER}\n{section}".rstrip()] if heading else []


def head(machine, figures):
    noise = statistics.median(figures.noise("rate"))
    versions = ", ".join(f"{name} {version}" for name, version in sorted(machine["packages"].items()))
    return f"""# Performance

`make bench` writes this page. [optimization.md](optimization.md) explains the figures: what makes the server fast, what
was tried, and why some targets are not reached.

Measured on {machine["date"]}: {machine["processor"]}, {machine["cores"]} cores, {machine["memory"] / 2**30:.0f} GiB, \
Linux {machine["kernel"]}, rustc {machine["rustc"]},
{versions}.

All subjects take turns over loopback, round after round. Each figure is the median of its runs; the brackets enclose
half of them (the quartiles). Wide brackets mean a noisy machine: for half of all rates they span more than {noise:.0%}
of the median. A ratio compares two runs of the same turn. Only ratios carry over to another machine. Noise disturbs the
server's CPU time for a request (`CPU`) the least."""


def missed(targets):
    if not targets.missed:
        return f"All {targets.count} targets are reached."
    text = f"{targets.count - len(targets.missed)} of {targets.count} targets are reached, all but these:"
    rows = [f"| {' | '.join(row)} |" for row in targets.missed]
    columns = "| not reached | target | measured | within the noise |"
    return f"{text}\n\n{table(columns, '|---|---|---|---|', rows)}"


def http(figures, targets):
    repeated = statistics.mean(share for cell in CELLS for share in figures.of(*cell, "204", OURS, name="repeated"))
    text = f"""## Requests over HTTP

The load generator (`oha`) and the server each have half of the cores. Bare hyper sends the same bytes as our server,
but decides nothing. The stubs of the stock generators keep no tokens and compare no secrets; `rust-server` admits
everyone, `rust-axum` anyone with a bearer token.

- 401: the request has no credential.
- 404: an admin deletes an unknown token.
- 204: an admin deletes one of {TOKENS:,} tokens in memory. Each request draws an ID; {repeated:.0%} of them get a 404,
  because an earlier one drew the same ID.

Our server, relative to bare hyper and to the stub of `rust-server`, which answers 204:

{table(*comparison(figures, targets))}

`rate` is measured with one request at a time on each connection, and so is `CPU`. `p50` and `p99` are latencies at a
fixed rate, {PACE:.0%} of bare hyper's for a 204, counted from the time at which a request was due."""
    return "\n\n".join([text, *(f"{title(cell)}:\n\n{table(*absolute(figures, cell))}" for cell in CELLS)])


def comparison(figures, targets):
    """A row for each ratio, a column for each protocol and number of connections."""
    rows = []
    for status in ANSWERS:
        for name, to, of, bound, demand in [
            ("rate, to bare hyper's", (status, HYPER), "rate", RATE.get(status), targets.at_least),
            ("CPU, to bare hyper's", (status, HYPER), "cpu", CPU.get(status), targets.at_most),
            ("CPU, to the stub's", ("204", STOCK), "cpu", 1, targets.at_most),
        ]:
            row = [status, name, demanded(bound, of)]
            for cell in CELLS:
                ratios = figures.ratios((*cell, status, OURS), (*cell, *to), of)
                row.append(demand(bound, f"{title(cell)}: {status}: {name}", ratios) if bound else spread(ratios))
            rows.append(f"| {' | '.join(row)} |")
    columns = " | ".join(map(title, CELLS))
    return f"| answer | ratio | target | {columns} |", "|---|---|---|" + "--:|" * len(CELLS), rows


def demanded(bound, of):
    return f"at {'least' if of == 'rate' else 'most'} {bound:g}" if bound else ""


def absolute(figures, cell):
    rows = []
    for status, (_, _, servers) in ANSWERS.items():
        for server in servers:
            key = (*cell, status, server)
            latencies = [micros(figures.median(*key, name=name)) for name in ("paced p50", "paced p99")]
            rows.append(
                f"| {status} | {server} | {figures.median(*key, name='rate'):,.0f}/s "
                f"| {figures.median(*key, name='cpu') * 1e6:.1f} µs | {' | '.join(latencies)} |"
            )
    return "| answer | server | rate | CPU | p50 | p99 |", "|---|---|--:|--:|--:|--:|", rows


def deletion(figures, targets):
    sync, paused = synced(figures, "p50"), synced(figures, "paused p50")
    goals = [
        ("1 client: p50, to `fdatasync`", targets.at_most, 2, (SQLITE, "1"), ("fdatasync", "1"), "p50"),
        ("64 clients: rate, to `MemoryStore`'s", targets.at_least, 0.7, (SQLITE, "64"), (MEMORY, "64"), "rate"),
    ]
    if statistics.median(sync) >= 1_000:
        goals.append(("64 clients: rate, to 1 client's", targets.at_least, 10, (SQLITE, "64"), (SQLITE, "1"), "rate"))
    reached = []
    for name, demand, bound, key, to, of in goals:
        ratios = figures.ratios(("deletion", *key), ("deletion", *to), of)
        measured = demand(bound, f"durable deletion, {name}", ratios)
        reached.append(f"| {name} | {demanded(bound, of)} | {measured} |")
    rows = []
    for clients in map(str, CLIENTS):
        for name in STORES:
            key = ("deletion", name, clients)
            ratio = spread(figures.ratios(key, ("deletion", MEMORY, clients), "rate"))
            p50, p99 = (micros(figures.median(*key, name=name)) for name in ("p50", "p99"))
            commits = f"{figures.median(*key, name='a commit'):.1f}" if name != MEMORY else ""
            rate = f"{figures.median(*key, name='rate'):,.0f}/s"
            rows.append(f"| {' | '.join([clients, name, rate, ratio, p50, p99, commits])} |")
    columns = "| clients | store | rate | to `MemoryStore`'s | p50 | p99 | deletions per commit |"
    return f"""## Durable deletion

Each client deletes one token after another over HTTP/1.1 and waits for each answer. Clients and server share all
cores. The disk makes a page durable (`pwrite` and `fdatasync`) in this many microseconds: {spread(sync, ".0f")} back to
back, and {spread(paused, ".0f")} after pauses of {micros(PAUSE)}, such as a single client leaves between its requests.

{table("| ratio | target | measured |", "|---|---|--:|", reached)}

{table(columns, "|--:|---|--:|--:|--:|--:|--:|", rows)}"""


def synced(figures, name):
    """How long the disk took to make a page durable, in microseconds."""
    return [time * 1e6 for clients in CLIENTS for time in figures.of("deletion", "fdatasync", str(clients), name=name)]


def authentication(figures, targets):
    rows = []
    for subject in AUTHENTICATED:
        for threads in ("1", "2"):
            sha512, read, hit, miss = (
                figures.of("authentication", subject, name=f"{name}/{threads}")
                for name in ("sha512", "read", "hit", "miss")
            )
            named = f"authentication, {subject}, threads: {threads}"
            ratios = [
                targets.at_most(2, f"{named}: hit, to SHA-512", divided(hit, sha512)),
                spread(divided(hit, read)),
                targets.at_most(2, f"{named}: miss, to SHA-512", divided(miss, sha512)),
            ]
            times = [f"{statistics.median(times):.0f} ns" for times in (sha512, read, hit, miss)]
            rows.append(f"| {' | '.join([subject, threads, *times, *ratios])} |")
    columns = "| | threads | SHA-512 | and a read | hit | miss | hit, to SHA-512 | hit, to both | miss, to SHA-512 |"
    return f"""## Authentication in a process

A larger server pays for `Catalog::authenticate` on each of its own requests: nanoseconds per call in each thread, with
tokens in random order. `and a read` is SHA-512 and one read at a random place in as much memory as the tokens take. A
call that finds a token (`hit`) or finds none (`miss`) should take at most twice as long as SHA-512.

{table(columns, "|---|--:|--:|--:|--:|--:|--:|--:|--:|", rows)}"""


def growth(figures, targets):
    rows = []
    for tokens in figures.growth():
        key = ("growth", str(tokens))
        start, memory = figures.of(*key, name="start"), [value / 1e6 for value in figures.of(*key, name="memory")]
        cells = [spread(start, ".3f"), spread(memory, ".0f")]
        if tokens == 1_000_000:
            cells = [
                targets.at_most(2, "1,000,000 tokens: seconds to open", start, ".3f"),
                targets.at_most(150, "1,000,000 tokens: MB of memory", memory, ".0f"),
            ]
        size, rate = figures.median(*key, name="size") / 1e6, figures.median(*key, name="rate")
        rows.append(f"| {tokens:,} | {' | '.join(cells)} | {size:.0f} | {rate:,.0f}/s |")
    return f"""## Growth

A process opens a file of `SqliteStore` and loads all tokens. A million should take at most 2 seconds and 150 MB. Then
it deletes tokens, 64 at a time, without HTTP.

{table("| tokens | seconds to open | MB of memory | MB of file | deletions |", "|--:|--:|--:|--:|--:|", rows)}"""


def title(cell):
    return "{1}, {2} connections".format(*cell)


def micros(seconds):
    return f"{seconds * 1e6:,.0f} µs"


def table(columns, alignment, rows):
    return "\n".join([columns, alignment, *rows])
