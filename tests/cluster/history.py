"""The history of a run: what was asked of the nodes, when, and what they answered."""

import json
import threading
import time
from dataclasses import asdict, dataclass

# What is done to the cluster, rather than asked of a node.
FAULT, HEALED, SNAPSHOT, RESTORE, COMPARED = "fault", "healed", "snapshot", "restore", "compared"
# What is asked of a node.
CREATE, USE, DELETE = "create", "use", "delete"

# Outcomes of each.
CREATED = "created"
# Of a use. A node that does not know answers 503.
ACCEPTED, REJECTED, UNDECIDED = "accepted", "rejected", "undecided"
# Of a deletion, besides REJECTED and UNDECIDED, which are about the actor.
DELETED, ABSENT = "deleted", "absent"
# No answer arrived, so that the request may have any effect, also later.
UNKNOWN = "unknown"
# Of a healing: whether all nodes were available in time.
AVAILABLE, LATE = "available", "late"


@dataclass(frozen=True, slots=True)
class Event:
    """Times are seconds on the clock of the machine that counts suspended time. A token is a number that the clients
    gave it, since IDs may come again after a restore of etcd.
    """

    op: str
    outcome: str
    invoked: float
    returned: float
    node: str | None = None
    token: int | None = None
    # Of a deletion: the token that asks for it, and the request, which the client may have sent several times.
    actor: int | None = None
    request: str | None = None
    # Of a fault or a snapshot: which.
    detail: str | None = None

    def __str__(self):
        fields = {name: value for name, value in asdict(self).items() if value is not None}
        return json.dumps(fields)


class History:
    def __init__(self, file):
        self.file = open(file, "w", encoding="utf-8")  # noqa: SIM115
        self.lock = threading.Lock()
        self.events = []

    def add(self, event):
        with self.lock:
            self.events.append(event)
            self.file.write(f"{event}\n")

    def so_far(self):
        with self.lock:
            return list(self.events)

    def close(self):
        self.file.close()


def now():
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def read(file):
    with open(file, encoding="utf-8") as lines:
        return [Event(**json.loads(line)) for line in lines]
