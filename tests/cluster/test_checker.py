"""Tests the checker: it finds each broken promise in a history, and nothing in the same history mended."""

import unittest
from dataclasses import replace

from tests.cluster import history as h
from tests.cluster.checker import OPERATOR, check
from tests.cluster.history import Event

BOUND = 1.0


def created(token=1, at=10.0):
    return Event(h.CREATE, h.CREATED, at, at + 0.1, "n1", token)


def used(outcome, at, token=1, node="n2"):
    return Event(h.USE, outcome, at, at + 0.1, node, token)


def deleted(outcome, at, request="a", token=1, actor=OPERATOR):
    return Event(h.DELETE, outcome, at, at + 0.1, "n1", token, actor, request)


def compared(outcome, node="n1", token=1, at=99.0):
    return Event(h.COMPARED, outcome, at, at + 0.1, node, token)


def snapshot(at, name="s"):
    return Event(h.SNAPSHOT, h.UNKNOWN, at, at + 0.1, detail=name)


def restored(at, name="s"):
    return Event(h.RESTORE, h.UNKNOWN, at, at + 1, detail=name)


class CheckerTest(unittest.TestCase):
    def assert_finds(self, promise, *events):
        self.assertEqual([violation.promise for violation in check(events, BOUND)], [promise])

    def assert_finds_nothing(self, *events):
        self.assertEqual(check(events, BOUND), [])

    def assert_mended(self, promise, events, **mended):
        """The history breaks a promise only because its last event is not `mended`."""
        self.assert_finds(promise, *events)
        self.assert_finds_nothing(*events[:-1], replace(events[-1], **mended))


class Promises(CheckerTest):
    def test_two_requests_that_delete_one_token_are_found(self):
        events = [created(), deleted(h.DELETED, 11), deleted(h.DELETED, 11, "b")]
        self.assert_mended("two deletions", events, outcome=h.ABSENT)

    def test_a_request_may_be_repeated_and_answered_alike(self):
        self.assert_finds_nothing(created(), deleted(h.UNKNOWN, 11), deleted(h.DELETED, 12), deleted(h.DELETED, 13))

    def test_a_token_that_is_accepted_too_late_after_its_deletion_is_found(self):
        # Acknowledged at 11.1.
        events = [created(), deleted(h.DELETED, 11), used(h.ACCEPTED, 12.2)]
        self.assert_mended("late acceptance", events, outcome=h.REJECTED)

    def test_a_request_may_be_accepted_that_was_sent_within_the_bound(self):
        late = replace(used(h.ACCEPTED, 12.05), returned=20.0)
        self.assert_finds_nothing(created(), deleted(h.DELETED, 11), late)

    def test_a_token_is_dead_once_a_node_has_refused_it(self):
        events = [created(), deleted(h.UNKNOWN, 11), used(h.REJECTED, 12), used(h.ACCEPTED, 13.2, node="n3")]
        self.assert_mended("late acceptance", events, invoked=13.0)

    def test_a_deletion_whose_outcome_is_unknown_may_take_effect_late_or_never(self):
        unknown = [created(), deleted(h.UNKNOWN, 11), used(h.ACCEPTED, 50)]
        self.assert_finds_nothing(*unknown, used(h.REJECTED, 51), compared(h.REJECTED))
        self.assert_finds_nothing(*unknown, compared(h.ACCEPTED))

    def test_a_dead_token_that_deletes_is_accepted_too(self):
        events = [created(), deleted(h.DELETED, 11), created(2), deleted(h.ABSENT, 13, "b", 2, actor=1)]
        other = deleted(h.DELETED, 12.9, "c", 2)
        self.assert_mended("late acceptance", [*events[:-1], other, events[-1]], outcome=h.REJECTED)

    def test_a_live_token_that_is_rejected_is_found(self):
        events = [created(), used(h.REJECTED, 10.2)]
        self.assert_mended("live token rejected", events, outcome=h.UNDECIDED)

    def test_a_token_may_be_rejected_before_its_creation_returns_and_once_its_deletion_has_begun(self):
        self.assert_finds_nothing(created(), used(h.REJECTED, 10.05))
        self.assert_finds_nothing(created(), used(h.REJECTED, 10.05), used(h.ACCEPTED, 50))
        self.assert_finds_nothing(created(), replace(used(h.REJECTED, 10.9), returned=11.1), deleted(h.UNKNOWN, 11))

    def test_a_live_actor_that_is_rejected_is_found(self):
        events = [created(), deleted(h.UNDECIDED, 11), deleted(h.REJECTED, 12)]
        self.assert_mended("live token rejected", events, outcome=h.UNDECIDED)

    def test_a_live_token_that_a_deletion_does_not_find_is_found(self):
        events = [created(), deleted(h.ABSENT, 11)]
        self.assert_mended("live token absent", events, outcome=h.DELETED)

    def test_a_repetition_that_does_not_know_its_own_deletion_is_found(self):
        events = [created(), deleted(h.UNKNOWN, 11), deleted(h.ABSENT, 12)]
        self.assert_mended("live token absent", events, outcome=h.DELETED)

    def test_a_token_may_be_absent_that_another_request_may_have_deleted(self):
        self.assert_finds_nothing(created(), deleted(h.UNKNOWN, 11, "b"), deleted(h.ABSENT, 12))
        self.assert_finds_nothing(created(), deleted(h.ABSENT, 10.05))

    def test_a_deletion_on_behalf_of_a_deleted_token_is_found(self):
        events = [created(), deleted(h.DELETED, 11), created(2), deleted(h.DELETED, 11.2, "b", 2, actor=1)]
        self.assert_mended("dead actor", events, invoked=11.0)

    def test_a_token_may_delete_itself_and_repeat_that(self):
        itself = deleted(h.DELETED, 11, actor=1)
        self.assert_finds_nothing(created(), itself, replace(itself, invoked=11.2, returned=11.3))

    def test_a_token_that_is_lost_at_the_end_is_found(self):
        events = [created(), compared(h.REJECTED)]
        self.assert_mended("lost", events, outcome=h.ACCEPTED)

    def test_a_deletion_that_is_lost_at_the_end_is_found(self):
        events = [created(), deleted(h.DELETED, 11), compared(h.ACCEPTED)]
        self.assert_mended("lost", events, outcome=h.REJECTED)

    def test_nodes_that_disagree_at_the_end_are_found(self):
        events = [created(), deleted(h.UNKNOWN, 11), compared(h.REJECTED), compared(h.ACCEPTED, "n2")]
        self.assert_mended("disagreement", events, outcome=h.REJECTED)

    def test_a_node_without_an_answer_at_the_end_disagrees(self):
        events = [created(), compared(h.ACCEPTED), compared(h.UNDECIDED, "n2")]
        self.assert_mended("disagreement", events, outcome=h.ACCEPTED)

    def test_a_cluster_that_is_not_available_in_time_is_found(self):
        self.assert_mended("not available", [Event(h.HEALED, h.LATE, 5, 16)], outcome=h.AVAILABLE)


class Restore(CheckerTest):
    def test_what_was_changed_after_the_snapshot_may_be_lost(self):
        lost_deletion = [created(), snapshot(11), deleted(h.DELETED, 12), restored(13)]
        self.assert_finds_nothing(*lost_deletion, used(h.ACCEPTED, 20), deleted(h.DELETED, 30, "b"))
        self.assert_finds_nothing(*lost_deletion, compared(h.ACCEPTED))
        lost_creation = [snapshot(9), created(), restored(13)]
        self.assert_finds_nothing(*lost_creation, used(h.REJECTED, 20), compared(h.REJECTED))

    def test_a_deletion_that_was_under_way_at_the_snapshot_may_be_lost(self):
        overlapping = replace(deleted(h.DELETED, 11), returned=11.6)
        self.assert_finds_nothing(created(), overlapping, snapshot(11.5), restored(13), used(h.ACCEPTED, 20))
        self.assert_finds_nothing(
            created(),
            deleted(h.UNKNOWN, 10.5),
            snapshot(11.5),
            used(h.REJECTED, 12),
            restored(13),
            used(h.ACCEPTED, 20),
        )

    def test_a_request_that_was_under_way_at_the_restore_may_see_either_state(self):
        overlapping = replace(used(h.REJECTED, 12.9), returned=13.5)
        self.assert_finds_nothing(snapshot(9), created(), restored(13), overlapping)

    def test_a_token_that_was_absent_before_the_snapshot_stays_dead(self):
        events = [created(), deleted(h.UNKNOWN, 10.5, "b"), deleted(h.ABSENT, 11), snapshot(12), restored(13)]
        self.assert_mended("late acceptance", [*events, used(h.ACCEPTED, 20)], outcome=h.REJECTED)

    def test_a_token_that_a_restore_brought_back_may_delete(self):
        events = [created(), created(2), snapshot(11), deleted(h.DELETED, 12), restored(13)]
        self.assert_finds_nothing(*events, deleted(h.DELETED, 20, "b", 2, actor=1))

    def test_what_was_changed_before_the_snapshot_is_kept(self):
        events = [created(), deleted(h.DELETED, 11), snapshot(12), restored(13), used(h.ACCEPTED, 20)]
        self.assert_mended("late acceptance", events, outcome=h.REJECTED)
        events = [created(), snapshot(12), restored(13), used(h.REJECTED, 20)]
        self.assert_mended("live token rejected", events, outcome=h.ACCEPTED)
        events = [created(), snapshot(12), restored(13), compared(h.REJECTED)]
        self.assert_mended("lost", events, outcome=h.ACCEPTED)

    def test_what_was_changed_after_the_restore_is_kept(self):
        events = [snapshot(5), restored(6), created(), deleted(h.DELETED, 11), used(h.ACCEPTED, 12.2)]
        self.assert_mended("late acceptance", events, outcome=h.REJECTED)

    def test_a_promise_that_was_broken_before_the_restore_is_found(self):
        broken = [created(), snapshot(10.5), deleted(h.DELETED, 11), deleted(h.DELETED, 11.5, "b")]
        self.assert_finds("two deletions", *broken, restored(13))

    def test_nodes_that_disagree_about_what_a_restore_took_back_are_found(self):
        events = [snapshot(9), created(), restored(13), compared(h.REJECTED), compared(h.ACCEPTED, "n2")]
        self.assert_mended("disagreement", events, outcome=h.REJECTED)

    def test_a_second_restore_takes_back_what_the_first_left(self):
        first = [created(), snapshot(11, "s"), restored(12, "s")]
        second = [snapshot(14, "t"), deleted(h.DELETED, 15), restored(16, "t")]
        self.assert_finds_nothing(*first, *second, used(h.ACCEPTED, 20))
        self.assert_finds("live token rejected", *first, used(h.REJECTED, 14), *second)


if __name__ == "__main__":
    unittest.main()
