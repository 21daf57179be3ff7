"""Tests the comparison of counts: an increase, a new and a missing benchmark fail; a decrease is reported."""

import json
import unittest

from tools.instructions import compare, read


class Comparison(unittest.TestCase):
    def test_an_equal_count_is_not_reported(self):
        self.assertEqual(compare({"a": 100, "b": 7}, {"a": 100, "b": 7}), ([], []))

    def test_a_difference_of_5_percent_is_not_reported(self):
        self.assertEqual(compare({"a": 100, "b": 100}, {"a": 105, "b": 95}), ([], []))

    def test_an_increase_by_more_than_5_percent_fails(self):
        failures = ["b: 1051 instructions, 5.1 % more than the 1000 recorded"]
        self.assertEqual(compare({"a": 1, "b": 1000}, {"a": 1, "b": 1051}), (failures, []))

    def test_a_decrease_by_more_than_5_percent_is_reported(self):
        cheaper = ["b: 949 instructions, 5.1 % less than the 1000 recorded"]
        self.assertEqual(compare({"a": 1, "b": 1000}, {"a": 1, "b": 949}), ([], cheaper))

    def test_a_new_and_a_missing_benchmark_fail(self):
        failures = ["a: recorded, but no longer a benchmark", "b: no count is recorded"]
        self.assertEqual(compare({"a": 1}, {"b": 1}), (failures, []))


class Summary(unittest.TestCase):
    def test_the_count_is_from_this_run(self):
        total = {"metrics": {"Ir": {"values": {"new": 5374, "old": 5373}}}}
        summary = {"function_name": "authenticate", "id": "valid", "profiles": [{"data": {"total": total}}]}
        self.assertEqual(read(json.dumps(summary)), ("authenticate::valid", 5374))


if __name__ == "__main__":
    unittest.main()
