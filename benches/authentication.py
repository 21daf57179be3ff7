"""Measures authentication inside a process, with more and more tokens."""

import json

from benches.programs import program, run

# Makes glibc ask for huge pages, even for memory smaller than one.
HUGE_PAGES = {"GLIBC_TUNABLES": "glibc.malloc.hugetlb=1:glibc.malloc.mmap_threshold=4294967296"}
SUBJECTS = {
    "1,000 tokens": (1_000, {}),
    "100,000 tokens": (100_000, {}),
    "1,000,000 tokens": (1_000_000, {}),
    "1,000,000 tokens in huge pages": (1_000_000, HUGE_PAGES),
}


def measure(_round):
    """Yields the nanoseconds of a call that finds a token, of one that does not, and of SHA-512 alone."""
    for subject, (tokens, variables) in SUBJECTS.items():
        yield ("authentication", subject), json.loads(run(program("authenticate"), str(tokens), **variables))
