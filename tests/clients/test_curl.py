"""Tests the server with curl."""

import os
import re
import subprocess
from collections import Counter

from tests.clients.served import Served
from tests.server import BINARY, ROOT

README_ADDRESS = "http://127.0.0.1:8181"
TO_TRY = re.compile(r"and prints what to try next:\n\n```sh\n(.*?)^```", re.DOTALL | re.MULTILINE)


class FromAShell(Served):
    def run_in_folder(self, *command):
        """Runs a command in the server's folder, without the settings of the user who runs the tests."""
        environment = {"HOME": str(self.folder), "PATH": os.environ["PATH"], "no_proxy": "*"}
        done = subprocess.run(command, cwd=self.folder, env=environment, text=True, capture_output=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done


class Readme(FromAShell):
    def test_the_commands_delete_the_token(self):
        # The README assumes a checkout after `make run`. The folder also contains the data.
        program = self.folder / "target" / "release" / "influxdb3-tokens"
        program.parent.mkdir(parents=True)
        program.symlink_to(BINARY)
        [commands] = TO_TRY.findall((ROOT / "README.md").read_text(encoding="utf-8"))
        self.assertIn(README_ADDRESS, commands)
        commands = commands.replace(README_ADDRESS, self.server.address)
        deletion = commands.splitlines()[-1]

        printed = self.run_in_folder("bash", "-euc", commands + deletion).stdout
        self.assertEqual(re.findall(r"^HTTP/1\.1 (\d+)", printed, re.MULTILINE), ["204", "404"])
        created = re.search(r"^Token: +(\S+)", printed, re.MULTILINE)[1]
        as_credential = deletion.replace("$TOKEN", created)
        self.assertRegex(self.run_in_folder("bash", "-euc", as_credential).stdout, r"^HTTP/1\.1 401 ")


class Curl(FromAShell):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.url = f"{cls.server.address}/api/v3/configure/token"
        cls.bearer = ("-H", f"Authorization: Bearer {cls.server.operator}")

    def test_tokens_are_deleted_over_http_1_and_http_2(self):
        for option, version in (("--http1.1", "1.1"), ("--http2-prior-knowledge", "2")):
            with self.subTest(option):
                answer = self.curl(option, *self.bearer, self.token(option), write="%{http_code} over %{http_version}")
                self.assertEqual(answer, f"204 over {version}")

    def test_the_option_oauth2_bearer_authenticates(self):
        self.assertEqual(self.curl("--oauth2-bearer", self.server.operator, self.token()), "204")

    def test_schemes_that_the_operation_does_not_list_are_rejected(self):
        token, secret = self.token(), self.server.operator
        self.assertEqual(self.curl("-u", f"user:{secret}", token), "401")
        self.assertEqual(self.curl(f"{token}&p={secret}"), "401")
        self.assertEqual(self.curl(f"{token}&u=user&p={secret}"), "401")
        self.assertEqual(self.curl("-H", f"Authorization: Token {secret}", token), "401")
        self.assertEqual(self.curl(*self.bearer, token), "204")

    def test_other_methods_are_rejected_with_the_allowed_ones(self):
        for request in (["-I"], ["-X", "OPTIONS"], ["-X", "GET"], ["--data", "id=1"], ["-T", "/dev/null"]):
            with self.subTest(request):
                command = ["curl", "-sS", "-D", "-", "-o", "/dev/null", *request, f"{self.url}?id=1"]
                headers = self.run_in_folder(*command).stdout
                self.assertRegex(headers, r"^HTTP/1\.1 405 ")
                self.assertRegex(headers, r"(?mi)^allow: DELETE\r?$")

    def test_a_body_is_ignored_and_the_connection_stays_open(self):
        urls = [self.token("first"), self.token("second")]
        answers = self.curl(*self.bearer, "--data", '{"id": "1"}', *urls, write="%{http_code} %{num_connects}\n")
        self.assertEqual(answers.splitlines(), ["204 1", "204 0"])

    def test_the_server_does_not_wait_for_a_body_after_expect_100_continue(self):
        (self.folder / "body").write_bytes(bytes(100_000))
        body = ("-H", "Expect: 100-continue", "--data-binary", "@body")
        self.assertEqual(self.curl(*self.bearer, *body, self.token()), "204")
        self.assertEqual(self.curl(*body, f"{self.url}?id=1"), "401")

    def test_only_one_of_parallel_deletions_of_a_token_succeeds(self):
        for option in ("--http1.1", "--http2-prior-knowledge"):
            with self.subTest(option):
                deletions = [self.token(option)] * 40
                at_once = (option, "-Z", "--parallel-immediate")
                answers = self.curl(*at_once, *self.bearer, *deletions, write="%{http_code}\n")
                self.assertEqual(Counter(answers.splitlines()), {"204": 1, "404": 39})

    def curl(self, *arguments, write="%{http_code}"):
        """Sends a DELETE. Returns the output of `-w` for each response, without the bodies."""
        command = ["curl", "-sS", "--no-progress-meter", "-X", "DELETE", "-w", f"%{{stderr}}{write}"]
        return self.run_in_folder(*command, *arguments).stderr

    def token(self, *options):
        """Creates a token, and returns the URL that deletes it."""
        return f"{self.url}?id={self.new_id(*options)}"
