"""What the tests have in common: a server of their own."""

import tempfile
import unittest
from pathlib import Path

from tests import server


class Served(unittest.TestCase):
    """The tests of a class share one server."""

    @classmethod
    def setUpClass(cls):
        cls.folder = Path(entered(cls, tempfile.TemporaryDirectory()))
        cls.server = entered(cls, server.running(cls.folder))

    def new_id(self, *options):
        """The ID of a new token that may read sensors, whose name is that of the test unless options say more."""
        return str(self.server.create(f"{self.id()} {options}", "--permission", "db:sensors:read")["id"])


def entered(cls, context):
    """What a context yields, which is left after the last test of the class."""
    yielded = context.__enter__()
    cls.addClassCleanup(context.__exit__, None, None, None)
    return yielded
