"""The stand-in's copy of the live tokens: loaded from etcd, kept by a watch, and confirmed to be fresh.

It follows docs/cluster.md, on etcd's JSON gateway. `bugs` switches parts of that off.
"""

import contextlib
import http.client
import json
import threading
import time

from tests.cluster import etcd as e
from tests.cluster.etcd import OutOfRange, Unreachable

HEADS = 1024


def clock():
    """Seconds on the clock that counts suspended time."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class Replica:
    def __init__(self, etcd, prefix, bound, bugs):
        self.etcd, self.prefix, self.bound, self.bugs = etcd, prefix, bound, bugs
        self.live, self.head = f"{prefix}/live/", f"{prefix}/live/head"
        self.changed = threading.Condition()
        # Digest of a live token to its ID, and ID to digest.
        self.ids, self.digests = {}, {}
        # The revision at which this node itself changed a token.
        self.own = {}
        self.applied, self.heads, self.fresh_until = 0, {}, 0.0
        # The number of the confirmation that began last, of the one that ended last, and whether that one succeeded.
        self.begun = self.ended = 0
        self.confirmed = self.is_wanted = self.must_load = self.is_watching = False

    def start(self):
        for work in (self.keep_watching, self.keep_confirming):
            threading.Thread(target=work, daemon=True).start()

    def find(self, digest):
        """The ID of a live token in the copy, and whether the copy was fresh after that."""
        found = self.ids.get(digest)
        is_fresh = clock() < self.fresh_until
        if "trusts-silence" in self.bugs:
            is_fresh = self.is_watching
        return found, is_fresh or "never-refreshes" in self.bugs

    def confirm(self):
        """Waits for a confirmation that begins now. Returns whether it succeeded."""
        with self.changed:
            wanted = self.begun + 1
            self.is_wanted = True
            self.changed.notify_all()
            self.changed.wait_for(lambda: self.ended >= wanted, timeout=self.bound)
            return self.ended >= wanted and self.confirmed

    def apply(self, token, digest, revision, own=False):
        """Changes the copy; `digest` is `None` for a deletion. An older state than the node's own change is skipped."""
        with self.changed:
            if revision < self.own.get(token, 0):
                return
            if own:
                self.own[token] = revision
            self.ids.pop(self.digests.pop(token, None), None)
            if digest is not None:
                self.digests[token], self.ids[digest] = digest, token

    def keep_confirming(self):
        while True:
            with self.changed:
                self.changed.wait_for(lambda: self.is_wanted, timeout=self.bound / 4)
                self.begun += 1
                self.is_wanted = False
            confirmed = self.confirm_once()
            with self.changed:
                self.ended, self.confirmed = self.begun, confirmed
                self.changed.notify_all()

    def confirm_once(self):
        begun = clock()
        try:
            read = self.etcd.range(self.head)
        except Unreachable:
            return False
        revision, nonce = (read.entries[0][1].revision, read.value) if read.entries else (0, None)
        with self.changed:
            self.changed.wait_for(lambda: self.applied >= revision, timeout=self.bound / 2)
            if self.applied < revision:
                return False
            is_known = (
                read.revision >= self.applied and self.heads.get(revision, nonce if revision == 0 else None) == nonce
            )
            if not is_known and "ignores-restores" not in self.bugs:
                self.forget()
                return False
            self.fresh_until = max(self.fresh_until, begun + self.bound)
        return True

    def forget(self):
        """The history was replaced, so that revisions mean nothing any more."""
        self.fresh_until, self.applied, self.must_load = 0.0, 0, True
        self.heads.clear()
        self.own.clear()

    def keep_watching(self):
        """Loads and watches, and begins again after every failure, with the next member."""
        number = 0
        self.must_load = True
        while True:
            with contextlib.suppress(Unreachable, OSError, ValueError, KeyError, http.client.HTTPException):
                if self.must_load or not self.is_history_known():
                    self.load()
                    if "never-refreshes" in self.bugs:
                        return
                self.watch(self.etcd.members[number % len(self.etcd.members)])
            self.is_watching = False
            number += 1
            time.sleep(0.05)

    def is_history_known(self):
        """Whether etcd still has the last head that was seen."""
        if not self.heads:
            return False
        revision = max(self.heads)
        try:
            return self.etcd.range(self.head, revision=revision).value == self.heads[revision]
        except OutOfRange:
            return "ignores-restores" in self.bugs

    def load(self):
        """Replaces the copy by a read of all live tokens."""
        self.must_load = False
        read = self.etcd.range(self.live, e.end_of(self.live))
        tokens = {}
        with self.changed:
            for key, entry in read.entries:
                if key == self.head:
                    self.heads[entry.revision] = entry.value
                else:
                    tokens[int(key.removeprefix(self.live))] = json.loads(entry.value)["digest"]
            for token in self.digests.keys() - tokens.keys():
                self.apply(token, None, read.revision)
            for token, digest in tokens.items():
                self.apply(token, digest, read.revision)
            self.applied = read.revision
            self.changed.notify_all()

    def watch(self, member):
        """Applies events until the stream fails or is silent for a while."""
        wanted = {"key": e.encoded(self.live), "range_end": e.encoded(e.end_of(self.live))}
        wanted["start_revision"] = str(self.applied + 1)
        silence = None if "trusts-silence" in self.bugs else max(self.bound, 1)
        connection = http.client.HTTPConnection(*member, timeout=silence)
        with contextlib.closing(connection):
            connection.request("POST", "/v3/watch", json.dumps({"create_request": wanted}))
            # One message a line.
            for line in connection.getresponse():
                message = json.loads(line)["result"]
                if message.get("canceled") or self.must_load:
                    self.must_load = True
                    return
                self.is_watching = True
                self.apply_events(message.get("events", ()))

    def apply_events(self, events):
        """All events of one revision are in one message."""
        with self.changed:
            for event in events:
                key, entry = e.text(event["kv"]["key"]), e.Entry(event["kv"])
                is_deletion = event.get("type") == "DELETE"
                if key == self.head:
                    self.heads[entry.revision] = entry.value
                else:
                    digest = None if is_deletion else json.loads(entry.value)["digest"]
                    self.apply(int(key.removeprefix(self.live)), digest, entry.revision)
                self.applied = entry.revision
            while len(self.heads) > HEADS:
                del self.heads[min(self.heads)]
            self.changed.notify_all()
