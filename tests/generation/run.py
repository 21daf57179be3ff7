"""Tests api/ and the installation of tools. Arguments select tests, as with `python3 -m unittest`."""

import sys
import unittest
from pathlib import Path

from tests import limits

FOLDER = Path(__file__).resolve().parent


class Result(limits.LimitedResult):
    # Some tests compile a crate.
    seconds = 900


class Runner(unittest.TextTestRunner):
    resultclass = Result


if __name__ == "__main__":
    modules = [f"tests.generation.{path.stem}" for path in sorted(FOLDER.glob("test_*.py"))]
    unittest.main(module=None, argv=[sys.argv[0], *(sys.argv[1:] or modules)], testRunner=Runner)
