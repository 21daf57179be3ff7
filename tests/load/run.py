"""Attacks a server, and checks that a good client is served all along.

The server is the binary of the build, with its default limits. Before, during and after the attack, a good client
deletes tokens at a fixed rate. The check fails if a deletion is not answered with 204, if the server takes more
memory than it may, or if it still holds the attackers' connections after they have left. Durations are printed, and
decide nothing.

`python3 -m tests.load.run` makes a small attack, and `--full` the one of docs/reliability.md, which needs the release
build.
"""

import argparse
import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from tests import server
from tests.limits import within

ROOT = Path(__file__).resolve().parent.parent.parent
RELEASE = server.BINARY.parent.parent / "release" / "influxdb3-tokens"
SMALL = {"idle": 300, "kept": 100, "slow": 300, "large": 50, "deaf": 50, "flood": 10, "window": 20}
FULL = {"idle": 10_000, "slow": 10_000, "deaf": 1_000, "flood": 20, "large": 200, "window": 200}
# The declared answer to a deletion.
DELETED = 204


@dataclass
class Phase:
    """A part of a run: its name, how long it lasts, and what was measured in it."""

    name: str
    seconds: float
    begin: float = 0
    end: float = 0
    answers: list = field(default_factory=list)
    rss: list = field(default_factory=list)
    descriptors: list = field(default_factory=list)

    def row(self):
        times = sorted(answer["seconds"] * 1000 for answer in self.answers) or [float("nan")]
        p50, p99 = (times[min(int(len(times) * share), len(times) - 1)] for share in (0.5, 0.99))
        again = sum(answer["connections"] > 1 for answer in self.answers)
        return (
            f"| {self.name} | {len(self.answers)} | {p50:.1f} | {p99:.1f} | {times[-1]:.1f} | {again}"
            f" | {max(self.rss) / 2**20:.1f} | {max(self.descriptors)} |"
        )


HEAD = (
    "| phase | deletions | p50 ms | p99 ms | longest ms | sent again | most memory MB | most descriptors |\n"
    "|---|---:|---:|---:|---:|---:|---:|---:|"
)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--full", action="store_true", help="the attack of docs/reliability.md")
    parser.add_argument("--seconds", type=float, help="how long the attack lasts; 8, or 60 with --full")
    parser.add_argument("--memory", type=float, default=200, help="the memory that the server may take, in MB")
    parser.add_argument("counts", nargs="*", metavar="KIND=COUNT", help="another number of attackers of a kind")
    options = parser.parse_args()
    counts = dict(FULL if options.full else SMALL)
    counts.update((name, int(count)) for name, _, count in (argument.partition("=") for argument in options.counts))
    binary = RELEASE if options.full else server.BINARY
    if not binary.is_file():
        sys.exit(f"{binary} does not exist; build it with cargo first")
    seconds = options.seconds or (60 if options.full else 8)
    quiet, attack, after = Phase("before", 5), Phase("attack", seconds), Phase("after", 5)

    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        deletions = int((quiet.seconds + attack.seconds + after.seconds + 60) * 60)
        tokens = write_tokens(folder / "tokens.json", 1, deletions)
        with server.running(folder, "--permission-tokens-file", tokens, binary=binary) as running:
            problems = measure(running, counts, [quiet, attack, after], options.memory)
    if problems:
        sys.exit("load: " + "; ".join(problems))


def measure(running, counts, phases, memory):
    """Runs the phases, prints their figures, and returns what is wrong."""
    problems = []
    process = running.process.pid
    held_before = descriptors(process)
    with client(running) as answers:
        quiet, attack, after = phases
        watch(quiet, process)
        with attackers(running, counts) as attackers_done:
            watch(attack, process)
        watch(after, process)
        with within(60, "the server to close the connections of attackers that have left"):
            while descriptors(process) > held_before + 5:
                time.sleep(0.1)
    for answer in answers:
        for phase in phases:
            if phase.begin <= answer["due"] < phase.end:
                phase.answers.append(answer)
    print(HEAD)
    for phase in phases:
        print(phase.row())
    print(json.dumps(attackers_done))
    failed = [answer["status"] for answer in answers if answer["status"] != DELETED]
    if failed:
        problems.append(f"{len(failed)} of {len(answers)} deletions failed: {sorted(set(map(str, failed)))}")
    if any(not phase.answers for phase in phases):
        problems.append("a phase has no deletion")
    most = max(max(phase.rss) for phase in phases) / 2**20
    if most > memory:
        problems.append(f"the server took {most:.1f} MB, and may take {memory:.0f}")
    return problems


def watch(phase, process):
    """Samples the server's memory and descriptors for as long as the phase lasts."""
    phase.begin = time.monotonic()
    while (now := time.monotonic()) < phase.begin + phase.seconds:
        phase.rss.append(resident(process))
        phase.descriptors.append(descriptors(process))
        time.sleep(min(0.25, max(phase.begin + phase.seconds - now, 0)))
    phase.end = time.monotonic()


def resident(process):
    """The memory that a process has in use, in bytes."""
    pages = int(Path(f"/proc/{process}/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def descriptors(process):
    """How many descriptors a process has open."""
    return len(os.listdir(f"/proc/{process}/fd"))


@contextlib.contextmanager
def client(running):
    """Runs a good client for the duration of the block, and yields a list that its answers are in afterwards."""
    answers = []
    address = running.address.removeprefix("http://")
    ids = sorted(running.live_ids(), key=int)
    with (
        tempfile.TemporaryFile("w+") as printed,
        python("client", address, stdout=printed) as process,
    ):
        process.stdin.write(f"{running.operator}\n{' '.join(ids)}\n")
        process.stdin.flush()
        yield answers
        stop(process)
        printed.seek(0)
        answers.extend(json.loads(line) for line in printed)


@contextlib.contextmanager
def attackers(running, counts):
    """Runs attackers for the duration of the block, and yields what they did, known afterwards."""
    done = {}
    address = running.address.removeprefix("http://")
    with contextlib.ExitStack() as opened:
        processes = []
        # One process for each kind, because a process may open only so many descriptors.
        for name, count in counts.items():
            printed = opened.enter_context(tempfile.TemporaryFile("w+"))
            processes.append(opened.enter_context(python("attackers", address, f"{name}={count}", stdout=printed)))
            processes[-1].printed = printed
        yield done
        for process in processes:
            stop(process)
            process.printed.seek(0)
            for what, numbers in json.load(process.printed).items():
                done.setdefault(what, {}).update(numbers)


@contextlib.contextmanager
def python(module, *arguments, stdout):
    command = [sys.executable, "-m", f"tests.load.{module}", *arguments]
    process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=stdout, text=True)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def stop(process):
    """Closes the standard input of a process, which ends it."""
    process.stdin.write("\n")
    process.stdin.close()
    if process.wait(timeout=60) != 0:
        raise SystemExit(f"{process.args[2]} failed with exit code {process.returncode}")


def write_tokens(file, first, count):
    """Writes a token file with tokens to delete, which are numbered from `first` on."""
    tokens = [
        {"token": f"apiv3_{number:0>85}A", "name": f"load-{number}", "permissions": ["db:load:read"]}
        for number in range(first, first + count)
    ]
    with open(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as opened:
        json.dump({"tokens": tokens}, opened)
    return file


if __name__ == "__main__":
    main()
