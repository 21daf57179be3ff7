"""Counts the instructions of the hot paths with benches/instructions.rs; `make` says where gungraun-runner is.

`instructions.py check`     fails where a benchmark takes over 5 % more than benches/instructions.txt says.
`instructions.py record`    writes benches/instructions.txt.
"""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
RECORD = ROOT / "benches" / "instructions.txt"
PERCENT = 5
WHAT_TO_DO = "Make it cheaper; where the change is wanted, run `make instructions`, and say why in the commit."
BENCH = [
    "cargo", "bench", "--locked", "-p", "influxdb3-tokens", "--no-default-features", "--bench", "instructions", "--",
    # Containers may not switch it off, and no count depends on it. Caches are not what is counted.
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
        print(f"{message}; `make instructions` holds it there")
    if failures:
        sys.exit("\n".join([*failures, WHAT_TO_DO]))
    return 0


def compare(before, now):
    """Messages on what fails, and on what takes so much less that the record can be lowered."""
    failures = [f"{name}: recorded, but not counted" for name in before if name not in now]
    cheaper = []
    for name, count in now.items():
        if name not in before:
            failures.append(f"{name}: counted, but not recorded")
        elif 100 * abs(count - before[name]) > PERCENT * before[name]:
            found, word = (failures, "more") if count > before[name] else (cheaper, "less")
            change = 100 * abs(count / before[name] - 1)
            found.append(f"{name}: {count} instructions, {change:.1f} % {word} than the {before[name]} recorded")
    return failures, cheaper


def counted():
    """The count of each benchmark by its name, in the order of the source."""
    done = subprocess.run(BENCH, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    if done.returncode != 0:
        sys.exit(f"instructions: cargo bench failed with exit code {done.returncode}")
    return dict(map(read, done.stdout.splitlines()))


def read(summary):
    """The name of a benchmark and its count, by gungraun's summary in JSON."""
    summary = json.loads(summary)
    [profile] = summary["profiles"]
    metrics = profile["data"]["total"]["metrics"]
    return f"{summary['function_name']}::{summary['id']}", metrics["Ir"]["values"]["new"]


def recorded():
    """What is recorded, in the same form."""
    lines = RECORD.read_text().splitlines() if RECORD.exists() else []
    return {name: int(count) for name, count in map(str.split, lines)}


if __name__ == "__main__":
    sys.exit(main())
