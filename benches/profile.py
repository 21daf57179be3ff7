#!/usr/bin/env python3
"""Draws where the time goes: a flame graph of each path, docs/performance/flame-*.svg. `make profile` calls this.

It needs `perf`, which is Debian's linux-perf, and a kernel that lets it look at this user's processes.
"""

import shutil
import subprocess
import sys

sys.dont_write_bytecode = True

import programs  # noqa: E402
from deletion import copied, seed  # noqa: E402
from load import DELETABLE, TOKENS, Request, closed  # noqa: E402

INFERNO = "0.12.8"
PICTURES = programs.ROOT / "docs" / "performance"
# Hops that take less than this share of all time are not drawn, in percent.
LEAST = "0.3"


def main():
    if not shutil.which("perf"):
        raise SystemExit("perf is not there: install it, with Debian's `apt-get install linux-perf`")
    programs.build("programs")
    programs.install("inferno", INFERNO)
    # With frame pointers, by which perf finds who called.
    programs.build_with_frames()
    tokens = programs.framed("tokens")
    for name, title, request in [
        ("refused", "401 over HTTP/1.1", Request("1", 401, token=None)),
        ("unknown", "404 over HTTP/1.1", Request("7777", 404)),
    ]:
        with programs.serving(tokens, "memory:10", "127.0.0.1:0", cores=programs.SERVER_CORES) as server:
            load = {"connections": 32, "cores": programs.LOAD_CORES}
            draw(name, title, server.process.pid, lambda: closed(server, request, 300_000, **load))
    with copied(seed(TOKENS)) as file, programs.serving(tokens, f"sqlite:{file}", "127.0.0.1:0") as server:
        request = Request(DELETABLE, 204, drawn=True)
        draw(
            "deleted", "204 on SqliteStore, 64 clients", server.process.pid, lambda: closed(server, request, 60_000, 64)
        )


def draw(name, title, process, load):
    """Puts a load on a process, and draws what it did under it."""
    recorded = programs.TARGET / f"{name}.perf"
    record = [
        "perf", "record", "--quiet", "--freq", "2000", "--call-graph", "fp",
        "--pid", str(process), "--output", recorded,
    ]  # fmt: skip
    with subprocess.Popen(record) as perf:
        load()
        perf.terminate()
    script = piped(["perf", "script", "--input", recorded], None)
    folded = piped([programs.tool("inferno", INFERNO, "inferno-collapse-perf")], script)
    graph = [programs.tool("inferno", INFERNO, "inferno-flamegraph"), "--title", title, "--minwidth", LEAST, "--hash"]
    PICTURES.mkdir(exist_ok=True)
    (PICTURES / f"flame-{name}.svg").write_bytes(piped(graph, folded))
    recorded.unlink()


def piped(command, given):
    done = subprocess.run(command, input=given, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    if done.returncode != 0:
        raise SystemExit(f"{command[0]} failed with exit code {done.returncode}")
    return done.stdout


if __name__ == "__main__":
    main()
