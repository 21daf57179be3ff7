"""Tests of the simulation of many nodes."""

import unittest

from tests.cluster.simulation import Network, Simulation

# Messages are lost, and nodes lose their way to etcd again and again.
BAD = Network("bad", 0.020, loss=0.10, cuts=120, cut=8)


def run(network=BAD, nodes=10, **options):
    return Simulation(nodes, network, changes=2.0, seconds=120.0, **options).run()


class TestSimulation(unittest.TestCase):
    def test_no_node_accepts_a_token_for_longer_than_the_bound(self):
        refusals = run().refusals()
        self.assertGreater(refusals[-1], 4.0, "no node came near the bound")
        self.assertLessEqual(refusals[-1], 5.0 + 1e-9)

    def test_a_copy_that_lacks_changes_is_found_to_exceed_the_bound(self):
        self.assertGreater(run(waits=False).refusals()[-1], 5.0)

    def test_a_copy_is_older_than_the_bound_only_while_etcd_cannot_be_reached(self):
        fresh = run(Network("good", 0.020, loss=0.01)).stalenesses()
        self.assertLess(fresh[-1], 5.0)
        self.assertGreater(run().stalenesses()[-1], 5.0)

    def test_the_same_seed_gives_the_same_figures(self):
        self.assertEqual(run().refusals(), run().refusals())
        self.assertNotEqual(run().refusals(), run(seed=2).refusals())

    def test_each_node_reads_once_in_a_quarter_of_the_bound(self):
        simulation = run(Network("good", 0.001), nodes=100)
        self.assertAlmostEqual(simulation.reads / simulation.seconds / 100, 0.8, delta=0.02)


if __name__ == "__main__":
    unittest.main()
