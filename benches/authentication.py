"""Authentication in a process: what a call takes, with ever more tokens."""

import json

from programs import program, run

TOKENS = (1_000, 100_000, 1_000_000)


def measure(_round):
    """Yields the nanoseconds of a call that finds a token, of one that does not, and of SHA-512 alone."""
    for tokens in TOKENS:
        yield ("authentication", str(tokens)), json.loads(run(program("authenticate"), str(tokens)))
