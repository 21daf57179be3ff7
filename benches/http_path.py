"""The way of a request through HTTP, beside bare hyper and what the stock generators make."""

from programs import LOAD_CORES, SERVER_CORES, program, serving
from load import Request, closed, paced

PROTOCOLS = ("HTTP/1.1", "HTTP/2")
CONNECTIONS = (32, 256)
REQUESTS = 60_000
# Of bare hyper's rate in the same round, at which latencies are measured.
PACE = 0.4
LIMIT = "bare hyper, 204"
# Latencies are of so many that the set-up of 256 connections is not among one in a hundred.
PACED = 30_000
# Of the tokens that can be drawn, one in six is deleted at most, because none is there twice.
TOKENS = 400_000
DELETIONS = 20_000
DELETABLE = "[1-3][0-9]{5}"

SUBJECTS = {
    LIMIT: ("bare-hyper", (), Request("1", 204)),
    "ours, 401 without a credential": ("tokens", ("memory:10",), Request("1", 401, token=None)),
    "ours, 404 for an unknown token": ("tokens", ("memory:10",), Request("7777", 404)),
    "ours, 204 on `MemoryStore`": ("tokens", (f"memory:{TOKENS}",), Request(DELETABLE, 204, drawn=True)),
    "stock `rust-server`, 204": ("rust-server", (), Request("1", 204)),
    "stock `rust-axum`, 204": ("rust-axum", (), Request("1", 204)),
}


def measure(round_):
    """Yields what each server does over each protocol and number of connections, each time of a new process."""
    for protocol in PROTOCOLS:
        for connections in CONNECTIONS:
            limit = None
            for subject in rotated(SUBJECTS, round_):
                name, options, request = SUBJECTS[subject]
                count = DELETIONS if request.drawn else REQUESTS
                load = {"connections": connections, "http2": protocol == "HTTP/2", "cores": LOAD_CORES}
                with serving(program(name), *options, "127.0.0.1:0", cores=SERVER_CORES) as server:
                    # What a server does for the first time does not count.
                    closed(server, Request("0", 401, token=None) if name == "tokens" else request, 2_000, **load)
                    figures = closed(server, request, count, **load)
                    limit = limit or figures["rate"]
                    latencies = paced(server, request, PACE * limit, PACED, **load)
                yield ("http", protocol, str(connections), subject), {
                    **figures,
                    "paced p50": latencies["p50"],
                    "paced p99": latencies["p99"],
                    "pace": PACE * limit,
                }


def rotated(subjects, round_):
    """The limit first, which says at what rate to measure, and the others in another order each round."""
    first, *rest = subjects
    return [first, *rest[round_ % len(rest) :], *rest[: round_ % len(rest)]]
