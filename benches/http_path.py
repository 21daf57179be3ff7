"""Measures requests over HTTP, beside bare hyper with the same answers and the stubs of the stock generators."""

import contextlib
import json
import statistics

from benches.load import DELETABLE, TOKENS, Request, answer, closed, paced
from benches.programs import LOAD_CORES, SERVER_CORES, program, rotated, serving

PROTOCOLS = ("HTTP/1.1", "HTTP/2")
CONNECTIONS = (32, 256)
# The first part of each figure's key; the answer and the server follow.
CELLS = [("http", protocol, str(connections)) for protocol in PROTOCOLS for connections in CONNECTIONS]
# Each server has this many short turns a round, so that a slow spell of the machine affects all of them.
TURNS = 6
# A turn takes a tenth of a second. At most a sixth of the tokens is deleted, so few IDs are drawn twice.
REQUESTS = 8_000
# Enough that fewer than one in a hundred is the first on its connection.
PACED = 30_000
# Latencies are measured at this share of bare hyper's rate for a 204.
PACE = 0.4

HYPER, OURS, STOCK, AXUM = "bare hyper", "ours", "stock `rust-server`", "stock `rust-axum`"
# For each answer, the request, the number of tokens on our server, and the servers that give it.
ANSWERS = {
    "401": (Request("1", 401, token=None), 10, (HYPER, OURS)),
    "404": (Request("7777", 404), 10, (HYPER, OURS)),
    "204": (Request(DELETABLE, 204, drawn=True), TOKENS, (HYPER, OURS, STOCK, AXUM)),
}


def measure(round_):
    """Yields the figures of each server for each answer, protocol and number of connections."""
    servers = commands()
    for cell in CELLS:
        _, protocol, connections = cell
        load = {"connections": int(connections), "http2": protocol == "HTTP/2", "cores": LOAD_CORES}
        rates = []
        with contextlib.ExitStack() as stack:
            started = {key: stack.enter_context(warm(key, servers, load)) for key in servers}
            for turn in range(TURNS):
                for key in rotated(servers, round_ * TURNS + turn):
                    figures = closed(started[key], ANSWERS[key[0]][0], REQUESTS, **load)
                    if key == ("204", HYPER):
                        rates.append(figures["rate"])
                    yield (*cell, *key), figures
        pace = PACE * statistics.median(rates)
        for key in rotated(servers, round_):
            with warm(key, servers, load) as server:
                yield (*cell, *key), paced(server, ANSWERS[key[0]][0], pace, PACED, **load)


def commands():
    """The command that starts each server, by the answer and the server's name.

    Bare hyper is told what our server sends for the same request, so that both send the same bytes.
    """
    found = {}
    for status, (request, tokens, servers) in ANSWERS.items():
        ours = (program("tokens"), f"memory:{tokens}")
        with serving(*ours) as server:
            sent = answer(server, request)
        hyper = (program("bare-hyper"), json.dumps(sent))
        with serving(*hyper) as server:
            if answer(server, request) != sent:
                raise SystemExit(f"bare hyper does not send {sent}")
        starts = {HYPER: hyper, OURS: ours, STOCK: (program("rust-server"),), AXUM: (program("rust-axum"),)}
        found |= {(status, name): starts[name] for name in servers}
    return found


@contextlib.contextmanager
def warm(key, servers, load):
    """Starts a server and lets it answer some requests, so that first-time work is not measured."""
    with serving(*servers[key], cores=SERVER_CORES) as server:
        closed(server, ANSWERS[key[0]][0], 2_000, **load)
        yield server
