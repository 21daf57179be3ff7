"""Clients that create, use and delete tokens through all nodes, and write down what they see."""

import contextlib
import http.client
import itertools
import json
import random
import secrets
import socket
import threading
import time
from collections import deque
from dataclasses import dataclass

from tests.cluster import history as h
from tests.cluster.checker import OPERATOR
from tests.cluster.cluster import API, OPERATIONS
from tests.cluster.cluster import OPERATOR as OPERATOR_SECRET

# For each node: clients that do everything, and clients that only try tokens which the node knows and others delete.
# Those go on while a node that is cut off lets everybody wait who brings it something new.
WORKERS, PROBERS = 5, 3
# How much one client may leave for those of another node to do.
QUEUE = 100
MOST_LIVE = 60
# How long a client waits for an answer: longer than any pause of the nemesis, to see what a node answers that wakes up.
TIMEOUT = 8
# How often a client sends a deletion again whose outcome is unknown.
REPETITIONS = 4
# How many tokens are compared at the end, and for how long, in seconds.
MOST_COMPARED, COMPARISON = 3000, 60
# An ID that no token has.
UNKNOWN_ID = 10**15


@dataclass(eq=False)
class Token:
    number: int
    # The ID and the secret that the node gave it.
    id: int
    secret: str


class Pool:
    """The tokens that clients know. A restore of etcd makes them forget those that it may have changed."""

    def __init__(self):
        self.lock = threading.Lock()
        self.operator = Token(OPERATOR, 0, OPERATOR_SECRET)
        self.live, self.doomed, self.all = [], deque(maxlen=40), []
        self.numbers = itertools.count(1)

    def add(self, id, secret):
        with self.lock:
            token = Token(next(self.numbers), id, secret)
            self.live.append(token)
            self.all.append(token)
        return token

    def doom(self, token):
        with self.lock, contextlib.suppress(ValueError):
            self.live.remove(token)
            self.doomed.append(token)

    def some(self, random, live):
        """A token at random, one that lives or one that somebody wants to delete; `None` if there is none."""
        with self.lock:
            tokens = self.live if live else self.doomed
            return random.choice(tokens) if tokens else None

    def forget(self):
        with self.lock:
            self.live.clear()
            self.doomed.clear()


class Clients:
    """Works from `start` to `stop`, and not while it is `held`."""

    def __init__(self, cluster, history, seed):
        self.cluster, self.history, self.pool = cluster, history, Pool()
        self.changed = threading.Condition()
        # For each node: what its clients do next, and the tokens that it has accepted and not refused since.
        self.queues = {node: deque(maxlen=QUEUE) for node in cluster.nodes}
        self.known = {node: {} for node in cluster.nodes}
        self.is_open, self.is_over, self.busy = True, False, 0
        kinds = [Worker] * WORKERS + [Prober] * PROBERS
        self.workers = [
            kind(self, node, f"{seed} {node.name} {number}")
            for node in cluster.nodes
            for number, kind in enumerate(kinds)
        ]

    def start(self):
        for worker in self.workers:
            worker.start()

    def stop(self):
        with self.changed:
            self.is_over = True
        for worker in self.workers:
            worker.join()

    @contextlib.contextmanager
    def turn(self):
        """A turn of a worker, which waits while the clients are held."""
        with self.changed:
            self.changed.wait_for(lambda: self.is_open)
            self.busy += 1
        try:
            yield
        finally:
            with self.changed:
                self.busy -= 1
                self.changed.notify_all()

    @contextlib.contextmanager
    def held(self):
        """No request is under way in the block, and no client remembers a token after it."""
        with self.changed:
            self.is_open = False
            self.changed.wait_for(lambda: self.busy == 0)
        yield
        with self.changed:
            self.pool.forget()
            for node in self.cluster.nodes:
                self.queues[node].clear()
                self.known[node].clear()
            self.is_open = True
            self.changed.notify_all()

    def compare(self):
        """Asks every node about every token, until each has an answer or a while is over."""
        end = h.now() + COMPARISON
        comparisons = [threading.Thread(target=self.compare_node, args=(node, end)) for node in self.cluster.nodes]
        for comparison in comparisons:
            comparison.start()
        for comparison in comparisons:
            comparison.join()

    def compare_node(self, node, end):
        worker = Worker(self, node, "")
        for token in [self.pool.operator, *self.pool.all[-MOST_COMPARED:]]:
            while (event := worker.asked(token, h.COMPARED)).outcome not in (h.ACCEPTED, h.REJECTED):
                if h.now() > end:
                    break
                time.sleep(0.05)
            self.history.add(event)

    def is_available(self, node):
        """Whether a node authenticates, creates and deletes."""
        if self.cluster.verify(node, OPERATOR_SECRET) != 200:
            return False
        created = create(self.cluster.control_socket(node), f"probe-{secrets.token_hex(8)}", timeout=3)
        path = f"/api/v3/configure/token?id={created[0]}" if created else None
        return path is not None and self.cluster.ask(node, API, "DELETE", path, OPERATOR_SECRET) == 204


class Worker(threading.Thread):
    """A client of one node. It leaves to those of other nodes what is to be done there, and never waits for them."""

    # The longest that it waits between two requests, in seconds.
    pause = 0.03
    timeout = TIMEOUT

    def __init__(self, clients, node, seed):
        super().__init__(daemon=True)
        self.clients, self.node = clients, node
        self.history, self.pool = clients.history, clients.pool
        self.random = random.Random(seed)
        self.connections = {}

    def run(self):
        while not self.clients.is_over:
            with self.clients.turn():
                self.work()
            time.sleep(self.random.uniform(0, self.pause))

    def work(self):
        with contextlib.suppress(IndexError):
            return self.clients.queues[self.node].popleft()(self)
        chance = self.random.random()
        if chance < 0.2 and len(self.pool.live) < MOST_LIVE:
            self.create()
        elif chance < 0.32:
            token = self.pool.some(self.random, live=self.random.random() < 0.6)
            if token:
                self.pool.doom(token)
                self.delete(token, self.actor())
        else:
            token = self.pool.some(self.random, live=self.random.random() < 0.5)
            if token:
                self.use(token)

    def leave(self, task, node=None):
        """Leaves something to do to the clients of a node."""
        node = node or self.random.choice(self.clients.cluster.nodes)
        self.clients.queues[node].append(task)

    def create(self):
        invoked = h.now()
        created = create(self.clients.cluster.control_socket(self.node), f"token-{self.random.getrandbits(64):x}")
        returned = h.now()
        token = self.pool.add(*created) if created else None
        outcome = h.CREATED if token else h.UNKNOWN
        number = token.number if token else None
        self.history.add(h.Event(h.CREATE, outcome, invoked, returned, self.node.name, number))
        if token:
            # Other nodes may not have heard of it yet.
            self.leave(lambda worker: worker.use(token))

    def use(self, token):
        event = self.asked(token, h.USE)
        self.history.add(event)
        known = self.clients.known[self.node]
        if event.outcome == h.ACCEPTED:
            known[token] = None
        else:
            known.pop(token, None)

    def asked(self, token, op):
        """Asks the node whether it accepts the token, or has the token delete what does not exist."""
        invoked = h.now()
        if op == h.COMPARED or self.random.random() < 0.8:
            status = self.ask(OPERATIONS, "GET", "/verify", token)
        else:
            status = self.ask(API, "DELETE", f"/api/v3/configure/token?id={UNKNOWN_ID}", token)
        outcome = {200: h.ACCEPTED, 404: h.ACCEPTED, 401: h.REJECTED, 503: h.UNDECIDED}.get(status, h.UNKNOWN)
        return h.Event(op, outcome, invoked, h.now(), self.node.name, token.number)

    def actor(self):
        """On whose behalf to delete: the operator, or another token, which may be dead."""
        token = None
        if self.random.random() < 0.3:
            token = self.pool.some(self.random, live=self.random.random() < 0.5)
        return token or self.pool.operator

    def delete(self, token, actor, request=None, repetitions=REPETITIONS):
        """Deletes a token on behalf of another. If the outcome is unknown, that is repeated at some node."""
        request = request or f"{self.random.getrandbits(64):x}"
        invoked = h.now()
        path = f"/api/v3/configure/token?id={token.id}"
        status = self.ask(API, "DELETE", path, actor, {"Idempotency-Key": request})
        outcome = {204: h.DELETED, 404: h.ABSENT, 401: h.REJECTED, 503: h.UNDECIDED}.get(status, h.UNKNOWN)
        returned = h.now()
        self.history.add(
            h.Event(h.DELETE, outcome, invoked, returned, self.node.name, token.number, actor.number, request)
        )
        if outcome in (h.UNDECIDED, h.UNKNOWN) and repetitions:
            self.leave(lambda worker: worker.delete(token, actor, request, repetitions - 1))
        elif outcome == h.DELETED and self.random.random() < 0.3:
            for node in self.clients.cluster.nodes:
                self.leave(lambda worker: worker.avenge(token), node)

    def avenge(self, dead):
        """Tries to delete another token on behalf of one that the node may not know to be dead."""
        token = self.pool.some(self.random, live=True)
        if token:
            self.pool.doom(token)
            self.delete(token, dead)

    def ask(self, port, method, path, token, headers=()):
        """The status of the answer; `None` without one."""
        connection = self.connections.pop(port, None)
        connection = connection or http.client.HTTPConnection(self.node.outside, port, timeout=self.timeout)
        try:
            connection.request(method, path, headers={"Authorization": f"Bearer {token.secret}", **dict(headers)})
            response = connection.getresponse()
            response.read()
        except (OSError, http.client.HTTPException):
            connection.close()
            return None
        self.connections[port] = connection
        return response.status


class Prober(Worker):
    """A client that only tries tokens that its node knows, and that are being deleted or were. A node that accepts one
    from its copy does so at once.
    """

    pause = 0.1
    timeout = 0.3

    def work(self):
        known = self.clients.known[self.node]
        with self.pool.lock:
            tokens = [token for token in self.pool.doomed if token in known]
        if tokens:
            self.use(self.random.choice(tokens))


def create(control_socket, name, timeout=TIMEOUT):
    """Creates an admin token as the command does, and returns its ID and its secret; `None` without an answer."""
    request = {"create": {"name": name, "description": None, "permissions": "*:*:*", "expires_in": None}}
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(timeout)
        try:
            connection.connect(str(control_socket))
            connection.sendall(json.dumps(request).encode() + b"\n")
            with connection.makefile() as replies:
                created = json.loads(replies.readline() or "{}").get("created")
        except (OSError, ValueError):
            return None
    return (created["id"], created["token"]) if created else None
