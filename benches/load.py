"""Load on a server, from a tool that holds connections open and can send at a fixed rate."""

import json
import subprocess
from dataclasses import dataclass

import programs

# How many tokens there are where each request is to delete another, and the IDs of those that are drawn.
TOKENS = 400_000
DELETABLE = "[1-3][0-9]{5}"
PATH = "/api/v3/configure/token"
# The operator token of benches/programs, which guards nothing but what is measured.
OPERATOR = "apiv3_bWVhc3VyZSBtZWFzdXJlIG1lYXN1cmUgbWVhc3VyZSBtZWFzdXJlIG1lYXN1cmUgbWVhc3VyZSBtZWFzdXJlIQ"


@dataclass(frozen=True)
class Request:
    """A deletion, and the status that it is to be answered with.

    `id` is an ID, or, where each request is to have another, a regular expression of which all that match are drawn
    alike. One that was drawn before is answered with 404, which is counted.
    """

    id: str
    status: int
    token: str | None = OPERATOR
    drawn: bool = False


def closed(server, request, count, connections, http2=False, cores=None):
    """Sends so many requests, one at a time on each connection as soon as the one before is answered.

    Returns the requests a second, the median of their latencies in seconds, what the server ran for one in seconds, and
    the share that was answered 404 for being drawn twice.
    """
    before = server.cpu_seconds()
    told = send(server, request, count, connections, http2, cores)
    ran = server.cpu_seconds() - before
    return {
        "rate": told["summary"]["requestsPerSec"],
        "p50": told["latencyPercentiles"]["p50"],
        "p99": told["latencyPercentiles"]["p99"],
        "cpu": ran / count,
        "repeated": repeated(told, request, count),
    }


def paced(server, request, rate, count, connections, http2=False, cores=None):
    """Sends so many requests at a fixed rate, whether or not those before are answered.

    Returns latencies in seconds, counted from when a request should have been sent: one that waits behind a slow one is
    slow, too.
    """
    told = send(server, request, count, connections, http2, cores, "-q", str(round(rate)), "--latency-correction")
    repeated(told, request, count)
    return {"paced p50": told["latencyPercentiles"]["p50"], "paced p99": told["latencyPercentiles"]["p99"]}


def send(server, request, count, connections, http2, cores, *options):
    address = server.address
    target = f"{address}{PATH}?id={request.id}"
    if request.drawn:
        target = f"{address.replace('.', '[.]')}{PATH}[?]id={request.id}"
        options = ("--rand-regex-url", *options)
    if request.token:
        options = ("-H", f"authorization: Bearer {request.token}", *options)
    if http2:
        options = ("--http-version", "2", *options)
    command = [
        programs.oha(), "--no-tui", "--output-format", "json", "--method", "DELETE", "-n", str(count),
        "-c", str(connections), "--worker-threads", str(len(cores or programs.CORES)), *options, target,
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, preexec_fn=programs.on(cores))
    if done.returncode != 0:
        raise SystemExit(f"{command[0]} failed with exit code {done.returncode}: {done.stderr}")
    return json.loads(done.stdout)


def repeated(told, request, count):
    """The share of requests whose ID was drawn before. All others must be answered as they are to be."""
    statuses = {int(status): number for status, number in told["statusCodeDistribution"].items()}
    expected = statuses.pop(request.status, 0)
    again = statuses.pop(404, 0) if request.drawn else 0
    if statuses or told["errorDistribution"] or expected + again != count or again > count / 4:
        raise SystemExit(f"{request}: answered {told['statusCodeDistribution']}, {told['errorDistribution']}")
    return again / count
