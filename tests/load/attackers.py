"""Clients without a credential that hold connections of a server, each in one of several ways.

`python3 -m tests.load.attackers ADDRESS KIND=COUNT ...` runs them until its standard input ends. Each kind spreads over
many addresses of the loopback network. A connection that the server closes is opened again, at a bounded rate. At the
end it prints how many connections each kind opened, and how many it held, as JSON.
"""

import contextlib
import errno
import json
import resource
import selectors
import socket
import sys
import time

# The loopback addresses of the attackers: 127.0.1.1 to 127.0.1.250.
SOURCES = 250
# Connections that are opened in one step, which takes 10 ms.
OPENED_AT_ONCE = 100
REQUEST = (
    b"DELETE /api/v3/configure/token?id=1 HTTP/1.1\r\nhost: x\r\nauthorization: Bearer apiv3_" + b"A" * 86 + b"\r\n\r\n"
)
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"


class Attacker:
    """One connection. By default it says nothing, and reads what arrives."""

    # How often `tick` is called, in seconds.
    interval = 1.0
    reads = True

    def __init__(self, connection):
        self.connection = connection

    def start(self):
        """The connection is established."""

    def tick(self):
        """The interval has passed."""

    def received(self, received):
        """Bytes have arrived."""

    def send(self, sent):
        """Sends as much as the connection takes."""
        with contextlib.suppress(BlockingIOError):
            self.connection.send(sent)


class Idle(Attacker):
    """Sends nothing."""


class Kept(Attacker):
    """Sends one request, and keeps the connection afterwards."""

    def start(self):
        self.send(REQUEST)


class Slow(Attacker):
    """Sends a head one byte a second."""

    def start(self):
        self.send(b"GET / HTTP/1.1\r\nhost: x\r\nx: ")

    def tick(self):
        self.send(b"a")


class Large(Attacker):
    """Sends a head without an end, 4 KB a second."""

    def start(self):
        self.send(b"GET / HTTP/1.1\r\nhost: x\r\n")

    def tick(self):
        self.send(b"x: " + b"a" * 4091 + b"\r\n")


class Deaf(Attacker):
    """Sends requests and never reads a response."""

    reads = False

    def tick(self):
        self.send(REQUEST * 50)

    start = tick


class Flood(Attacker):
    """Sends requests with an unknown token, each as soon as the previous one is answered."""

    def start(self):
        self.send(REQUEST)

    def received(self, received):
        if b"HTTP/1.1 " in received:
            self.send(REQUEST)


class Window(Attacker):
    """Opens 200 HTTP/2 streams whose responses it gives no window, and answers pings."""

    def start(self):
        self.received_part = b""
        # The initial window of each stream is 0.
        self.send(PREFACE + frame(4, 0, 0, b"\x00\x04\x00\x00\x00\x00"))
        for stream in range(1, 401, 2):
            # GET, http, / and the authority x, with END_STREAM and END_HEADERS.
            self.send(frame(1, 5, stream, b"\x82\x86\x84\x41\x01x"))

    def received(self, received):
        self.received_part += received
        while len(self.received_part) >= 9:
            length = int.from_bytes(self.received_part[:3], "big")
            if len(self.received_part) < 9 + length:
                break
            kind, flags = self.received_part[3:5]
            payload, self.received_part = self.received_part[9 : 9 + length], self.received_part[9 + length :]
            if kind == 6 and flags & 1 == 0:
                self.send(frame(6, 1, 0, payload))
            elif kind == 4 and flags & 1 == 0:
                self.send(frame(4, 1, 0, b""))


def frame(kind, flags, stream, payload):
    return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload


KINDS = {kind.__name__.lower(): kind for kind in (Idle, Kept, Slow, Large, Deaf, Flood, Window)}


class Attack:
    """All connections of one run."""

    def __init__(self, address, counts):
        self.address = address
        self.selector = selectors.DefaultSelector()
        self.to_open = [kind for name, count in counts.items() for kind in [KINDS[name]] * count]
        self.open = set()
        self.opened = dict.fromkeys(counts, 0)
        self.source = 0
        self.ticks = {}

    def run(self):
        """Attacks until standard input ends."""
        self.selector.register(sys.stdin, selectors.EVENT_READ)
        while True:
            for _ in range(min(OPENED_AT_ONCE, len(self.to_open))):
                self.connect(self.to_open.pop())
            for key, events in self.selector.select(0.01):
                if key.fileobj is sys.stdin:
                    return
                self.serve(key.data, events)
            self.tick()

    def connect(self, kind):
        connection = socket.socket()
        connection.setblocking(False)
        if not kind.reads:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.source = (self.source + 1) % SOURCES
        connection.setsockopt(socket.IPPROTO_IP, getattr(socket, "IP_BIND_ADDRESS_NO_PORT", 24), 1)
        connection.bind((f"127.0.1.{self.source + 1}", 0))
        failed = connection.connect_ex(self.address)
        if failed not in (0, errno.EINPROGRESS):
            connection.close()
            self.to_open.insert(0, kind)
            return
        attacker = kind(connection)
        self.open.add(attacker)
        self.selector.register(connection, selectors.EVENT_WRITE, attacker)

    def serve(self, attacker, events):
        try:
            if events & selectors.EVENT_WRITE:
                failed = attacker.connection.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
                if failed:
                    raise OSError(failed, "cannot connect")
                self.opened[type(attacker).__name__.lower()] += 1
                self.ticks[attacker] = time.monotonic()
                attacker.start()
                if attacker.reads:
                    self.selector.modify(attacker.connection, selectors.EVENT_READ, attacker)
                else:
                    self.selector.unregister(attacker.connection)
            elif events & selectors.EVENT_READ:
                received = attacker.connection.recv(65536)
                if not received:
                    raise ConnectionResetError
                attacker.received(received)
        except OSError:
            self.close(attacker)

    def tick(self):
        now = time.monotonic()
        for attacker, last in list(self.ticks.items()):
            if now - last >= attacker.interval:
                self.ticks[attacker] = now
                try:
                    attacker.tick()
                except OSError:
                    self.close(attacker)

    def close(self, attacker):
        with contextlib.suppress(KeyError):
            self.selector.unregister(attacker.connection)
        attacker.connection.close()
        self.open.discard(attacker)
        self.ticks.pop(attacker, None)
        self.to_open.insert(0, type(attacker))

    def held(self):
        """How many connections each kind has open."""
        held = dict.fromkeys(self.opened, 0)
        for attacker in self.ticks:
            held[type(attacker).__name__.lower()] += 1
        return held


def main():
    host, _, port = sys.argv[1].rpartition(":")
    counts = {name: int(count) for name, _, count in (argument.partition("=") for argument in sys.argv[2:])}
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    attack = Attack((host, int(port)), counts)
    attack.run()
    print(json.dumps({"opened": attack.opened, "held": attack.held()}))


if __name__ == "__main__":
    main()
