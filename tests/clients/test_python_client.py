"""A client that openapi-generator-cli wrote, and the server."""

import uuid

from influxdb3_client import ApiClient, AuthTokenApi, Configuration, ErrorMessage
from influxdb3_client.exceptions import BadRequestException, NotFoundException, UnauthorizedException

from tests.clients.served import Served

UNKNOWN = "999999"


class RecordingClient(ApiClient):
    """The generated client, which keeps the answers."""

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
        self.assertTrue(self.answers, "nothing was asked")
        for answer in self.answers:
            self.check(answer.getheaders())

    def check(self, headers):
        """Holds for every answer: the server gave it."""
        uuid.UUID(headers["cluster-uuid"])
        self.assertTrue(headers["x-span-id"])

    def test_a_deleted_token_is_refused_from_then_on(self):
        token = self.server.create("deleted", "--admin")
        self.refused(NotFoundException, token["token"])
        deleted = self.api(self.server.operator).delete_token_with_http_info(str(token["id"]))
        self.assertEqual((deleted.status_code, deleted.raw_data), (204, b""))
        self.refused(UnauthorizedException, token["token"])

    def test_a_token_is_deleted_once_and_one_that_never_was_is_not_found(self):
        token = self.new_id()
        self.api(self.server.operator).delete_token(token)
        for not_found in (token, token, UNKNOWN, "a name", "µ&id=1"):
            with self.subTest(not_found):
                refusal = self.refused(NotFoundException, self.server.operator, not_found)
                self.assertEqual((refusal.body, refusal.data), ("", None))
        # The document allows any string.
        self.refused(NotFoundException, self.server.operator, "")

    def test_a_request_without_an_id_is_refused_with_a_message(self):
        api = self.api(self.server.operator)
        with self.assertRaises(BadRequestException) as refused:
            # The client checks that there is an ID before it sends anything, but below that check.
            AuthTokenApi.delete_token.__wrapped__(api, None)
        self.assertIn("id", self.message(refused.exception))

    def test_a_request_without_a_credential_is_refused_with_a_message(self):
        refusal = self.refused(UnauthorizedException, None)
        self.assertTrue(self.message(refusal))
        self.assertNotIn("error=", refusal.headers["www-authenticate"])

    def test_a_wrong_and_an_expired_credential_are_refused_alike(self):
        expired = self.server.create("expired", "--admin", "--expiry", "0s")["token"]
        refusals = [self.refused(UnauthorizedException, token) for token in ("wrong", "apiv3_wrong", expired)]
        self.assertEqual(len({self.message(refusal) for refusal in refusals}), 1)
        self.assertEqual(len({refusal.headers["www-authenticate"] for refusal in refusals}), 1)

    def test_a_credential_without_the_permission_is_refused_and_told_so(self):
        reader = self.server.create("reader", "--permission", "db:sensors:read")["token"]
        live = self.new_id()
        refusal = self.refused(UnauthorizedException, reader, live)
        self.assertTrue(self.message(refusal))
        self.assertIn('error="insufficient_scope"', refusal.headers["www-authenticate"])
        self.api(self.server.operator).delete_token(live)

    def test_a_response_names_the_cluster_and_the_span_of_its_request(self):
        api, spans = self.api(self.server.operator), ["span-1", "span-2"]
        answers = [api.delete_token_with_http_info(self.new_id(span), _headers={"x-span-id": span}) for span in spans]
        self.assertEqual([answer.headers["x-span-id"] for answer in answers], spans)
        refusal = self.refused(NotFoundException, self.server.operator)
        clusters = {answer.headers["cluster-uuid"] for answer in [*answers, refusal]}
        self.assertEqual(len(clusters), 1)

    def api(self, token, address=None):
        return AuthTokenApi(RecordingClient(self.answers, host=address or self.address, access_token=token))

    def refused(self, kind, token, token_id=UNKNOWN, address=None):
        with self.assertRaises(kind) as refused:
            self.api(token, address).delete_token(token_id)
        return refused.exception

    def message(self, refusal):
        """The text of an error, which the client has to have read as the document's schema."""
        self.assertIsInstance(refusal.data, ErrorMessage)
        return refusal.data.error
