"""Simulates many nodes on one etcd: how old their copies get, how often etcd must decide, and how busy its members are.

`python3 -m tests.cluster.simulation` prints the table of docs/cluster-limits.md. The machine does not matter: what
etcd takes are constants that were measured, and a seed decides the rest.
"""

import argparse
import heapq
import random
from bisect import bisect_right
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Costs:
    """What etcd 3.4.23 takes, in seconds of one core; docs/cluster-limits.md says how it was measured."""

    read: float = 120e-6
    event: float = 20e-6
    commit: float = 500e-6


@dataclass(frozen=True)
class Network:
    """A link between a node and a member, or between two members."""

    name: str
    # The median of the time that a message takes, in seconds.
    delay: float
    # The probability that a packet is lost. TCP sends it again after 200 ms, then after twice as long, and so on.
    loss: float = 0.0
    # How many times an hour a node loses its way to all members, and for how many seconds on average.
    cuts: float = 0.0
    cut: float = 10.0


@dataclass
class Member:
    free: float = 0.0
    busy: float = 0.0

    def serve(self, at, cost):
        """Returns when work that arrives at a time is done by one core, in the order of arrival."""
        self.free = max(self.free, at) + cost
        self.busy += cost
        return self.free


@dataclass
class Node:
    member: int
    # When each revision is applied, in the order of the revisions.
    applied: list = field(default_factory=list)
    # When the copy was confirmed, and when the read that confirmed it began.
    confirmed: list = field(default_factory=lambda: [(0.0, 0.0)])
    cuts: list = field(default_factory=list)
    restarts: int = 0


class Simulation:
    """A run. `waits` is false for a protocol with a mistake: an answer of etcd confirms a copy that lacks changes."""

    def __init__(self, nodes, network, *, bound=5.0, changes=10.0, seconds=60.0, costs=None, seed=1, waits=True):
        self.network, self.bound, self.seconds, self.waits = network, bound, seconds, waits
        self.costs = costs or Costs()
        self.random = random.Random(f"{seed} {nodes} {network}")
        self.members = [Member() for _ in range(3)]
        self.nodes = [Node(index % 3) for index in range(nodes)]
        self.committed = []
        self.reads = 0
        self.events = []
        self.sequence = 0
        for node in self.nodes:
            self.cut(node)
            self.at(self.random.uniform(0, bound / 4), self.begin, node)
        self.rate = changes
        self.at(self.random.expovariate(changes), self.change)

    def cut(self, node):
        """Chooses when the node loses its way to etcd."""
        end = 0.0
        while self.network.cuts:
            begin = end + self.random.expovariate(self.network.cuts / 3600)
            if begin > self.seconds:
                return
            end = begin + self.random.expovariate(1 / self.network.cut)
            node.cuts.append((begin, end))

    def at(self, time, act, *arguments):
        self.sequence += 1
        heapq.heappush(self.events, (time, self.sequence, act, arguments))

    def run(self):
        while self.events and self.events[0][0] < self.seconds:
            time, _, act, arguments = heapq.heappop(self.events)
            act(time, *arguments)
        return self

    def message(self, at, node=None):
        """Returns when a message arrives."""
        for begin, end in node.cuts if node else ():
            if begin <= at < end:
                at = end
        delay, again = self.network.delay * self.random.lognormvariate(0, 0.3), 0.2
        while self.random.random() < self.network.loss:
            delay += again
            again *= 2
        return at + delay

    def change(self, time):
        """A transaction is committed, and each member sends it to its watchers, one after another."""
        self.at(time + self.random.expovariate(self.rate), self.change)
        self.committed.append(time)
        for member in self.members:
            member.serve(time, self.costs.commit)
        for node in self.nodes:
            sent = self.members[node.member].serve(time, self.costs.event)
            arrival = self.message(sent, node)
            # One stream: what comes later waits.
            node.applied.append(max(arrival, node.applied[-1] if node.applied else 0.0))

    def begin(self, time, node):
        """A round: a read of the head, which may ask several members."""
        self.ask(time, node, time)

    def ask(self, time, node, begin):
        self.at(self.message(time, node), self.arrive, node, begin, time)

    def arrive(self, time, node, begin, asked):
        """A member gets the read. It asks the leader for the present revision, which a quorum confirms."""
        self.reads += 1
        head = len(self.committed)
        done = self.members[node.member].serve(time, self.costs.read)
        answered = self.message(self.message(self.message(done)), node)
        limit = self.bound / 4
        if answered <= asked + limit:
            self.at(answered, self.judge, node, begin, head)
        elif asked + limit < begin + 2 * limit:
            node.member = (node.member + 1) % 3
            self.at(asked + limit, self.ask, node, begin)
        else:
            self.at(asked + limit, self.end, node, begin)

    def judge(self, time, node, begin, head):
        """Confirms the copy once it has the head."""
        ready = max(time, node.applied[head - 1]) if head and self.waits else time
        if ready <= time + self.bound / 8:
            self.at(ready, self.confirm, node, begin)
            return
        # The stream is begun again at another member, which takes two exchanges.
        self.at(time + self.bound / 8, self.restart, node, begin)

    def confirm(self, time, node, begin):
        node.confirmed.append((time, begin))
        self.end(time, node, begin)

    def restart(self, time, node, begin):
        node.restarts += 1
        node.member = (node.member + 1) % 3
        arrival = time
        for _ in range(4):
            arrival = self.message(arrival, node)
        first = bisect_right(node.applied, time)
        node.applied[first:] = [min(late, arrival) for late in node.applied[first:]]
        self.end(time, node, begin)

    def end(self, time, node, begin):
        """The next round begins a quarter of the bound after this one, or at once if requests wait for it."""
        is_fresh = time < node.confirmed[-1][1] + self.bound
        self.at(max(time, begin + self.bound / 4) if is_fresh else time + 0.01, self.begin, node)

    # What came of it.

    def staleness(self, node, time):
        """How old the copy may be at a time."""
        index = bisect_right(node.confirmed, (time, self.seconds)) - 1
        return time - node.confirmed[index][1]

    def stalenesses(self, samples=20_000):
        """Sorted, at random times and nodes, after the beginning."""
        choose = self.random
        times = [(choose.choice(self.nodes), choose.uniform(self.bound, self.seconds)) for _ in range(samples)]
        return sorted(self.staleness(node, time) for node, time in times)

    def accepted_until(self, node, revision):
        """Until when the node accepts the token whose deletion has this revision (from 0)."""
        applied = node.applied[revision]
        first = bisect_right(node.confirmed, (self.committed[revision], self.seconds)) - 1
        until = self.committed[revision]
        for time, begin in node.confirmed[first:]:
            if time >= applied:
                break
            until = max(until, min(begin + self.bound, applied))
        return until

    def refusals(self):
        """Sorted: how long after each deletion the last node refuses the token."""
        last = bisect_right(self.committed, self.seconds - 2 * self.bound)
        return sorted(
            max(self.accepted_until(node, revision) for node in self.nodes) - self.committed[revision]
            for revision in range(last)
        )


def quantile(values, share):
    return values[min(int(share * len(values)), len(values) - 1)]


NETWORKS = (
    Network("one site", 0.00025),
    Network("one site, 1 % loss", 0.00025, loss=0.01),
    Network("20 ms away, 1 % loss", 0.020, loss=0.01),
    Network("20 ms away, 10 % loss", 0.020, loss=0.10),
    Network("one site, 6 cuts an hour", 0.00025, cuts=6),
)


def row(nodes, network, seed):
    simulation = Simulation(nodes, network, seconds=20_000 / nodes if nodes > 100 else 200.0, seed=seed).run()
    stalenesses, refusals = simulation.stalenesses(), simulation.refusals()
    fallbacks = sum(1 for staleness in stalenesses if staleness >= simulation.bound) / len(stalenesses)
    busiest = max(member.busy for member in simulation.members) / simulation.seconds
    times = [quantile(stalenesses, 0.5), quantile(stalenesses, 0.99), quantile(stalenesses, 0.999)]
    return [
        str(nodes),
        network.name,
        *(f"{time:.2f} s" for time in times),
        f"{fallbacks:.3%}",
        *(f"{quantile(refusals, share) * 1000:.0f} ms" for share in (0.5, 0.99)),
        f"{max(refusals):.2f} s",
        f"{simulation.reads / simulation.seconds:.0f}",
        f"{busiest:.1%}",
    ]


HEADING = (
    "nodes | network | age p50 | p99 | p99.9 | fallback | last refusal p50 | p99 | longest | reads/s | busiest member"
)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    print(f"| {HEADING} |")
    print("|" + "---|" * (HEADING.count("|") + 1))
    for network in NETWORKS:
        for nodes in (3, 10, 100, 1000):
            print(f"| {' | '.join(row(nodes, network, arguments.seed))} |", flush=True)


if __name__ == "__main__":
    main()
