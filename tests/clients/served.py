"""Provides a server for the tests of a class."""

import tempfile
import unittest
from pathlib import Path

from tests import server


class Served(unittest.TestCase):
    """Starts one server, which the tests of the class share."""

    @classmethod
    def setUpClass(cls):
        cls.folder = Path(entered(cls, tempfile.TemporaryDirectory()))
        cls.server = entered(cls, server.running(cls.folder))

    def new_id(self, *options):
        """Creates a token that may read sensors. Returns its ID. Its name consists of the test and the options."""
        return str(self.server.create(f"{self.id()} {options}", "--permission", "db:sensors:read")["id"])


def entered(cls, context):
    """Enters a context, which exits after the last test of the class. Returns its value."""
    yielded = context.__enter__()
    cls.addClassCleanup(context.__exit__, None, None, None)
    return yielded
