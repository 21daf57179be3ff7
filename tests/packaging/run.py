"""Tests the packages: the container's image, the systemd unit, the Debian package and the Kubernetes manifests.

Needs the superuser, and Debian's `systemd` and `dpkg-dev`. Nothing outside a temporary root is changed.
Arguments select tests, as with `python3 -m unittest`.
"""

import os
import sys
import unittest
from pathlib import Path

from tests import limits
from tests.packaging import binaries
from tools import pinned

sys.dont_write_bytecode = True
HERE = Path(__file__).resolve().parent
MODULES = [f"tests.packaging.{path.stem}" for path in sorted(HERE.glob("test_*.py"))]


def main():
    if not binaries.dynamic().is_file():
        sys.exit(f"{binaries.dynamic()} does not exist; run `cargo build --bin influxdb3-tokens`")
    if os.geteuid() != 0:
        if os.environ.get("CI"):
            sys.exit("packaging: only the superuser can make the roots that these tests need")
        sys.exit(print("packaging: skipped, because only the superuser can make the roots that these tests need"))
    missing = [name for name in ("chroot", "dpkg-deb", "systemd-analyze", "unshare") if binaries.is_missing(name)]
    if missing:
        sys.exit(f"packaging: {', '.join(missing)} missing; on Debian: apt-get install dpkg-dev systemd")
    programs = pinned.install(HERE / "requirements.txt", "packaging")
    if Path(sys.prefix) != programs.parent:
        # Continue with the Python that can read YAML.
        os.execv(programs / "python", [programs / "python", "-m", "tests.packaging.run", *sys.argv[1:]])
    # Builds it outside the limits of a test.
    binaries.static()
    runner = unittest.TextTestRunner(verbosity=2, resultclass=limits.LimitedResult)
    unittest.main(module=None, argv=[sys.argv[0], *(sys.argv[1:] or MODULES)], testRunner=runner)


if __name__ == "__main__":
    main()
