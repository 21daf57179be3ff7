"""Measures the project beside what a user would choose instead, and writes docs/performance.md. `make bench` runs this.

All subjects take turns, round after round, so that a slow spell of the machine affects all of them. A figure is the
median of its runs.
"""

import argparse
import datetime
import json
import os
import platform
import re
import subprocess
import sys
import time

from benches import authentication, deletion, growth, http_path, page, programs, stubs

SECTIONS = {"http": http_path, "deletion": deletion, "authentication": authentication, "growth": growth}
RESULTS = programs.TARGET / "results.json"
# The page names the versions of these.
PACKAGES = {"hyper", "hyper-util", "tokio", "rusqlite", "libsqlite3-sys", "sha2", "axum", "swagger"}


def main():
    arguments = argparse.ArgumentParser(prog="benches.run", description=__doc__)
    arguments.add_argument("--rounds", type=int, default=5, help="how many times to measure everything (5)")
    arguments.add_argument("--only", choices=SECTIONS, action="append", help="measure only this, and write no page")
    arguments.add_argument("--tokens", type=int, action="append", default=[], help="a further size, such as 5000000")
    arguments.add_argument("--page", action="store_true", help="write the page from the last measurement")
    options = arguments.parse_args()

    if not options.page:
        programs.TARGET.mkdir(parents=True, exist_ok=True)
        stubs.generate()
        programs.build(programs.OURS, programs.STUBS)
        growth.TOKENS += options.tokens
        figures = measure(options.only or SECTIONS, options.rounds)
        if options.only:
            show(figures)
            return
        RESULTS.write_text(json.dumps({"machine": machine(), "figures": figures}, indent=1), encoding="utf-8")
    page.write(**json.loads(RESULTS.read_text(encoding="utf-8")))


def measure(sections, rounds):
    """Returns the values of every figure, one for each run, by section, subject and name."""
    figures = {}
    begun = time.monotonic()
    for round_ in range(rounds):
        for section in sections:
            for key, values in SECTIONS[section].measure(round_):
                of_key = figures.setdefault(" | ".join(key), {})
                for name, value in values.items():
                    of_key.setdefault(name, []).append(value)
            print(f"round {round_ + 1} of {rounds}: {section}, {time.monotonic() - begun:.0f} s", file=sys.stderr)
    return figures


def show(figures):
    for key, values in figures.items():
        medians = {name: f"{sorted(of)[len(of) // 2]:.4g}" for name, of in values.items()}
        print(key, *(f"{name}={value}" for name, value in medians.items()), sep="  ")


def machine():
    """The machine and the versions that the figures belong to."""
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        names = (line.partition(":")[2].strip() for line in file if line.startswith("model name"))
        processor = next(names, platform.processor())
    rustc = subprocess.run(["rustc", "--version"], capture_output=True, text=True, cwd=programs.ROOT).stdout.split()[1]
    return {
        "date": datetime.date.today().isoformat(),
        "processor": processor,
        "cores": len(programs.CORES),
        "memory": os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"),
        "kernel": platform.release(),
        "rustc": rustc,
        "packages": versions("benches/stubs/Cargo.lock") | versions("Cargo.lock"),
    }


def versions(lock):
    packages = re.findall(r'name = "(.*)"\nversion = "(.*)"', (programs.ROOT / lock).read_text(encoding="utf-8"))
    return {name: version for name, version in packages if name in PACKAGES}


if __name__ == "__main__":
    main()
