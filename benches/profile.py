"""Draws a flame graph of each kind of request, target/bench/flame-*.svg. `make profile` runs this.

It needs perf (Debian: linux-perf) and the superuser: the server hides its memory from other users.
"""

import functools
import shutil
import subprocess

from benches import programs
from benches.deletion import copied, seed
from benches.load import DELETABLE, TOKENS, Request, closed
from tools import pinned

INFERNO = "inferno@0.12.8"
# Functions below this share of the time, in percent, are not drawn.
LEAST = "0.3"


def main():
    if not shutil.which("perf"):
        raise SystemExit("perf is missing; on Debian: apt-get install linux-perf")
    programs.build(programs.OURS)
    programs.build_with_frames()
    pinned.install_crate(INFERNO)
    tokens = programs.program("tokens", programs.FRAMED)
    for name, title, request in [
        ("401", "401 over HTTP/1.1", Request("1", 401, token=None)),
        ("404", "404 over HTTP/1.1", Request("7777", 404)),
    ]:
        with programs.serving(tokens, "memory:10", cores=programs.SERVER_CORES) as server:
            load = {"connections": 32, "cores": programs.LOAD_CORES}
            draw(name, title, server, functools.partial(closed, server, request, 300_000, **load))
    deletion = Request(DELETABLE, 204, drawn=True)
    with copied(seed(TOKENS)) as file, programs.serving(tokens, f"sqlite:{file}") as server:
        title = "204 on SqliteStore, 64 clients"
        draw("204", title, server, functools.partial(closed, server, deletion, 60_000, 64))


def draw(name, title, server, load):
    """Records what a server does under a load, and draws it."""
    recorded = programs.TARGET / f"{name}.perf"
    record = ["perf", "record", "--quiet", "--freq", "2000", "--call-graph", "fp"]
    with subprocess.Popen([*record, "--pid", str(server.process.pid), "--output", recorded]) as perf:
        load()
        perf.terminate()
    script = piped(["perf", "script", "--input", recorded], None)
    inferno = pinned.install_crate(INFERNO)
    stacks = piped([inferno / "inferno-collapse-perf"], script)
    graph = [inferno / "inferno-flamegraph", "--title", title, "--minwidth", LEAST, "--hash"]
    picture = programs.TARGET / f"flame-{name}.svg"
    picture.write_bytes(piped(graph, stacks))
    recorded.unlink()
    print(picture.relative_to(programs.ROOT))


def piped(command, given):
    done = subprocess.run(command, input=given, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    if done.returncode != 0:
        raise SystemExit(f"{command[0]} failed with exit code {done.returncode}")
    return done.stdout


if __name__ == "__main__":
    main()
