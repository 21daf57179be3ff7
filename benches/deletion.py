"""Measures durable deletion over HTTP, beside the disk alone and a transaction for each request."""

import contextlib
import os
import shutil
import statistics
import time

from benches.load import DELETABLE, TOKENS, Request, closed
from benches.programs import TARGET, program, rotated, run, serving

CLIENTS = (1, 16, 64, 256)
# Clients and server share all cores: the clients wait for the disk most of the time.
REQUESTS = {1: 3_000, 16: 12_000, 64: 25_000, 256: 25_000}
STORES = {"`SqliteStore`": "sqlite", "a `DELETE` and a commit for each": "autocommit", "`MemoryStore`": "memory"}
SYNCS = 500
# The time that the disk rests while a single client waits for its answer and sends the next request.
PAUSE = 200e-6


def measure(round_):
    """Yields the figures of each store for each number of clients. Each run starts from the same tokens."""
    seeded = seed(TOKENS)
    for clients in CLIENTS:
        yield ("deletion", "fdatasync", str(clients)), sync()
        for name in rotated(STORES, round_):
            kind = STORES[name]
            with contextlib.ExitStack() as stack:
                source = TOKENS if kind == "memory" else stack.enter_context(copied(seeded))
                server = stack.enter_context(serving(program("tokens"), f"{kind}:{source}"))
                figures = closed(server, Request(DELETABLE, 204, drawn=True), REQUESTS[clients], clients)
                deleted = round(REQUESTS[clients] * (1 - figures["repeated"]))
                commits = server.stop()
            if commits.startswith("commits "):
                figures["a commit"] = deleted / int(commits.removeprefix("commits "))
            yield ("deletion", name, str(clients)), figures


def seed(tokens):
    """Returns a file with this many tokens, which is written once and kept."""
    file = TARGET / "tokens" / str(tokens) / "tokens.db"
    if not file.is_file():
        shutil.rmtree(file.parent, ignore_errors=True)
        file.parent.mkdir(mode=0o700, parents=True)
        partial = file.with_suffix(".part")
        run(program("seed"), partial, str(tokens))
        partial.rename(file)
    return file


@contextlib.contextmanager
def copied(file):
    """Copies a file into a folder of its own on the same disk, and removes it when the block ends."""
    folder = TARGET / "copy"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700)
    copy = folder / file.name
    shutil.copy(file, copy)
    # Write the copy out now, so that no measured sync has to.
    os.sync()
    try:
        yield copy
    finally:
        shutil.rmtree(folder)


def sync():
    """Returns how long the disk takes to make a page durable, in seconds: back to back, and after a pause."""
    return {"p50": synced(0), "paused p50": synced(PAUSE)}


def synced(pause):
    """The median of many syncs."""
    page = bytes(4096)
    path = TARGET / "page"
    with open(path, "wb", buffering=0) as file:
        file.write(page * SYNCS)
        os.fsync(file.fileno())
        times = []
        for index in range(SYNCS):
            if pause:
                time.sleep(pause)
            begun = time.perf_counter()
            os.pwrite(file.fileno(), page, index * len(page))
            os.fdatasync(file.fileno())
            times.append(time.perf_counter() - begun)
    path.unlink()
    return statistics.median(times)
