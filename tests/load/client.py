"""A good client, which deletes one token after the other at a fixed rate and times each answer.

`python3 -m tests.load.client ADDRESS` reads the operator's secret and the IDs to delete from the first two lines of
standard input, and ends at the third. It prints one line of JSON for each deletion: when it was due (seconds on the
monotonic clock), how long it took from then, the status, and how many connections it needed.
"""

import http.client
import json
import selectors
import sys
import time

# Deletions a second.
RATE = 50
# Every so often the client uses a new connection, as a new client would.
DELETIONS_OF_A_CONNECTION = 10
TIMEOUT = 30


def main():
    address = sys.argv[1]
    secret, ids = sys.stdin.readline().strip(), sys.stdin.readline().split()
    stop = selectors.DefaultSelector()
    stop.register(sys.stdin, selectors.EVENT_READ)
    connection = None
    due = time.monotonic()
    for count, token in enumerate(ids):
        due += 1 / RATE
        if stop.select(max(due - time.monotonic(), 0)):
            return
        if connection and count % DELETIONS_OF_A_CONNECTION == 0:
            connection.close()
            connection = None
        status, connections = None, 0
        # The server may close a connection that it has not answered on. It has not read the request then.
        while status is None and connections < 3:
            connection = connection or http.client.HTTPConnection(address, timeout=TIMEOUT)
            connections += 1
            try:
                path = f"/api/v3/configure/token?id={token}"
                connection.request("DELETE", path, headers={"authorization": f"Bearer {secret}"})
                response = connection.getresponse()
                response.read()
                status = response.status
            except (OSError, http.client.HTTPException):
                connection.close()
                connection = None
        taken = time.monotonic() - due
        print(json.dumps({"due": due, "seconds": taken, "status": status, "connections": connections}), flush=True)


if __name__ == "__main__":
    main()
