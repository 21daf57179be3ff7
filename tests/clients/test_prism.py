"""The generated client, Prism, and the server; and what Prism says of a server that breaks the contract."""

import threading
import unittest
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from influxdb3_client import ApiClient, AuthTokenApi, Configuration

from tests.clients import prism, test_python_client
from tests.clients.served import entered

JSON = "application/json"
TRUTHS = {
    "a deletion": (204, None, b""),
    "no such token": (404, None, b""),
    "an error": (401, JSON, b'{"error":"no","data":null}'),
}
LIES = {
    "another success": (200, None, b""),
    "another failure": (503, JSON, b'{"error": "no"}'),
    "a text": (401, "text/plain", b"no"),
    "another body": (401, JSON, b'{"error": 7}'),
}


class ThroughPrism(test_python_client.PythonClient):
    """The same tests, and no response breaks the contract.

    Prism answers for the server where a response does, and where a request does. Some requests are wrong on purpose:
    with these, it only watches.
    """

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.address = entered(cls, prism.proxying(cls.server.address, "--errors"))
        cls.address_of_wrong_requests = entered(cls, prism.proxying(cls.server.address))

    def check(self, headers):
        self.assertEqual(prism.violations(headers, of="response"), [])
        # Those of Prism have none of these headers.
        super().check(headers)


class Liar(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.upstream = entered(cls, ThreadingHTTPServer(("127.0.0.1", 0), Answers))
        cls.upstream.asked = []
        threading.Thread(target=cls.upstream.serve_forever, daemon=True).start()
        cls.addClassCleanup(cls.upstream.shutdown)
        cls.address = entered(cls, prism.proxying(f"http://127.0.0.1:{cls.upstream.server_port}", "--errors"))

    def setUp(self):
        self.upstream.asked.clear()

    def test_what_the_document_declares_is_no_violation(self):
        for truth, (status, _, body) in TRUTHS.items():
            with self.subTest(truth):
                answer = self.ask(truth)
                self.assertEqual((answer.status, answer.data), (status, body))
                self.assertEqual(prism.violations(answer.headers, of="response"), [])
        self.assertEqual(len(self.upstream.asked), len(TRUTHS))

    def test_what_the_document_does_not_declare_is_a_violation(self):
        for lie in LIES:
            with self.subTest(lie):
                answer = self.ask(lie)
                self.assertGreaterEqual(answer.status, 500)
                self.assertTrue(prism.violations(answer.headers, of="response"))
        self.assertEqual(len(self.upstream.asked), len(LIES))

    def test_a_wrong_request_does_not_reach_the_server(self):
        self.assertEqual(self.ask("a deletion", token=None).status, 401)
        self.assertEqual(self.ask(None).status, 422)
        self.assertEqual(self.upstream.asked, [])

    def ask(self, token_id, token="any"):
        api = AuthTokenApi(ApiClient(Configuration(host=self.address, access_token=token)))
        # Below the client's own check of the ID.
        return AuthTokenApi.delete_token_without_preload_content.__wrapped__(api, token_id)


class Answers(BaseHTTPRequestHandler):
    """Answers with what the ID names."""

    def do_DELETE(self):
        self.server.asked.append(self.path)
        token_id = self.path.partition("?id=")[2].replace("+", " ").replace("%20", " ")
        status, content_type, body = (TRUTHS | LIES)[token_id]
        self.send_response(status)
        if content_type:
            self.send_header("content-type", content_type)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass
