"""Runs the commands in the documentation, and tests how the book is checked. Arguments select tests, as with
`python3 -m unittest`.
"""

import os
import sys
import unittest
from pathlib import Path

from tests import limits
from tests.server import BINARY

sys.dont_write_bytecode = True
FOLDER = Path(__file__).resolve().parent


if __name__ == "__main__":
    if not BINARY.is_file():
        sys.exit(f"{BINARY} does not exist; run `cargo build --bin influxdb3-tokens`")
    os.environ["no_proxy"] = "127.0.0.1"
    modules = [f"tests.documentation.{path.stem}" for path in sorted(FOLDER.glob("test_*.py"))]
    runner = unittest.TextTestRunner(verbosity=2, resultclass=limits.LimitedResult)
    unittest.main(module=None, argv=[sys.argv[0], *(sys.argv[1:] or modules)], testRunner=runner)
