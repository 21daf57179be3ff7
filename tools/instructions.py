"""Counts the instructions of the hot paths with benches/instructions.rs.

`python3 -m tools.instructions check`     fails if a benchmark takes over 5 % more than recorded.
`python3 -m tools.instructions record`    records the counts in benches/instructions.txt.

GUNGRAUN_RUNNER is the path of gungraun-runner; `make check-instructions` and `make instructions` set it.
"""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
RECORD = ROOT / "benches" / "instructions.txt"
PERCENT = 5
ADVICE = "Reduce the count. If the increase is intended, run `make instructions` and give the reason in the commit."
BENCH = [
    "cargo", "bench", "--locked", "-p", "influxdb3-tokens", "--no-default-features", "--bench", "instructions", "--",
    # Containers may not disable ASLR, and the counts do not depend on it. No cache is simulated.
    "--allow-aslr=yes", "--callgrind-args=--cache-sim=no", "--output-format=json",
]  # fmt: skip


def main():
    if sys.argv[1:] not in (["check"], ["record"]):
        sys.exit(__doc__)
    if sys.argv[1] == "record":
        RECORD.write_text("".join(f"{name} {count}\n" for name, count in counted().items()))
        return 0
    failures, cheaper = compare(recorded(), counted())
    for message in cheaper:
        print(f"{message}; `make instructions` records the lower count")
    if failures:
        sys.exit("\n".join([*failures, ADVICE]))
    return 0


def compare(before, now):
    """Returns messages about failures, and about benchmarks whose recorded count can be lowered."""
    failures = [f"{name}: recorded, but no longer a benchmark" for name in before if name not in now]
    cheaper = []
    for name, count in now.items():
        if name not in before:
            failures.append(f"{name}: no count is recorded")
        elif 100 * abs(count - before[name]) > PERCENT * before[name]:
            found, word = (failures, "more") if count > before[name] else (cheaper, "less")
            change = 100 * abs(count / before[name] - 1)
            found.append(f"{name}: {count} instructions, {change:.1f} % {word} than the {before[name]} recorded")
    return failures, cheaper


def counted():
    """Runs the benchmarks. Returns the count of each by its name, in the order of the source."""
    done = subprocess.run(BENCH, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    if done.returncode != 0:
        sys.exit(f"instructions: cargo bench failed with exit code {done.returncode}")
    return dict(map(read, done.stdout.splitlines()))


def read(summary):
    """The name and the count of a benchmark, from gungraun's summary in JSON."""
    summary = json.loads(summary)
    [profile] = summary["profiles"]
    metrics = profile["data"]["total"]["metrics"]
    return f"{summary['function_name']}::{summary['id']}", metrics["Ir"]["values"]["new"]


def recorded():
    """The recorded count of each benchmark by its name."""
    lines = RECORD.read_text().splitlines() if RECORD.exists() else []
    return {name: int(count) for name, count in map(str.split, lines)}


if __name__ == "__main__":
    sys.exit(main())
