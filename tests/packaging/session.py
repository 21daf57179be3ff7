"""Uses an installed server as its administrator would: starts it, creates a token, deletes it over HTTP, stops it."""

import contextlib
import json
import subprocess
import urllib.error
import urllib.request
from typing import NamedTuple

from tests.limits import within

PATH = "/api/v3/configure/token"


class Addresses(NamedTuple):
    address: str
    operations: str


class Installed:
    """An installed command. `prefix` runs it where it is installed, with `environment` and nothing else."""

    def __init__(self, prefix, environment, program="influxdb3-tokens"):
        self.prefix, self.environment, self.program = [*map(str, prefix)], environment, str(program)

    def command(self, *arguments):
        variables = [f"{name}={value}" for name, value in self.environment.items()]
        return ["env", "-i", *variables, *self.prefix, self.program, *map(str, arguments)]

    def run(self, *arguments):
        """Runs the command. Returns its exit code and its output."""
        done = subprocess.run(self.command(*arguments), capture_output=True, text=True, timeout=60)
        return done.returncode, done.stdout + done.stderr

    def created(self, *options):
        """Creates a token. Returns it as the document's AdminTokenObject."""
        code, output = self.run("create", "--format", "json", *options)
        assert code == 0, output
        return json.loads(output)

    def terminate(self):
        """Sends SIGTERM to the server that `serving` started."""
        self.process.terminate()

    def serve(self, *arguments):
        """The command line that `serving` starts."""
        return self.command(*arguments)

    @contextlib.contextmanager
    def serving(self, *arguments):
        """Runs `serve` with these arguments, on free ports. Yields its addresses. The server must stop on SIGTERM."""
        command = self.serve(*arguments)
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
            self.process = process
            try:
                with within(60, "the server to listen"):
                    lines = [process.stdout.readline().strip().partition(" on ") for _ in range(2)]
                assert [line[0] for line in lines] == ["listening", "operations"], process.stderr.read()
                yield Addresses(*(line[2] for line in lines))
                self.terminate()
                _, log = process.communicate(timeout=30)
            finally:
                process.kill()
        assert process.returncode == 0, log
        assert "the sandbox is in force" in log, log


def delete(address, token_id, secret):
    """Sends the document's request. Returns the status."""
    request = urllib.request.Request(f"{address}{PATH}?id={token_id}", method="DELETE")
    request.add_header("Authorization", f"Bearer {secret}")
    return status(request)


def status(request):
    """The status of the response to a request, which goes to no proxy."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=30) as response:
            return response.status
    except urllib.error.HTTPError as error:
        return error.code


def use(test, installed, address, operator=None):
    """Creates a token and deletes it over HTTP. Returns the operator token."""
    test.assertEqual(installed.run("healthcheck"), (0, ""))
    operator = operator or installed.created("--admin")
    token = installed.created("--name", "sensor", "--permission", "db:sensors:read")
    test.assertEqual(delete(address, token["id"], token["token"]), 401)
    test.assertEqual(delete(address, token["id"], operator["token"]), 204)
    test.assertEqual(delete(address, token["id"], operator["token"]), 404)
    return operator
