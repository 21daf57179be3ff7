"""Measures nodes on etcd.

The members of etcd that delete write to the disk of `target/`. Those that only hold many tokens are on /dev/shm.
"""

import json
import time
from pathlib import Path

from benches.cluster.etcd import etcd
from benches.deletion import seed, sync
from benches.programs import TARGET, run

MEMBERS = (1, 3)
TOKENS = (100_000, 1_000_000)
AUTHENTICATED = 100_000
IN_MEMORY = Path("/dev/shm")


def deletions(options):
    figures = {"fdatasync": sync()}
    for count in MEMBERS:
        with etcd(count, disk()) as members:
            figures[str(count)] = json.loads(run(options.program, "deletions", str(members), str(options.rounds)))
    return figures


def parts(options):
    figures = {}
    for count in MEMBERS:
        with etcd(count, disk()) as members:
            rounds = str(2 * options.rounds)
            figures[str(count)] = json.loads(run(options.program, "parts", str(members), members.pids(), rounds))
    return figures


def loads(options):
    figures = {}
    for tokens in options.tokens or TOKENS:
        file = seed(tokens)
        with etcd(1, IN_MEMORY) as members:
            begun = time.monotonic()
            run(options.program, "fill", str(members), str(tokens))
            of = figures[str(tokens)] = {"fill": time.monotonic() - begun}
            members.compact()
            for _ in range(options.rounds):
                for name, store in (("etcd", str(members)), ("sqlite", file)):
                    before = members.cpu_seconds()
                    loaded = json.loads(run(options.program, "load", store))
                    loaded["member"] = members.cpu_seconds() - before
                    if loaded["tokens"] != tokens:
                        raise SystemExit(f"{name}: {loaded}")
                    for what in ("start", "cpu", "memory", "member"):
                        of.setdefault(f"{name}/{what}", []).append(loaded[what])
            of["database"], of["member memory"] = members.database(), members.memory()
            for number in range(options.rounds):
                reloaded = json.loads(run(options.program, "reload", str(members), str(number + 1)))
                for what, value in reloaded.items():
                    of.setdefault(f"reload/{what}", []).append(value)
    return figures


def authentication(options):
    figures = {}
    for count in MEMBERS:
        for _ in range(options.rounds):
            with etcd(count, IN_MEMORY) as members:
                measured = json.loads(run(options.program, "authentication", str(members), str(AUTHENTICATED)))
            for name, values in measured.items():
                figures.setdefault(str(count), {}).setdefault(name, []).extend(values)
    return figures


def disk():
    folder = TARGET / "etcd"
    folder.mkdir(exist_ok=True)
    return folder


MEASURED = {"deletions": deletions, "parts": parts, "authentication": authentication, "loads": loads}
