"""What a restore of etcd makes uncertain.

A restore takes etcd back to a snapshot. A token lives on as if nothing had happened only if nothing that the restore
takes back was about it: it was created before the snapshot began, and no deletion of it can have taken effect between
then and the end of the restore. Of the others, only the history up to the restore says anything.
"""

from collections import defaultdict
from dataclasses import replace
from math import inf

from tests.cluster import history as h


def certain(events):
    """The events without those that restores make meaningless."""
    for restore in [event for event in events if event.op == h.RESTORE]:
        snapshot = next(event for event in events if event.op == h.SNAPSHOT and event.detail == restore.detail)
        affected = affected_tokens(events, snapshot.invoked, restore.returned)
        events = [
            replace(event, actor=None) if event.actor in affected and event.returned > restore.invoked else event
            for event in events
            if event.token not in affected or event.returned <= restore.invoked
        ]
    return events


def affected_tokens(events, begin, end):
    """The tokens whose state at `end` does not follow from what happened before `begin`."""
    created, endangered, dead = {}, defaultdict(lambda: inf), set()
    for event in events:
        if event.op == h.CREATE and event.outcome == h.CREATED:
            created[event.token] = event.returned
        elif event.op == h.DELETE:
            endangered[event.token] = min(endangered[event.token], event.invoked)
            if event.outcome in (h.DELETED, h.ABSENT) and event.returned < begin:
                dead.add(event.token)
    may_have_died = {token for token, invoked in endangered.items() if invoked < end} - dead
    return {
        token for token, returned in created.items() if returned <= end and (returned > begin or token in may_have_died)
    }
