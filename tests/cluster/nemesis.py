"""Breaks machines and the links between them, and mends them again.

Each function begins a fault, on machines that `choose` picks, and returns what it did. `Cluster.heal` ends all faults.
The seed decides which faults come, on which machines and for how long, so a run can be repeated; how that meets the
requests under way differs.
"""

import contextlib
import random
import time
from collections import Counter

from tests.cluster import history as h
from tests.cluster.etcd import OutOfRange, Unreachable


def kill_member(nemesis):
    return each(nemesis.member(), lambda member: member.kill())


def kill_node(nemesis):
    return each(nemesis.node(), lambda node: node.kill())


def pause_member(nemesis):
    return each(nemesis.member(), lambda member: member.pause())


def pause_node(nemesis):
    return each(nemesis.node(), lambda node: node.pause())


def each(machine, act):
    act(machine)
    return machine.name


def cut_node_one_way(nemesis):
    """A node hears members that do not hear it, or the other way round."""
    node, members = nemesis.node(), nemesis.cluster.members
    return nemesis.cut_one_way([node], nemesis.random.choice((members, [nemesis.random.choice(members)])))


def cut_node(nemesis):
    """A node and one member, or all members, do not hear each other."""
    node, members = nemesis.node(), nemesis.cluster.members
    return nemesis.cut([node], nemesis.random.choice((members, members, [nemesis.random.choice(members)])))


def cut_member_one_way(nemesis):
    member = nemesis.member()
    return nemesis.cut_one_way([member], [other for other in nemesis.cluster.members if other is not member])


def cut_member(nemesis):
    """A member is alone, but nodes still reach it."""
    member = nemesis.member()
    return nemesis.cut([member], [other for other in nemesis.cluster.members if other is not member])


def cut_link(nemesis):
    """Two members do not hear each other, but the third hears both."""
    one, other = nemesis.random.sample(nemesis.cluster.members, 2)
    return nemesis.cut([one], [other])


def split(nemesis):
    """A member and a node are alone with each other."""
    together = [nemesis.member(), nemesis.node()]
    return nemesis.cut(together, [other for other in nemesis.cluster.network.machines if other not in together])


def latency(nemesis):
    delay = nemesis.random.choice((0.01, 0.05, 0.2, 0.5))
    return nemesis.impair(delay=delay, jitter=delay / 2)


def loss(nemesis):
    return nemesis.impair(loss=nemesis.random.choice((0.02, 0.1, 0.3)))


def compact(nemesis):
    """etcd forgets the history up to now, or up to some revisions ago."""
    etcd, kept = nemesis.cluster.etcd, nemesis.random.choice((0, 0, 10, 100))
    with contextlib.suppress(Unreachable, OutOfRange):
        revision = etcd.range("/").revision - kept
        etcd.compact(revision)
        return f"up to {revision}"
    # Another fault is in the way, or so much is compacted already.
    return "nothing"


def restore(nemesis):
    """etcd loses what was changed for a while."""
    cluster, name = nemesis.cluster, f"snapshot-{nemesis.faults['restore']}"
    file = cluster.folder / name
    begun = h.now()
    cluster.snapshot(file)
    nemesis.history.add(h.Event(h.SNAPSHOT, h.UNKNOWN, begun, h.now(), detail=name))
    time.sleep(nemesis.random.uniform(0.2, 2 * cluster.bound))
    token = nemesis.random.choice(("new", name))
    with nemesis.clients.held():
        begun = h.now()
        cluster.restore(file, token)
        nemesis.recover()
        nemesis.history.add(h.Event(h.RESTORE, h.UNKNOWN, begun, h.now(), detail=name))
    file.unlink()
    return f"as cluster {token}"


KINDS = {
    kind.__name__.replace("_", "-"): kind
    for kind in (
        kill_member, kill_node, pause_member, pause_node, cut_node_one_way, cut_node, cut_member_one_way, cut_member,
        cut_link, split, latency, loss, compact, restore,
    )
}  # fmt: skip
# They break links.
LINKS = {name for name in KINDS if name.startswith(("cut", "split", "latency", "loss"))}
# It removes other faults.
ALONE = {"restore"}


class NotAvailable(Exception):
    """A node does not serve again, so that the run cannot go on."""


class Nemesis:
    """`nodes` are those that it may break."""

    def __init__(self, cluster, clients, history, seed, kinds, nodes, recovery):
        self.cluster, self.clients, self.history, self.nodes = cluster, clients, history, nodes
        self.random = random.Random(f"{seed} nemesis")
        self.kinds, self.deck, self.busy = kinds, [], set()
        # How long all nodes may take to be available after the last fault was removed, in seconds.
        self.recovery = recovery
        self.faults, self.recoveries = Counter(), []

    def run(self, is_over):
        """Returns whether the cluster is healed after it."""
        try:
            while not is_over():
                self.round(is_over)
        except NotAvailable:
            return False
        return True

    def round(self, is_over):
        """One or two faults at once, for less than the bound or for several times as long."""
        self.busy.clear()
        for name in self.chosen():
            begun = h.now()
            self.faults[name] += 1
            detail = f"{name} {KINDS[name](self)}"
            self.history.add(h.Event(h.FAULT, h.UNKNOWN, begun, h.now(), detail=detail))
        end = time.monotonic() + self.random.choice((0.3, 1.5, 2.5, 4)) * self.cluster.bound
        while time.monotonic() < end and not is_over():
            time.sleep(0.05)
        self.recover()
        time.sleep(self.random.uniform(0, 0.5))

    def chosen(self):
        """Deals the kinds like cards, so that each comes as often as the others."""
        wanted = self.random.choice((1, 1, 2))
        chosen = []
        while len(chosen) < wanted:
            if not self.deck:
                self.deck = self.random.sample(self.kinds, len(self.kinds))
            if chosen and ALONE & {chosen[0], self.deck[-1]}:
                break
            chosen.append(self.deck.pop())
        return chosen

    def recover(self):
        """Removes all faults, and waits until every node serves again."""
        crashed = self.cluster.heal()
        begun = h.now()
        waiting = set(self.cluster.nodes)
        while waiting and h.now() <= begun + self.recovery:
            self.cluster.restart_ended()
            waiting = {node for node in waiting if not self.clients.is_available(node)}
            time.sleep(0.02)
        took = h.now() - begun
        self.recoveries.append(took)
        outcome = h.AVAILABLE if took <= self.recovery and not crashed else h.LATE
        detail = " ".join([*(f"{name} had ended" for name in crashed), *(f"{node.name} waits" for node in waiting)])
        self.history.add(h.Event(h.HEALED, outcome, begun, begun + took, detail=detail or None))
        if waiting:
            raise NotAvailable(detail)

    def node(self):
        return self.choose(self.nodes)

    def member(self):
        """A member; half of the time the leader."""
        leader = self.cluster.leader() if self.random.random() < 0.5 else None
        return self.choose([leader] if leader else self.cluster.members)

    def choose(self, machines):
        """A machine without a fault, if there is one."""
        machine = self.random.choice([machine for machine in machines if machine not in self.busy] or machines)
        self.busy.add(machine)
        return machine

    def cut(self, some, others):
        for one in some:
            for other in others:
                self.cluster.network.set_both(one, other, cut=True)
        return f"{names(some)} | {names(others)}"

    def cut_one_way(self, some, others):
        if self.random.random() < 0.5:
            some, others = others, some
        for one in some:
            for other in others:
                self.cluster.network.set(one, other, cut=True)
        return f"{names(some)} -> {names(others)}"

    def impair(self, **rule):
        """All links of a machine are bad, or all links of all."""
        machines = self.cluster.network.machines
        bad = self.random.choice((machines, [self.random.choice([*self.cluster.members, *self.nodes])]))
        for one in bad:
            for other in machines:
                self.cluster.network.set_both(one, other, **rule)
        return f"{names(bad)}: {rule}"


def names(machines):
    return ",".join(machine.name for machine in machines)
