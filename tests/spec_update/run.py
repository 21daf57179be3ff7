"""Tests `make spec-update` in copies of the checkout. Arguments select tests, as with `python3 -m unittest`."""

import sys
import unittest

from tests import limits

sys.dont_write_bytecode = True


class Result(limits.LimitedResult):
    # Some tests compile everything.
    seconds = 1800


class Runner(unittest.TextTestRunner):
    resultclass = Result


if __name__ == "__main__":
    modules = [
        f"tests.spec_update.test_{name}"
        for name in ("contract_changes", "differences", "leftovers", "steps", "failures", "updates", "drift")
    ]
    unittest.main(module=None, argv=[sys.argv[0], *(sys.argv[1:] or modules)], testRunner=Runner)
