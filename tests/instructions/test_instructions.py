"""What becomes dearer, appears or goes away fails, and what becomes cheaper is told."""

import json
import unittest

from tools.instructions import compare, read


class Comparison(unittest.TestCase):
    def test_what_is_as_recorded_is_not_mentioned(self):
        self.assertEqual(compare({"a": 100, "b": 7}, {"a": 100, "b": 7}), ([], []))

    def test_up_to_5_percent_either_way_pass(self):
        self.assertEqual(compare({"a": 100, "b": 100}, {"a": 105, "b": 95}), ([], []))

    def test_more_than_5_percent_dearer_fails(self):
        failures = ["b: 1051 instructions, 5.1 % more than the 1000 recorded"]
        self.assertEqual(compare({"a": 1, "b": 1000}, {"a": 1, "b": 1051}), (failures, []))

    def test_more_than_5_percent_cheaper_is_told(self):
        cheaper = ["b: 949 instructions, 5.1 % less than the 1000 recorded"]
        self.assertEqual(compare({"a": 1, "b": 1000}, {"a": 1, "b": 949}), ([], cheaper))

    def test_what_is_only_recorded_or_only_counted_fails(self):
        failures = ["a: recorded, but not counted", "b: counted, but not recorded"]
        self.assertEqual(compare({"a": 1}, {"b": 1}), (failures, []))


class Summary(unittest.TestCase):
    def test_the_count_is_that_of_this_run(self):
        total = {"metrics": {"Ir": {"values": {"new": 5374, "old": 5373}}}}
        summary = {"function_name": "authenticate", "id": "valid", "profiles": [{"data": {"total": total}}]}
        self.assertEqual(read(json.dumps(summary)), ("authenticate::valid", 5374))


if __name__ == "__main__":
    unittest.main()
