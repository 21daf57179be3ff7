#!/usr/bin/env python3
"""Tests `make spec-update` in copies of the checkout. Arguments are those of `python3 -m unittest`."""

import sys
import unittest
from pathlib import Path

sys.dont_write_bytecode = True
HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

import limits  # noqa: E402


class Result(limits.LimitedResult):
    # Some compile everything.
    seconds = 1800


class Runner(unittest.TextTestRunner):
    resultclass = Result


if __name__ == "__main__":
    modules = ["test_contract_changes", "test_failures", "test_updates"]
    unittest.main(module=None, argv=[sys.argv[0], *(sys.argv[1:] or modules)], testRunner=Runner)
