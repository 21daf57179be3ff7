"""Measures how long files with more and more tokens take to open, their memory, and deletions from them."""

import json
import subprocess
import time

from benches.deletion import copied, seed
from benches.programs import program

TOKENS = [1_000, 10_000, 100_000, 1_000_000]


def measure(_round):
    """Yields, for each number of tokens, the seconds until they are loaded, the bytes, and deletions per second."""
    for tokens in TOKENS:
        with copied(seed(tokens)) as file:
            size = file.stat().st_size
            begun = time.perf_counter()
            process = subprocess.Popen([program("grow"), file], stdout=subprocess.PIPE, text=True)
            loaded = json.loads(process.stdout.readline())
            start = time.perf_counter() - begun
            deleted = json.loads(process.stdout.readline())
            if process.wait() != 0 or loaded["tokens"] != tokens:
                raise SystemExit(f"grow {file}: {loaded}, exit code {process.returncode}")
        yield (
            ("growth", str(tokens)),
            {"start": start, "memory": loaded["memory"], "size": size, "rate": deleted["rate"]},
        )
