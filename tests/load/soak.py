"""Runs a server for a long time, and shows that it grows only with its data.

Each cycle starts the server on the files of the previous one, creates and deletes tokens, attacks it, and ends it by
SIGTERM or SIGKILL. At rest, after the attack, the cycle records memory, descriptors and the sizes of the files.

The check fails if a request fails, if a token is lost or comes back, or if memory or descriptors at rest grow from the
first cycles to the last beyond what the tokens explain.

`python3 -m tests.load.soak --minutes 60` needs the release build.
"""

import argparse
import json
import statistics
import sys
import tempfile
import time
from pathlib import Path

from tests import server
from tests.limits import within
from tests.load.run import RELEASE, SMALL, attackers, client, descriptors, resident, write_tokens

CYCLE_SECONDS = 60
# Tokens that each cycle adds from a file, some more than its client deletes.
CREATED = 3600
# Memory at rest that a live token explains, in bytes.
OF_A_TOKEN = 400
# Growth that is noise of the allocator, in bytes.
NOISE = 4 << 20
BARS = "▁▂▃▄▅▆▇█"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=60)
    options = parser.parse_args()
    if not RELEASE.is_file():
        sys.exit(f"{RELEASE} does not exist; build it with `cargo build --release` first")
    cycles = []
    end = time.monotonic() + options.minutes * 60
    with tempfile.TemporaryDirectory() as folder:
        state = State()
        while time.monotonic() < end or len(cycles) < 4:
            cycles.append(cycle(Path(folder), state, len(cycles)))
            print(json.dumps(cycles[-1]), flush=True)
    problems = growth(cycles)
    for name in ("resident", "descriptors", "threads", "database", "log", "live", "deletions", "p99_ms"):
        print(curve(name, [cycle[name] for cycle in cycles]))
    if problems:
        sys.exit("soak: " + "; ".join(problems))


class State:
    """The tokens that are expected in the files."""

    def __init__(self):
        self.created = 0
        self.deleted = 0

    def live(self):
        return self.created - self.deleted


def cycle(folder, state, number):
    tokens = write_tokens(folder / "tokens.json", state.created + 1, CREATED)
    state.created += CREATED
    with server.running(folder, "--permission-tokens-file", tokens, binary=RELEASE) as running:
        process = running.process.pid
        check(running, state, "after a start")
        end = time.monotonic() + CYCLE_SECONDS
        with client(running) as answers:
            with attackers(running, SMALL):
                while time.monotonic() < end - CYCLE_SECONDS / 3:
                    running.create(f"soak-{number}", "--permission", "db:soak:read")
                    server.run([running.binary, "delete", "--token-name", f"soak-{number}", *delete_options(running)])
                    time.sleep(0.5)
            time.sleep(max(end - time.monotonic(), 0))
        state.deleted += len(answers)
        failed = [answer["status"] for answer in answers if answer["status"] != 204]
        if failed:
            sys.exit(f"soak: {len(failed)} deletions failed: {failed[:5]}")
        check(running, state, "at the end of a cycle")
        times = sorted(answer["seconds"] * 1000 for answer in answers)
        data = running.data_dir
        figures = {
            "cycle": number,
            "resident": resident(process),
            "descriptors": descriptors(process),
            "threads": len(list(Path(f"/proc/{process}/task").iterdir())),
            "database": (data / "tokens.db").stat().st_size,
            "log": (data / "tokens.db-wal").stat().st_size,
            "files": sorted(file.name for file in data.iterdir()),
            "live": state.live(),
            "deletions": state.deleted,
            "p99_ms": times[int(len(times) * 0.99)],
        }
        if number % 2:
            running.process.kill()
            running.process.wait()
    return figures


def delete_options(running):
    return ["--data-dir", running.data_dir, "--token", running.operator]


def check(running, state, when):
    with within(60, "the list of tokens"):
        live = {int(token) for token in running.live_ids()}
    expected = state.live()
    if len(live) != expected:
        sys.exit(f"soak: {len(live)} live tokens {when} instead of {expected}")


def growth(cycles):
    """What grew beyond the data, from the first quarter of the cycles to the last."""
    quarter = max(len(cycles) // 4, 1)
    problems = []

    def medians(name):
        first, last = cycles[1 : quarter + 1], cycles[-quarter:]
        return [statistics.median(cycle[name] for cycle in part) for part in (first, last)]

    (rss_first, rss_last), (live_first, live_last) = medians("resident"), medians("live")
    if rss_last - rss_first > NOISE + OF_A_TOKEN * max(live_last - live_first, 0):
        problems.append(f"memory grew from {rss_first:.0f} to {rss_last:.0f} bytes")
    for name in ("descriptors", "threads"):
        first, last = medians(name)
        if last > first + 2:
            problems.append(f"{name} grew from {first:.0f} to {last:.0f}")
    if cycles[-1]["files"] != cycles[0]["files"]:
        problems.append(f"files changed from {cycles[0]['files']} to {cycles[-1]['files']}")
    return problems


def curve(name, values):
    """A row of a table with the values as bars."""
    low, high = min(values), max(values)
    span = (high - low) or 1
    bars = "".join(BARS[int((value - low) / span * (len(BARS) - 1))] for value in values)
    return f"| {name} | {low:.6g} | {high:.6g} | {values[0]:.6g} | {values[-1]:.6g} | `{bars}` |"


if __name__ == "__main__":
    main()
