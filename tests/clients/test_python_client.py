"""Tests the server with a Python client from openapi-generator-cli."""

import uuid

from influxdb3_client import ApiClient, AuthTokenApi, Configuration, ErrorMessage
from influxdb3_client.exceptions import BadRequestException, NotFoundException, UnauthorizedException

from tests.clients.served import Served

UNKNOWN = "999999"


class RecordingClient(ApiClient):
    """The generated client, which records the responses."""

    def __init__(self, answers, **configuration):
        super().__init__(Configuration(**configuration))
        self.answers = answers

    def call_api(self, *arguments, **options):
        answer = super().call_api(*arguments, **options)
        self.answers.append(answer)
        return answer


class PythonClient(Served):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.address = cls.server.address

    def setUp(self):
        self.answers = []

    def tearDown(self):
        self.assertTrue(self.answers, "no request was sent")
        for answer in self.answers:
            self.check(answer.getheaders())

    def check(self, headers):
        """Checks that the server itself sent the response, which holds for every response."""
        uuid.UUID(headers["cluster-uuid"])
        self.assertTrue(headers["x-span-id"])

    def test_a_deleted_token_is_rejected_at_once(self):
        token = self.server.create("deleted", "--admin")
        self.rejected(NotFoundException, token["token"])
        deleted = self.api(self.server.operator).delete_token_with_http_info(str(token["id"]))
        self.assertEqual((deleted.status_code, deleted.raw_data), (204, b""))
        self.rejected(UnauthorizedException, token["token"])

    def test_a_deleted_and_an_unknown_token_are_not_found(self):
        token = self.new_id()
        self.api(self.server.operator).delete_token(token)
        for not_found in (token, token, UNKNOWN, "a name", "µ&id=1"):
            with self.subTest(not_found):
                refusal = self.rejected(NotFoundException, self.server.operator, not_found)
                self.assertEqual((refusal.body, refusal.data), ("", None))
        # The document allows any string.
        self.rejected(NotFoundException, self.server.operator, "")

    def test_a_request_without_an_id_is_rejected_with_a_message(self):
        api = self.api(self.server.operator)
        with self.assertRaises(BadRequestException) as refused:
            # The client's method refuses to send a request without an ID, so call it without that check.
            AuthTokenApi.delete_token.__wrapped__(api, None)
        self.assertIn("id", self.message(refused.exception))

    def test_a_request_without_a_credential_is_rejected_with_a_message(self):
        refusal = self.rejected(UnauthorizedException, None)
        self.assertTrue(self.message(refusal))
        self.assertNotIn("error=", refusal.headers["www-authenticate"])

    def test_wrong_and_expired_credentials_get_the_same_response(self):
        expired = self.server.create("expired", "--admin", "--expiry", "1ms")["token"]
        refusals = [self.rejected(UnauthorizedException, token) for token in ("wrong", "apiv3_wrong", expired)]
        self.assertEqual(len({self.message(refusal) for refusal in refusals}), 1)
        self.assertEqual(len({refusal.headers["www-authenticate"] for refusal in refusals}), 1)

    def test_a_token_without_the_permission_is_rejected_with_the_reason(self):
        reader = self.server.create("reader", "--permission", "db:sensors:read")["token"]
        live = self.new_id()
        refusal = self.rejected(UnauthorizedException, reader, live)
        self.assertTrue(self.message(refusal))
        self.assertIn('error="insufficient_scope"', refusal.headers["www-authenticate"])
        self.api(self.server.operator).delete_token(live)

    def test_a_response_has_the_cluster_uuid_and_the_span_id_of_its_request(self):
        api, spans = self.api(self.server.operator), ["span-1", "span-2"]
        answers = [api.delete_token_with_http_info(self.new_id(span), _headers={"x-span-id": span}) for span in spans]
        self.assertEqual([answer.headers["x-span-id"] for answer in answers], spans)
        refusal = self.rejected(NotFoundException, self.server.operator)
        clusters = {answer.headers["cluster-uuid"] for answer in [*answers, refusal]}
        self.assertEqual(len(clusters), 1)

    def api(self, token, address=None):
        return AuthTokenApi(RecordingClient(self.answers, host=address or self.address, access_token=token))

    def rejected(self, kind, token, token_id=UNKNOWN, address=None):
        with self.assertRaises(kind) as refused:
            self.api(token, address).delete_token(token_id)
        return refused.exception

    def message(self, refusal):
        """The message of an error. The client must have parsed it as the document's schema."""
        self.assertIsInstance(refusal.data, ErrorMessage)
        return refusal.data.error
