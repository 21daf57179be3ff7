"""Durable deletion over HTTP, beside the disk itself and what a user would write."""

import contextlib
import os
import shutil
import statistics
import time

from programs import TARGET, program, rotated, run, serving
from load import DELETABLE, TOKENS, Request, closed

CLIENTS = (1, 16, 64, 256)
# Clients wait for the disk, and share the cores with the server: it is what one machine can do.
REQUESTS = {1: 3_000, 16: 12_000, 64: 25_000, 256: 25_000}
STORES = {"`SqliteStore`": "sqlite", "a `DELETE` and a commit for each": "autocommit", "`MemoryStore`": "memory"}
SYNCS = 500
# As long as a client that waits for its answer leaves the disk alone.
PAUSE = 200e-6


def measure(round_):
    """Yields how fast tokens are deleted by so many clients, each time of a new file with the same tokens."""
    seeded = seed(TOKENS)
    for clients in CLIENTS:
        yield ("deletion", "fdatasync", str(clients)), sync()
        for name in rotated(STORES, round_):
            kind = STORES[name]
            with contextlib.ExitStack() as stack:
                of = TOKENS if kind == "memory" else stack.enter_context(copied(seeded))
                server = stack.enter_context(serving(program("tokens"), f"{kind}:{of}", "127.0.0.1:0"))
                figures = closed(server, Request(DELETABLE, 204, drawn=True), REQUESTS[clients], clients)
                deleted = round(REQUESTS[clients] * (1 - figures["repeated"]))
                commits = server.stop()
            if commits.startswith("commits "):
                figures["a commit"] = deleted / int(commits.removeprefix("commits "))
            yield ("deletion", name, str(clients)), figures


def seed(tokens):
    """A file with so many tokens, made once."""
    file = TARGET / "tokens" / str(tokens) / "tokens.db"
    if not file.is_file():
        shutil.rmtree(file.parent, ignore_errors=True)
        file.parent.mkdir(mode=0o700, parents=True)
        partial = file.with_suffix(".part")
        run(program("seed"), partial, str(tokens))
        partial.rename(file)
    return file


class copied:
    """A copy of a file in a folder of its own, on the same disk, which goes when the block is left."""

    def __init__(self, file):
        self.file = file
        self.folder = TARGET / "copy"

    def __enter__(self):
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(mode=0o700)
        copy = self.folder / self.file.name
        shutil.copy(self.file, copy)
        # What is still to be written of the copy is not to be waited for later.
        os.sync()
        return copy

    def __exit__(self, *_):
        shutil.rmtree(self.folder)


def sync():
    """What the disk takes to make one page durable, at once after the one before and after a pause, in seconds."""
    return {"p50": synced(0), "paused p50": synced(PAUSE)}


def synced(pause):
    """The median of many."""
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
