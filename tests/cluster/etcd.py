"""A client of etcd's JSON gateway, which is on the same port as its other API."""

import base64
import http.client
import json
import threading

# A status code of gRPC.
OUT_OF_RANGE = 11


class Unreachable(Exception):
    """No member answered in time, or one answered with an error. A transaction may have been committed."""


class OutOfRange(Exception):
    """The revision was compacted, or does not exist yet."""


class Etcd:
    """`members` are pairs of host and port. Calls go to the one that answered last."""

    def __init__(self, members, timeout):
        self.members, self.timeout = list(members), timeout
        self.preferred = 0
        self.connections = threading.local()

    def call(self, path, body):
        """Asks one member after the other."""
        failure = None
        for _ in self.members:
            number = self.preferred
            try:
                return self.call_member(number, path, body)
            except Unreachable as error:
                failure = error
                self.preferred = (number + 1) % len(self.members)
        raise failure

    def call_member(self, number, path, body):
        kept = self.connections.__dict__
        # A connection that was not used for a while may be closed.
        for connection in (kept.pop(number, None), None):
            try:
                if connection is None:
                    connection = http.client.HTTPConnection(*self.members[number], timeout=self.timeout)
                connection.request("POST", path, json.dumps(body))
                response = connection.getresponse()
                answer = json.loads(response.read())
            except (http.client.RemoteDisconnected, BrokenPipeError, ConnectionResetError) as error:
                failure = error
                connection.close()
                continue
            except (OSError, ValueError, http.client.HTTPException) as error:
                connection.close()
                raise Unreachable(str(error)) from error
            if response.status != 200 or "error" in answer:
                connection.close()
                raise (OutOfRange if answer.get("code") == OUT_OF_RANGE else Unreachable)(str(answer))
            kept[number] = connection
            return answer
        raise Unreachable(str(failure)) from failure

    def range(self, key, end=None, revision=0):
        """A linearizable read of one key, or of all from `key` up to `end`."""
        return Read(self.call("/v3/kv/range", get(key, end, revision)["request_range"]))

    def transaction(self, compare, success, failure=()):
        body = {"compare": list(compare), "success": list(success), "failure": list(failure)}
        return Transaction(self.call("/v3/kv/txn", body))

    def compact(self, revision):
        self.call("/v3/kv/compaction", {"revision": str(revision), "physical": True})


class Read:
    """What a read found: pairs of key and entry."""

    def __init__(self, answer):
        self.revision = int(answer["header"]["revision"]) if "header" in answer else None
        self.entries = [(text(entry["key"]), Entry(entry)) for entry in answer.get("kvs", ())]

    @property
    def value(self):
        """The value of the one key; `None` if it does not exist."""
        return self.entries[0][1].value if self.entries else None


class Entry:
    def __init__(self, entry):
        self.value = text(entry.get("value", ""))
        self.revision = int(entry["mod_revision"])


class Transaction:
    def __init__(self, answer):
        self.revision = int(answer["header"]["revision"])
        self.succeeded = answer.get("succeeded", False)
        self.reads = [Read(part["response_range"]) for part in answer.get("responses", ()) if "response_range" in part]


def exists(key):
    return {"key": encoded(key), "target": "VERSION", "result": "GREATER", "version": "0"}


def is_missing(key):
    return {"key": encoded(key), "target": "VERSION", "result": "EQUAL", "version": "0"}


def has_value(key, value):
    return {"key": encoded(key), "target": "VALUE", "result": "EQUAL", "value": encoded(value)}


def put(key, value):
    return {"request_put": {"key": encoded(key), "value": encoded(value)}}


def delete(key):
    return {"request_delete_range": {"key": encoded(key)}}


def get(key, end=None, revision=0):
    wanted = {"key": encoded(key), "revision": str(revision)}
    if end is not None:
        wanted["range_end"] = encoded(end)
    return {"request_range": wanted}


def end_of(prefix):
    """The key after all that begin with this prefix."""
    return prefix[:-1] + chr(ord(prefix[-1]) + 1)


def encoded(value):
    return base64.b64encode(value.encode()).decode()


def text(value):
    return base64.b64decode(value).decode()
