"""Reads the history of a run, and finds what breaks a promise of the cluster.

`python3 -m tests.cluster.checker FILE --bound SECONDS` checks a history again.

A request takes effect at some time between its invocation and its return, and one without an answer at any time after
its invocation, or never. So the checker reports only what no order of effects can explain:

`two deletions`        Two requests have deleted one token.
`late acceptance`      A node accepted a token in a request that was sent later than the bound after its deletion was
                       acknowledged, or after some node did not find it any more.
`live token rejected`  A node refused a token after its creation was acknowledged, and before its first deletion began.
`live token absent`    A deletion was told that its token does not exist, while no other request could have deleted it.
`dead actor`           A deletion succeeded on behalf of a token whose own deletion was acknowledged before.
`lost`                 At the end, a node accepts a deleted token, or refuses one that nobody deleted.
`disagreement`         At the end, the nodes do not agree about a token.
`not available`        A node did not answer within ten seconds after the last fault was removed.

A restore of etcd takes back what was changed after its snapshot. `window.py` leaves out what that makes uncertain.
"""

import argparse
import sys
from collections import defaultdict
from dataclasses import dataclass
from math import inf

from tests.cluster import history as h
from tests.cluster.window import certain

# The token of the clients that always lives.
OPERATOR = 0


@dataclass(frozen=True)
class Violation:
    promise: str
    events: tuple

    def __str__(self):
        return "\n".join([f"{self.promise}:", *(f"    {event}" for event in self.events)])


class Token:
    """What the history says about one token."""

    def __init__(self, events):
        self.creation = next((event for event in events if event.op == h.CREATE and event.outcome == h.CREATED), None)
        self.deletions = [event for event in events if event.op == h.DELETE]
        self.uses = [event for event in events if event.op == h.USE]
        self.final = [event for event in events if event.op == h.COMPARED]
        self.acknowledged = [event for event in self.deletions if event.outcome == h.DELETED]
        self.begins = self.creation.returned if self.creation else inf
        # From then on it may be dead.
        self.endangered = min((event.invoked for event in self.deletions), default=inf)


def check(events, bound):
    """The violations of a history. `bound` is the staleness that the nodes may have, in seconds."""
    by_token, compared = defaultdict(list), defaultdict(list)
    violations = []
    for event in events:
        if event.op == h.COMPARED:
            compared[event.token].append(event)
    for event in certain(events):
        if event.token is not None:
            by_token[event.token].append(event)
        if event.actor is not None:
            by_token[event.actor].append(as_use(event))
        if event.op == h.HEALED and event.outcome != h.AVAILABLE:
            violations.append(Violation("not available", (event,)))
    tokens = {number: Token(events) for number, events in by_token.items()}
    if OPERATOR in tokens:
        tokens[OPERATOR].begins = -inf
    for token in tokens.values():
        for rule in (two_deletions, late_acceptance, live_token_rejected, live_token_absent, lost):
            violations.extend(rule(token, bound))
        violations.extend(dead_actor(token, tokens))
    # Whatever a restore did.
    violations.extend(
        Violation("disagreement", tuple(uses)) for uses in compared.values() if len({use.outcome for use in uses}) > 1
    )
    return violations


def as_use(deletion):
    """A deletion as a use of the token that asked for it."""
    accepted = deletion.outcome in (h.DELETED, h.ABSENT)
    outcome = h.ACCEPTED if accepted else deletion.outcome
    return h.Event(h.USE, outcome, deletion.invoked, deletion.returned, deletion.node, deletion.actor, detail="actor")


def two_deletions(token, _):
    first = {}
    for event in token.acknowledged:
        first.setdefault(event.request, event)
    if len(first) > 1:
        yield Violation("two deletions", tuple(first.values()))


def late_acceptance(token, bound):
    refusals = [event for event in token.uses if event.outcome == h.REJECTED]
    refusals += [event for event in token.deletions if event.outcome == h.ABSENT]
    refusals = [event for event in refusals if event.invoked >= token.begins]
    death = min([*token.acknowledged, *refusals], key=lambda event: event.returned, default=None)
    if death is None:
        return
    for use in token.uses:
        if use.outcome == h.ACCEPTED and use.invoked > death.returned + bound:
            yield Violation("late acceptance", (death, use))
            return


def live_token_rejected(token, _):
    for use in token.uses:
        if use.outcome == h.REJECTED and token.begins <= use.invoked and use.returned <= token.endangered:
            yield Violation("live token rejected", tuple(filter(None, (token.creation, use))))
            return


def live_token_absent(token, _):
    for event in token.deletions:
        others = (other for other in token.deletions if other.request != event.request)
        endangered = min((other.invoked for other in others), default=inf)
        if event.outcome == h.ABSENT and token.begins <= event.invoked and event.returned <= endangered:
            yield Violation("live token absent", tuple(filter(None, (token.creation, event))))
            return


def dead_actor(token, tokens):
    for event in token.acknowledged:
        actor = tokens.get(event.actor)
        for death in actor.acknowledged if actor else ():
            # A repetition of the actor's own deletion is answered like the first.
            if death.returned < event.invoked and death.request != event.request:
                yield Violation("dead actor", (death, event))
                return


def lost(token, _):
    for use in token.final:
        if token.acknowledged and use.outcome == h.ACCEPTED:
            yield Violation("lost", (token.acknowledged[0], use))
        elif token.creation and not token.deletions and use.outcome == h.REJECTED:
            yield Violation("lost", (token.creation, use))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file")
    parser.add_argument("--bound", type=float, required=True)
    options = parser.parse_args()
    violations = check(h.read(options.file), options.bound)
    print("\n".join(map(str, violations)) or "no promise is broken")
    sys.exit(bool(violations))


if __name__ == "__main__":
    main()
