#!/usr/bin/env python3
"""A small server that stands in for a node: it keeps the cluster's rules, and breaks one of them on request.

The tests of the harness plant its bugs, and the harness has to find them. It takes the options of
`influxdb3-tokens serve` that `cluster.py` gives, and answers what `clients.py` asks.

Bugs, separated by spaces in the variable STAND_IN_BUGS:
`never-refreshes`   keeps what etcd once said about a token
`trusts-silence`    takes its copy for fresh for as long as the connection of its watch seems to be open
`rejects-misses`    answers 401 for a token that its copy lacks, without asking etcd
`deletes-twice`     answers 204 for a token that somebody else has deleted
`forgets-retries`   takes its own deletion for another's when it repeats a transaction
`loses-creations`   acknowledges some creations without committing them
`ignores-restores`  believes its copy although etcd's history was replaced
`trusts-actors`     deletes on behalf of a token that may have been deleted meanwhile
`never-recovers`    answers 503 for the rest of its life once etcd could not be reached
"""

import argparse
import hashlib
import json
import os
import secrets
import socketserver
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent))

from tests.cluster import etcd as e  # noqa: E402
from tests.cluster.etcd import Etcd, Unreachable  # noqa: E402
from tests.cluster.replica import Replica, clock  # noqa: E402

OPERATOR_ID = 0
# How long a transaction is repeated whose outcome is unknown, in seconds.
PATIENCE = 3


class Undecided(Exception):
    """The answer is 503."""


class Node:
    def __init__(self, store, bound, bugs):
        hosts, _, prefix = store.removeprefix("etcd://").partition("/")
        members = [(host, int(port)) for host, port in (member.split(":") for member in hosts.split(","))]
        self.prefix, self.bound, self.bugs = f"/{prefix}", bound, bugs
        self.etcd = Etcd(members, timeout=max(bound * 0.4, 0.5))
        self.replica = Replica(self.etcd, self.prefix, bound, bugs)
        self.created, self.deleted, self.has_failed = 0, 0, False

    def key(self, kind, token=None):
        return f"{self.prefix}/{kind}" if token is None else f"{self.prefix}/{kind}/{token:020}"

    def start(self, operator):
        """Creates the operator token, unless it exists, and waits until the copy is confirmed."""
        digest = digest_of(operator)
        token = self.live(digest, OPERATOR_ID)
        self.commit(
            [e.is_missing(self.key("operator"))],
            [*token, e.put(self.key("operator"), digest), e.put(self.key("next-id"), "1")],
        )
        self.replica.start()
        while self.replica.find(digest)[0] is None:
            self.replica.confirm()

    def live(self, digest, token):
        """What makes a token live."""
        return [
            e.put(self.key("live", token), json.dumps({"digest": digest})),
            e.put(f"{self.prefix}/digests/{digest}", str(token)),
            self.head(),
        ]

    def head(self):
        return e.put(self.replica.head, secrets.token_hex(16))

    def commit(self, compare, success, failure=()):
        """Repeats a transaction for a while until its outcome is known."""
        end = clock() + PATIENCE
        while True:
            try:
                return self.etcd.transaction(compare, success, failure)
            except Unreachable as error:
                self.has_failed = True
                if clock() > end:
                    raise Undecided from error

    def authenticate(self, secret):
        """The ID of a live token; `None` if it is not one."""
        if "never-recovers" in self.bugs and self.has_failed:
            raise Undecided
        digest = digest_of(secret)
        found, is_fresh = self.replica.find(digest)
        if is_fresh and (found is not None or "rejects-misses" in self.bugs):
            return found
        begun = clock()
        if "never-refreshes" not in self.bugs and self.replica.confirm():
            found, is_fresh = self.replica.find(digest)
            if is_fresh:
                return found
        found = self.read(digest)
        if clock() - begun > self.bound:
            raise Undecided
        if "never-refreshes" in self.bugs and found is not None:
            self.replica.apply(found, digest, 0)
        return found

    def read(self, digest):
        """What etcd says, if the copy cannot be used."""
        try:
            token = self.etcd.range(f"{self.prefix}/digests/{digest}").value
            live = token and self.etcd.range(self.key("live", int(token))).value
        except Unreachable as error:
            self.has_failed = True
            raise Undecided from error
        return int(token) if live and json.loads(live)["digest"] == digest else None

    def create(self):
        """Creates a token. Returns its ID and its secret."""
        secret = f"apiv3_{secrets.token_urlsafe(64)}"
        digest = digest_of(secret)
        self.created += 1
        if "loses-creations" in self.bugs and self.created % 5 == 0:
            return 10**9 + self.created, secret
        while True:
            try:
                token = int(self.etcd.range(self.key("next-id")).value)
            except Unreachable as error:
                raise Undecided from error
            done = self.commit(
                [e.has_value(self.key("next-id"), str(token))],
                [e.put(self.key("next-id"), str(token + 1)), *self.live(digest, token)],
                [e.get(f"{self.prefix}/digests/{digest}")],
            )
            if not done.succeeded and done.reads[0].value != str(token):
                continue
            if done.succeeded:
                self.replica.apply(token, digest, done.revision, own=True)
            return token, secret

    def delete(self, token, actor, request):
        """Deletes a token, and returns the status of the answer. `request` names the request, or is `None`."""
        mark = f"{actor} {request or secrets.token_hex(16)}"
        live, deleted = self.key("live", token), self.key("deleted", token)
        compare = [e.exists(live)]
        if "trusts-actors" not in self.bugs:
            compare.append(e.exists(self.key("live", actor)))
        success = [e.delete(live), e.put(deleted, mark), self.head()]
        transaction = (compare, success, [e.get(deleted), e.get(self.key("live", actor)), e.get(live)])
        self.deleted += 1
        if "forgets-retries" in self.bugs and self.deleted % 5 == 0:
            # As if the answer were lost.
            self.commit(*transaction)
        done = self.commit(*transaction)
        if done.succeeded:
            self.replica.apply(token, None, done.revision, own=True)
            return 204
        mark_found, actor_found, live_found = (read.value for read in done.reads)
        is_repeated = mark_found == mark and "forgets-retries" not in self.bugs
        if live_found is None and mark_found is not None and (is_repeated or "deletes-twice" in self.bugs):
            return 204
        return 404 if actor_found is not None else 401


def digest_of(secret):
    return hashlib.sha512(secret.encode()).hexdigest()


class Handler(BaseHTTPRequestHandler):
    """Answers on both listeners."""

    protocol_version = "HTTP/1.1"
    node = None

    def do_GET(self):
        self.answer(lambda token: 200)

    def do_DELETE(self):
        token = parse_qs(urlsplit(self.path).query)["id"][0]
        self.answer(lambda actor: self.node.delete(int(token), actor, self.headers["Idempotency-Key"]))

    def answer(self, act):
        try:
            token = self.node.authenticate(self.headers["Authorization"].removeprefix("Bearer "))
            status = 401 if token is None else act(token)
        except Undecided:
            status = 503
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        return


class Control(socketserver.StreamRequestHandler):
    """Answers the one request of the control socket that is needed: to create a token."""

    node = None

    def handle(self):
        for line in self.rfile:
            name = json.loads(line)["create"]["name"]
            try:
                token, secret = self.node.create()
                reply = {"created": {"id": token, "name": name, "token": secret}}
            except Undecided:
                reply = {"refused": {"kind": "unavailable", "reason": "etcd does not answer"}}
            self.wfile.write(json.dumps(reply).encode() + b"\n")


class ControlServer(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True


class Server(ThreadingHTTPServer):
    request_queue_size = 64


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("command", choices=["serve"])
    for option in ("store", "max-staleness", "http-bind", "ops-bind", "data-dir", "admin-token-file"):
        parser.add_argument(f"--{option}", required=True)
    options = parser.parse_args()
    bound = float(options.max_staleness.removesuffix("ms")) / 1000
    node = Node(options.store, bound, os.environ.get("STAND_IN_BUGS", "").split())
    Handler.node = Control.node = node
    operator = json.loads(Path(options.admin_token_file).read_text(encoding="utf-8"))["token"]
    while True:
        try:
            node.start(operator)
            break
        except Undecided:
            continue
    control = Path(options.data_dir) / "control.sock"
    control.unlink(missing_ok=True)
    servers = [ControlServer(str(control), Control)]
    for address in (options.http_bind, options.ops_bind):
        host, _, port = address.rpartition(":")
        servers.append(Server((host, int(port)), Handler))
    for server in servers[1:]:
        threading.Thread(target=server.serve_forever, daemon=True).start()
    servers[0].serve_forever()


if __name__ == "__main__":
    main()
