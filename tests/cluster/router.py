"""The network between the machines of a test: a router that can cut, slow down and lose.

Each machine has a TUN device, whose packets come to this process. It hands each on to the machine whose address is its
destination, by the rule of that direction: drop it, keep it for a while, or lose a share. So a cut is one way or both
ways, and TCP behaves as it does over a bad wire; the kernel needs no traffic control and no packet filter.

`python3 -m tests.cluster.router SEED DEVICE...` makes the devices, of the machines with the addresses 10.77.0.1,
10.77.0.2 and so on, prints a line, and reads rules from standard input, one line of JSON each. It ends with its input.
"""

import fcntl
import heapq
import json
import os
import random
import selectors
import struct
import sys
import time

TUNSETIFF = 0x400454CA
IFF_TUN, IFF_NO_PI = 0x0001, 0x1000
PACKET = 65536
# The last byte of the source and of the destination in the header of IPv4.
SOURCE, DESTINATION = 15, 19
NO_RULE = {"cut": False, "delay": 0.0, "jitter": 0.0, "loss": 0.0}


class Router:
    def __init__(self, seed, devices):
        self.random = random.Random(seed)
        self.devices = {number: tun(name) for number, name in enumerate(devices, 1)}
        # By source and destination.
        self.rules = {}
        # When to hand on, a counter that keeps the order, the destination, and the packet.
        self.delayed = []
        self.count = 0

    def serve(self, rules):
        """Hands packets on until `rules`, a file without a buffer, ends."""
        selector = selectors.DefaultSelector()
        selector.register(rules, selectors.EVENT_READ)
        for device in self.devices.values():
            selector.register(device, selectors.EVENT_READ)
        unread = b""
        while True:
            wait = max(self.delayed[0][0] - time.monotonic(), 0) if self.delayed else None
            for key, _ in selector.select(wait):
                if key.fileobj is not rules:
                    self.receive(key.fd)
                elif read := os.read(key.fd, PACKET):
                    *lines, unread = (unread + read).split(b"\n")
                    for line in lines:
                        self.obey(json.loads(line))
                else:
                    return
            while self.delayed and self.delayed[0][0] <= time.monotonic():
                self.send(*heapq.heappop(self.delayed)[2:])

    def obey(self, rule):
        """`{}` removes every rule; another replaces the one of its direction."""
        if rule:
            self.rules[rule["from"], rule["to"]] = {**NO_RULE, **rule}
        else:
            self.rules.clear()
        # The sender goes on when the rule holds.
        print("done", flush=True)

    def receive(self, device):
        # So many at a time that no other device waits long.
        for _ in range(64):
            try:
                packet = os.read(device, PACKET)
            except OSError:
                return
            # Version 4; the machines use no other.
            if len(packet) > DESTINATION and packet[0] >> 4 == 4:
                self.hand_on(packet)

    def hand_on(self, packet):
        rule = self.rules.get((packet[SOURCE], packet[DESTINATION]))
        if rule is None:
            self.send(packet[DESTINATION], packet)
        elif not rule["cut"] and self.random.random() >= rule["loss"]:
            due = time.monotonic() + rule["delay"] + self.random.uniform(0, rule["jitter"])
            self.count += 1
            heapq.heappush(self.delayed, (due, self.count, packet[DESTINATION], packet))

    def send(self, destination, packet):
        device = self.devices.get(destination)
        if device is not None:
            try:
                os.write(device, packet)
            except OSError:
                # The device is down, or its queue is full. A network may lose packets.
                return


def tun(name):
    """Makes a device, which exists until the descriptor is closed."""
    device = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(device, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TUN | IFF_NO_PI))
    return device


def main():
    router = Router(sys.argv[1], sys.argv[2:])
    print("ready", flush=True)
    router.serve(sys.stdin.buffer.raw)


if __name__ == "__main__":
    main()
