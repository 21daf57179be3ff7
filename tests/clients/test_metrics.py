"""Reads the server's metrics with the parsers of Prometheus's Python library, which are strict."""

import tempfile
import unittest
from pathlib import Path

import urllib3
from prometheus_client import parser
from prometheus_client.openmetrics import parser as openmetrics

from tests import server
from tests.clients.served import entered

FORMATS = {
    "application/openmetrics-text; version=1.0.0": openmetrics.text_string_to_metric_families,
    "text/plain; version=0.0.4": parser.text_string_to_metric_families,
}


class Metrics(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = Path(entered(cls, tempfile.TemporaryDirectory()))
        cls.server = entered(cls, server.running(folder, "--ops-bind", "127.0.0.1:0"))

    def test_both_formats_are_well_formed_and_have_the_same_samples(self):
        urllib3.request("DELETE", f"{self.server.address}/nowhere?p={self.server.operator}", retries=False, timeout=10)
        shown = []
        for accepted, parse in FORMATS.items():
            response = urllib3.request(
                "GET", f"{self.server.operations}/metrics", headers={"Accept": accepted}, retries=False, timeout=10
            )
            self.assertEqual(response.status, 200)
            self.assertIn(accepted.partition(";")[0], response.headers["Content-Type"])
            text = response.data.decode()
            self.assertNotIn(self.server.operator, text)
            shown.append({sample.name for family in parse(text) for sample in family.samples})
        self.assertEqual(shown[0], shown[1])
        self.assertIn("influxdb3_tokens_requests_total", shown[0])
