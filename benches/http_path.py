"""The way of a request through HTTP, beside bare hyper and what the stock generators make."""

import contextlib
import statistics

from programs import LOAD_CORES, SERVER_CORES, program, rotated, serving
from load import DELETABLE, TOKENS, Request, closed, paced

PROTOCOLS = ("HTTP/1.1", "HTTP/2")
CONNECTIONS = (32, 256)
# The keys of their figures, to which a subject is added.
CELLS = [("http", protocol, str(connections)) for protocol in PROTOCOLS for connections in CONNECTIONS]
# How often in a round each server has its turn: short ones, so that all have the same of what slows the machine down.
TURNS = 6
# A tenth of a second. Of the tokens that can be drawn, a sixth is deleted at most: so many are drawn a second time, at last.
REQUESTS = 8_000
# Latencies are of so many that the set-up of 256 connections is not among one in a hundred.
PACED = 30_000
# Of bare hyper's rate in the same round, at which latencies are measured.
PACE = 0.4
LIMIT = "bare hyper, 204"
STOCK = "stock `rust-server`, 204"
# What the document demands of a 401 takes more to send, and more of the load to read.
SAME = "bare hyper, the same 401"
REFUSED = "ours, 401 without a credential"
# To draw an ID for each request costs the load up to a sixth of its rate.
DRAWN = "IDs drawn"
DELETED = f"ours, 204 on `MemoryStore`, {DRAWN}"

SUBJECTS = {
    LIMIT: ("bare-hyper", (), Request("1", 204)),
    SAME: ("bare-hyper", ("refuse",), Request("1", 401, token=None)),
    REFUSED: ("tokens", ("memory:10",), Request("1", 401, token=None)),
    "ours, 404 for an unknown token": ("tokens", ("memory:10",), Request("7777", 404)),
    STOCK: ("rust-server", (), Request("1", 204)),
    "stock `rust-axum`, 204": ("rust-axum", (), Request("1", 204)),
    f"{LIMIT}, {DRAWN}": ("bare-hyper", (), Request(DELETABLE, 204, drawn=True)),
    DELETED: ("tokens", (f"memory:{TOKENS}",), Request(DELETABLE, 204, drawn=True)),
    f"{STOCK}, {DRAWN}": ("rust-server", (), Request(DELETABLE, 204, drawn=True)),
}


def counterpart(baseline, subject):
    """The baseline that gets the same requests as a subject."""
    return f"{baseline}, {DRAWN}" if SUBJECTS[subject][2].drawn else baseline


def measure(round_):
    """Yields what each server does over each protocol and number of connections."""
    for cell in CELLS:
        _, protocol, connections = cell
        load = {"connections": int(connections), "http2": protocol == "HTTP/2", "cores": LOAD_CORES}
        limits = []
        with contextlib.ExitStack() as stack:
            servers = {subject: stack.enter_context(served(subject, load)) for subject in SUBJECTS}
            for turn in range(TURNS):
                for subject in rotated(SUBJECTS, round_ * TURNS + turn):
                    figures = closed(servers[subject], SUBJECTS[subject][2], REQUESTS, **load)
                    if subject == LIMIT:
                        limits.append(figures["rate"])
                    yield (*cell, subject), figures
        pace = PACE * statistics.median(limits)
        for subject in rotated(SUBJECTS, round_):
            with served(subject, load) as server:
                latencies = paced(server, SUBJECTS[subject][2], pace, PACED, **load)
            yield (*cell, subject), {**latencies, "pace": pace}


@contextlib.contextmanager
def served(subject, load):
    """A new process that has answered some requests, so that what it does for the first time does not count."""
    name, options, request = SUBJECTS[subject]
    with serving(program(name), *options, "127.0.0.1:0", cores=SERVER_CORES) as server:
        closed(server, request, 2_000, **load)
        yield server
