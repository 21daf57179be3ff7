"""Sends requests to a server with oha, which holds connections open and can keep a fixed rate."""

import http.client
import json
import subprocess
from dataclasses import dataclass
from urllib.parse import urlsplit

from benches import programs

# The number of tokens on a server whose every request deletes another one, and the IDs that are drawn from them.
TOKENS = 400_000
DELETABLE = "[1-3][0-9]{5}"
PATH = "/api/v3/configure/token"
# The operator token of benches/programs, which guards only what is measured.
OPERATOR = "apiv3_bWVhc3VyZSBtZWFzdXJlIG1lYXN1cmUgbWVhc3VyZSBtZWFzdXJlIG1lYXN1cmUgbWVhc3VyZSBtZWFzdXJlIQ"
# Hyper adds these to every response.
ADDED = ("content-length", "date")


@dataclass(frozen=True)
class Request:
    """A deletion and the status that the server must answer.

    `id` is an ID or, if `drawn`, a regular expression: each request draws an ID that matches it. If an ID is drawn a
    second time, the server answers 404.
    """

    id: str
    status: int
    token: str | None = OPERATOR
    drawn: bool = False

    @property
    def headers(self):
        return {"authorization": f"Bearer {self.token}"} if self.token else {}


def answer(server, request):
    """Sends one request, and returns the status, the header fields and the body of the answer."""
    connection = http.client.HTTPConnection(urlsplit(server.address).netloc, timeout=60)
    # No expression draws the ID 1.
    target = f"{PATH}?id={1 if request.drawn else request.id}"
    connection.request("DELETE", target, headers=request.headers)
    response = connection.getresponse()
    fields = [(name, value) for name, value in response.getheaders() if name not in ADDED]
    body = response.read().decode()
    connection.close()
    if response.status != request.status:
        raise SystemExit(f"{request}: answered {response.status} {body}")
    return response.status, fields, body


def closed(server, request, count, connections, http2=False, cores=None):
    """Sends `count` requests; each connection sends the next one as soon as it has an answer.

    Returns requests per second, latencies in seconds, the server's CPU seconds per request, and the share of requests
    that drew an ID for a second time.
    """
    before = server.cpu_seconds()
    report = send(server, request, count, connections, http2, cores)
    cpu = server.cpu_seconds() - before
    return {
        "rate": report["summary"]["requestsPerSec"],
        "p50": report["latencyPercentiles"]["p50"],
        "p99": report["latencyPercentiles"]["p99"],
        "cpu": cpu / count,
        "repeated": repeated(report, request, count),
    }


def paced(server, request, rate, count, connections, http2=False, cores=None):
    """Sends `count` requests at a fixed rate, whether or not earlier ones have been answered.

    Returns latencies in seconds, counted from the time at which a request was due: a request that waits behind a slow
    one counts as slow.
    """
    report = send(server, request, count, connections, http2, cores, "-q", str(round(rate)), "--latency-correction")
    repeated(report, request, count)
    return {"paced p50": report["latencyPercentiles"]["p50"], "paced p99": report["latencyPercentiles"]["p99"]}


def send(server, request, count, connections, http2, cores, *options):
    address = server.address
    target = f"{address}{PATH}?id={request.id}"
    if request.drawn:
        target = f"{address.replace('.', '[.]')}{PATH}[?]id={request.id}"
        options = ("--rand-regex-url", *options)
    for name, value in request.headers.items():
        options = ("-H", f"{name}: {value}", *options)
    if http2:
        options = ("--http-version", "2", *options)
    threads = len(cores or programs.CORES)
    command = [programs.oha(), "--no-tui", "--output-format", "json", "--method", "DELETE", "-n", str(count)]
    command += ["-c", str(connections), "--worker-threads", str(threads), *options, target]
    done = subprocess.run(command, capture_output=True, text=True, preexec_fn=programs.on(cores))
    if done.returncode != 0:
        raise SystemExit(f"{command[0]} failed with exit code {done.returncode}: {done.stderr}")
    return json.loads(done.stdout)


def repeated(report, request, count):
    """Returns the share of requests whose ID was drawn before, and fails if any other answer is unexpected."""
    statuses = {int(status): number for status, number in report["statusCodeDistribution"].items()}
    expected = statuses.pop(request.status, 0)
    again = statuses.pop(404, 0) if request.drawn else 0
    if statuses or report["errorDistribution"] or expected + again != count or again > count / 4:
        raise SystemExit(f"{request}: answered {report['statusCodeDistribution']}, {report['errorDistribution']}")
    return again / count
