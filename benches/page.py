"""docs/performance.md and its pictures, from what was measured. `run.py` calls this."""

import json
import statistics
import sys
from pathlib import Path

sys.dont_write_bytecode = True

import pictures  # noqa: E402
from authentication import SUBJECTS as AUTHENTICATED  # noqa: E402
from deletion import CLIENTS, PAUSE, STORES  # noqa: E402
from figures import Figures, quartiles  # noqa: E402
from http_path import CELLS, DELETED, LIMIT, PACE, REFUSED, SAME, STOCK, SUBJECTS, counterpart  # noqa: E402

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "performance.md"
# What is said of a figure that is not reached, beside it: a file for each, whose name begins with the target's.
REASONS = ROOT / "benches" / "reasons"
SQLITE, AUTOCOMMIT, MEMORY = STORES
# What is to be reached of bare hyper's rate.
REACH = {"401": 0.95, "404": 0.85, "204": 0.80}


def main(results):
    results = json.loads(Path(results).read_text(encoding="utf-8"))
    figures = Figures(results["figures"])
    reached = []
    sections = [
        http(figures, reached), deletion(figures, reached), authentication(figures, reached), growth(figures, reached)
    ]  # fmt: skip
    pictures.draw(figures, PAGE.parent / "performance")
    PAGE.write_text(
        "\n\n".join([head(results["machine"], figures), targets(reached), *sections]) + "\n", encoding="utf-8"
    )
    print(
        f"{PAGE.relative_to(ROOT)} is written; {sum(not met for _, met, *_ in reached)} of {len(reached)} targets are not met"
    )


def head(machine, figures):
    noise = statistics.median(figures.noise("rate"))
    versions = ", ".join(f"{name} {version}" for name, version in sorted(machine["packages"].items()))
    return f"""# Performance

Written by `make bench`; what is not reached, and why, is below its table. [optimization.md](optimization.md) says what
was done, and has the profiles.

Measured on {machine["date"]}: {machine["processor"]}, {machine["cores"]} cores, {machine["memory"] / 2**30:.0f} GiB, Linux {machine["kernel"]}, rustc {machine["rustc"]},
{versions}.

Everything is measured in turn, round after round, over loopback. A figure is the median of its runs; brackets have their
quartiles, between which half of them are. Where these are far apart, the machine was noisy: for half of all rates, by more
than {noise:.0%} of the median. A ratio is taken of runs in the same turn. Only ratios mean something on another machine. Where a
bound lies between the quartiles, whether it is reached is within the noise."""


def targets(reached):
    rows = [
        f"| {what} | {bound} | {value} | {'yes' if met else '**no**'}{', within the noise' if near else ''} |"
        for what, met, near, bound, value in reached
    ]
    return table("| what is to be reached | bound | measured | reached |", "|---|---|---|---|", rows)


def http(figures, reached):
    repeated = statistics.mean(share for cell in CELLS for share in figures.of(*cell, DELETED, name="repeated"))
    parts = [f"""## Requests over HTTP

Server and load (`oha`) have half of the cores each. `rate` is with a request on each connection as soon as the one before
is answered; `CPU` is what the server's threads ran for one request. `p50` and `p99` are at a fixed rate, {PACE:.0%} of bare
hyper's, counted from when a request should have been sent. The stubs that the stock generators make do nothing: they keep
no tokens and compare no secret; `rust-server` lets everyone in, `rust-axum` anyone with a bearer token. `the same 401` is
what the document demands of a refusal, four headers and a body, as constants: nothing is decided. Each deletion needs an
ID of its own, which costs `oha` up to a sixth of its rate: deletions are compared with servers that get the same requests.
{repeated:.0%} of them are answered with 404, because their ID was drawn before.

![Rates to that of bare hyper](performance/http.svg)"""]
    beside = []
    for cell in CELLS:
        title = "{1}, {2} connections".format(*cell)
        rows, to_stock = [], {}
        for subject in SUBJECTS:
            key = (*cell, subject)
            limit, stock = (*cell, counterpart(LIMIT, subject)), (*cell, counterpart(STOCK, subject))
            ratios = figures.ratios(key, limit, "rate")
            rows.append(
                f"| {subject} | {figures.median(*key, name='rate'):,.0f}/s | {spread(ratios)} "
                f"| {figures.median(*key, name='cpu') * 1e6:.1f} µs | {spread(figures.ratios(limit, key, 'cpu'))} "
                f"| {micros(figures.median(*key, name='paced p50'))} | {micros(figures.median(*key, name='paced p99'))} |"
            )
            status = next((status for status in REACH if f"ours, {status}" in subject), None)
            if status:
                case = f"{title}: {status}"
                target(reached, f"{case} to bare hyper's rate", ratios, REACH[status], at_least=True)
                target(reached, f"{case} to stock `rust-server`", figures.ratios(key, stock, "rate"), 1, at_least=True)
                to_stock[status] = figures.ratios(stock, key, "cpu")
        parts.append(f"{title}:")
        parts.append(
            table(
                "| server | rate | to bare hyper | CPU | bare hyper's to it | p50 | p99 |",
                "|---|--:|--:|--:|--:|--:|--:|",
                rows,
            )
        )
        ours, same = (*cell, REFUSED), (*cell, SAME)
        ratios = [
            figures.ratios(ours, same, "rate"),
            figures.ratios(same, ours, "cpu"),
            *(to_stock[status] for status in REACH),
        ]
        beside.append(f"| {title} | {' | '.join(map(spread, ratios))} |")
    statuses = " | ".join(f"{status}: stock's CPU to ours" for status in REACH)
    parts.append(
        "Ours beside bare hyper that sends the same 401, and beside stock `rust-server`; above 1 is better for ours:"
    )
    parts.append(
        table(
            f"| | 401: our rate to hyper's | 401: hyper's CPU to ours | {statuses} |",
            "|---|--:|--:|--:|--:|--:|",
            beside,
        )
    )
    return "\n\n".join([*parts, reasons("http")]).rstrip()


def deletion(figures, reached):
    rows = []
    for clients in map(str, CLIENTS):
        for name in STORES:
            key = ("deletion", name, clients)
            commits = f"{figures.median(*key, name='a commit'):.1f}" if name != MEMORY else ""
            rows.append(
                f"| {clients} | {name} | {figures.median(*key, name='rate'):,.0f}/s "
                f"| {spread(figures.ratios(key, ('deletion', MEMORY, clients), 'rate'))} "
                f"| {micros(figures.median(*key, name='p50'))} | {micros(figures.median(*key, name='p99'))} | {commits} |"
            )
    sync, paused = (
        [value for clients in map(str, CLIENTS) for value in figures.of("deletion", "fdatasync", clients, name=name)]
        for name in ("p50", "paused p50")
    )
    one = figures.ratios(("deletion", SQLITE, "1"), ("deletion", "fdatasync", "1"), "p50")
    target(reached, "durable deletion, 1 client: p50 to `fdatasync`", one, 2, at_least=False)
    many = figures.ratios(("deletion", SQLITE, "64"), ("deletion", MEMORY, "64"), "rate")
    target(reached, "durable deletion, 64 clients: rate to that on `MemoryStore`", many, 0.7, at_least=True)
    if statistics.median(sync) >= 1e-3:
        shared = figures.ratios(("deletion", SQLITE, "64"), ("deletion", SQLITE, "1"), "rate")
        target(reached, "durable deletion: rate with 64 clients to that with 1", shared, 10, at_least=True)
    return f"""## Durable deletion

`DELETE` over HTTP/1.1, another token each time, by clients that each wait for their answer. All cores are for all. The
disk makes one page durable (`pwrite` and `fdatasync`) in {micros(statistics.median(sync))}
{spread([value * 1e6 for value in sync], ".0f", only=True)}, and in {micros(statistics.median(paused))}
{spread([value * 1e6 for value in paused], ".0f", only=True)} where it has done nothing for {micros(PAUSE)} before, as when
one client waits for its answers.

![Deletions a second](performance/deletion.svg)

{table("| clients | store | rate | to memory | p50 | p99 | deletions a commit |", "|--:|---|--:|--:|--:|--:|--:|", rows)}

{reasons("deletion")}""".rstrip()


def authentication(figures, reached):
    rows = []
    for subject in AUTHENTICATED:
        for threads in (1, 2):
            named = {
                name: figures.of("authentication", subject, name=f"{name}/{threads}")
                for name in ("sha512", "read", "hit", "miss")
            }
            cells = [f"{statistics.median(named['sha512']):.0f} ns", f"{statistics.median(named['read']):.0f} ns"]
            for what, limits in {"hit": ("sha512", "read"), "miss": ("sha512",)}.items():
                cells.append(f"{statistics.median(named[what]):.0f} ns")
                for limit in limits:
                    ratios = [value / base for value, base in zip(named[what], named[limit])]
                    cells.append(spread(ratios))
                    if limit == "sha512":
                        call = f"authentication, {subject}, {threads} thread{'s' * (threads > 1)}: {what} to SHA-512"
                        target(reached, call, ratios, 2, at_least=False)
            rows.append(f"| {subject} | {threads} | {' | '.join(cells)} |")
    heading = "| | threads | SHA-512 | and a read | hit | to SHA-512 | to SHA-512 and a read | miss | to SHA-512 |"
    return f"""## Authentication in a process

`Catalog::authenticate`, nanoseconds a call in each thread, of tokens in random order: what a larger server pays for each of
its own requests. `and a read` is SHA-512 and one read of as much memory as the tokens have, at a place that only the
digest tells.

{table(heading, "|---|--:|--:|--:|--:|--:|--:|--:|--:|", rows)}

{reasons("authentication")}""".rstrip()


def growth(figures, reached):
    rows = []
    for tokens in figures.growth():
        key = ("growth", str(tokens))
        start, memory = figures.of(*key, name="start"), figures.of(*key, name="memory")
        rows.append(
            f"| {tokens:,} | {statistics.median(start):.3f} s {spread(start, '.3f', only=True)} | {statistics.median(memory) / 1e6:.0f} MB "
            f"| {figures.median(*key, name='size') / 1e6:.0f} MB | {figures.median(*key, name='rate'):,.0f}/s |"
        )
        if tokens == 1_000_000:
            target(reached, "1,000,000 tokens: seconds to open", start, 2, at_least=False)
            target(
                reached,
                "1,000,000 tokens: MB of memory",
                [value / 1e6 for value in memory],
                150,
                at_least=False,
                form=".0f",
            )
    return f"""## Growth

`SqliteStore`, from the start of a process until all tokens are in memory; then deletions in it, 64 at a time, without HTTP.

![With ever more tokens](performance/growth.svg)

{table("| tokens | start | memory | file | deletions |", "|--:|--:|--:|--:|--:|", rows)}

{reasons("growth")}""".rstrip()


def target(reached, what, values, bound, at_least, form=".2f"):
    value = statistics.median(values)
    met = value >= bound if at_least else value <= bound
    low, high = quartiles(values)
    near = low < bound < high
    reached.append((what, met, near, f"at {'least' if at_least else 'most'} {bound:g}", spread(values, form)))


def spread(values, form=".2f", only=False):
    """The median, and the quartiles in brackets."""
    low, high = quartiles(values)
    ends = f"[{low:{form}}–{high:{form}}]"
    return ends if only else f"{statistics.median(values):{form}} {ends}"


def micros(seconds):
    return f"{seconds * 1e6:,.0f} µs"


def table(head, line, rows):
    return "\n".join([head, line, *rows])


def reasons(section):
    file = REASONS / f"{section}.md"
    return file.read_text(encoding="utf-8").strip() if file.is_file() else ""


if __name__ == "__main__":
    main(*sys.argv[1:])
