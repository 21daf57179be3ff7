"""Measures nodes on etcd, and writes their section of docs/performance.md. `make bench-cluster` runs this."""

import argparse
import datetime
import json
import sys

from benches.cluster.measure import MEASURED
from benches.cluster.page import section, write
from benches.programs import OURS, TARGET, build, program

RESULTS = TARGET / "cluster.json"


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
            figures[what] = MEASURED[what](options) | {"date": datetime.date.today().isoformat()}
            RESULTS.write_text(json.dumps(figures, indent=1), encoding="utf-8")
            print(f"measured {what}", json.dumps(figures[what]), file=sys.stderr)
    if set(figures) >= set(MEASURED):
        write(figures)
        print(section(figures))


if __name__ == "__main__":
    main()
