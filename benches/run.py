#!/usr/bin/env python3
"""Measures the project beside what a user would take instead, and writes docs/performance.md with its pictures.

Everything is measured in turn, round after round, so that a machine that is slower for a while is so for all. A figure
is the median of its runs. `make bench` calls this.
"""

import argparse
import datetime
import json
import os
import platform
import subprocess
import sys
import time

sys.dont_write_bytecode = True

import authentication  # noqa: E402
import deletion  # noqa: E402
import growth  # noqa: E402
import http_path  # noqa: E402
import programs  # noqa: E402
import stubs  # noqa: E402

SECTIONS = {"http": http_path, "deletion": deletion, "authentication": authentication, "growth": growth}
RESULTS = programs.TARGET / "results.json"


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--rounds", type=int, default=5, help="how often everything is measured (5)")
    arguments.add_argument("--only", choices=SECTIONS, action="append", help="measure this alone, and write no page")
    arguments.add_argument("--tokens", type=int, action="append", default=[], help="so many tokens too, as in 5000000")
    arguments.add_argument("--page", action="store_true", help="write the page of what was measured last")
    options = arguments.parse_args()

    if not options.page:
        programs.TARGET.mkdir(parents=True, exist_ok=True)
        stubs.generate()
        programs.build("programs", "stubs")
        growth.TOKENS += options.tokens
        figures = measure(options.only or SECTIONS, options.rounds)
        if options.only:
            show(figures)
            return
        RESULTS.write_text(json.dumps({"machine": machine(), "figures": figures}, indent=1), encoding="utf-8")
    # Drawing needs a library, which is asked for only where something is drawn.
    command = [programs.drawing(), programs.ROOT / "benches" / "page.py", RESULTS]
    sys.exit(subprocess.run(command).returncode)


def measure(sections, rounds):
    """The values of every figure, one for each run, by section, subject and name."""
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
    """What the figures were measured on, and with."""
    processor = next(
        (line.partition(":")[2].strip() for line in open("/proc/cpuinfo", encoding="utf-8") if "model name" in line),
        platform.processor(),
    )
    rustc = subprocess.run(["rustc", "--version"], capture_output=True, text=True, cwd=programs.ROOT).stdout.split()[1]
    return {
        "date": datetime.date.today().isoformat(),
        "processor": processor,
        "cores": len(programs.CORES),
        "memory": os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"),
        "kernel": platform.release(),
        "rustc": rustc,
        "packages": packages("programs") | packages("stubs"),
    }


def packages(project):
    """The versions of what is compared, from a project's lock file."""
    wanted = {"hyper", "hyper-util", "tokio", "rusqlite", "libsqlite3-sys", "sha2", "axum", "swagger"}
    versions = {}
    name = None
    for line in (programs.ROOT / "benches" / project / "Cargo.lock").read_text(encoding="utf-8").splitlines():
        key, _, value = line.partition(" = ")
        if key == "name":
            name = value.strip('"')
        elif key == "version" and name in wanted:
            versions[name] = value.strip('"')
    return versions


if __name__ == "__main__":
    main()
