"""Tests which lines name what is gone, and which places are listed for a difference."""

import unittest
from pathlib import Path

from tools.spec_update import assumptions, handwritten, leftovers, report
from tools.spec_update.differences import Difference
from tools.spec_update.names import Name, owner
from tools.spec_update.operations import Operation

DELETE = Operation("DeleteToken", "DELETE", "/api/v3/token", {}, "DeleteToken", "delete_token", "with_id")
ID = Name("parameter", "id", ("id", "with_id"))
NAMING = {
    ID: [
        'curl -X DELETE "http://localhost:8181/api/v3/token?id=7"',
        'format!("{PATH}?x=1&id={id}")',
        'Request::query("id=7&id=8")',
        "| `id` is missing | 400 |",
        'api.token_deletion("DeleteToken", "id")',
        """r#"{\\"id\\": 7}"#""",
        "requests.delete(url, params={'id': 7})",
        'api.delete_token(id="7")',
        '("parameters/id/missing", Status),',
        '"query.id" = { probability = 0.5 }',
        "let id = request.id;",
        "DeleteTokenRequest::with_id(text)",
    ],
    Name("parameter", "type", ("r#type", "with_type")): ["let kind = request.r#type;", "Kind::with_type(kind)"],
    Name("header", "X-Order"): ['headers["x-order"]', "`X-Order` is the number"],
    Name("header", "X-Shop", ("x_shop", "with_x_shop")): ["request.x_shop", "x-shop: 7", "Order::with_x_shop(7)"],
    Name("status", "204"): [
        "assert_eq!(answer.status, 204);",
        'statuses == ["204", "404"]',
        "DeleteTokenResponse::Status204_Success",
        "StatusCode::NO_CONTENT",
        "The command gets 204. Then 404.",
        "HTTP/1.1 204 No Content",
        "[204,404]",
    ],
    Name("status", "413"): ["StatusCode::PAYLOAD_TOO_LARGE"],
    Name("status", "422"): ["StatusCode::UNPROCESSABLE_ENTITY"],
    Name("status", "4XX"): ["| 4XX | an error |"],
    Name("path", "/api/v3/token"): ['"http://localhost/api/v3/token?id=7"', '"tokens/api/v3/token"', "/api/v3/token."],
    Name("path", "/users/{id}/keys"): ['format!("/users/{}/keys", id)', "/users/{id}/keys", "/users/7/keys?x=1"],
    Name("operation", "DeleteToken", ("DeleteToken", "delete_token")): [
        'api.token_deletion("DeleteToken", "id")',
        "use api::{DeleteTokenRequest};",
        "api.expect_delete_token()",
        "async fn delete_token(&self)",
    ],
    Name("property", "data", ("data",), r"\bErrorMessage\b"): [
        '{"error": "no", "data": []}',
        "ErrorMessage { error: None, data: None }",
        "data=7",
    ],
    Name("value", "gzip"): ['"content-encoding": "gzip"', "`gzip` compresses"],
    Name("media type", "text/csv"): ["accept: text/csv;q=1"],
    Name("security scheme", "QueryKey"): ["`QueryKey` is the name"],
    Name("schema", "token_object", ("TokenObject",)): ["models::TokenObject { id }", "schemas/token_object"],
}
OTHERS = {
    ID: [
        "let id = token.id();",
        "| span-id=7 |",
        "x-span-id: 7",
        "valid=7",
        "if id==7:",
        "fn delete(id: TokenId)",
        "identity",
        "token.id=7",
        "catalog.delete(&by, &id.to_string())",
        'format!("token {id} is gone")',
    ],
    Name("header", "X-Order"): ["x-orders: 7", "order", "max-order"],
    Name("status", "204"): ["1,204 lines", "2040", "12045", "0.204 ms", "204.5 MB", "v1.204", "3_204_000"],
    Name("status", "4XX"): ["404", "4XXX"],
    Name("path", "/api/v3/token"): ["/api/v3/tokens", "/api/v3/token/named_admin", "/api/v3/token-x"],
    Name("path", "/users/{id}/keys"): ["/users/keys", "/users/7/8/keys", "/users/7/keyset"],
    Name("operation", "DeleteToken", ("DeleteToken", "delete_token")): ["DeleteTokens", "delete_tokens()", "undelete"],
    Name("property", "data", ("data",), r"\bErrorMessage\b"): ["let data = read();", "database", "Other { data }"],
    Name("value", "gzip"): ["gzip -9 file", '"gzipped"'],
    Name("schema", "token_object", ("TokenObject",)): ["TokenObjects"],
}
FILES = {
    "README.md": ["# Tokens", "curl /api/v3/token?id=7", "It gets 204."],
    "src/api.rs": [
        "use influxdb3_token_api::Api;",
        "  async fn delete_token(&self) {}",
        "",
        "impl Authenticator for Tokens {",
        "async fn delete_token(catalog: &Catalog) {}",
        "  async fn delete_token(",
        "    &self,",
    ],
    "stubs/api.rs": ["use other_crate::Api;", "async fn delete_token() {}"],
    "tests/other.rs": ["/users?id=7", "/users?id=8"],
}
CRATE = ["pub trait Api {", "    async fn list_tokens(&self);", "}"]


def located(difference):
    [entry] = leftovers.locate([difference], FILES, CRATE)
    return [f"{place['file']}:{place['line']}" for place in entry["places"]], entry["elsewhere"]


class Names(unittest.TestCase):
    def test_a_line_that_names_what_is_gone_is_found(self):
        for name, lines in NAMING.items():
            for line in lines:
                with self.subTest(name=name.text, line=line):
                    self.assertTrue(name.pattern().search(line))

    def test_a_line_that_only_looks_like_it_is_not_found(self):
        for name, lines in OTHERS.items():
            for line in lines:
                with self.subTest(name=name.text, line=line):
                    self.assertFalse(name.pattern().search(line))


class Places(unittest.TestCase):
    def test_a_difference_is_listed_at_the_implementation_and_at_each_line_that_names_it(self):
        difference = Difference("the status 204 is gone", [DELETE], [Name("status", "204")], ["DeleteToken"])
        self.assertEqual(located(difference), (["src/api.rs:2", "src/api.rs:6", "README.md:3"], {}))

    def test_changed_security_is_also_listed_where_credentials_are_checked(self):
        difference = Difference("the security changed", [DELETE], credentials=True)
        self.assertEqual(located(difference), (["src/api.rs:2", "src/api.rs:6", "src/api.rs:4"], {}))

    def test_an_operation_that_nothing_implements_is_listed_at_its_declaration(self):
        listing = Operation("ListTokens", "GET", "/", {}, "ListTokens", "list_tokens", "new")
        self.assertEqual(located(Difference("", [listing])), (["generated/src/api.rs:2"], {}))
        gone = Operation("Gone", "GET", "/", {}, "Gone", "gone", "new")
        self.assertEqual(located(Difference("", [gone])), (["generated/src/api.rs:1"], {}))

    def test_of_a_shared_name_only_files_about_its_operation_are_listed_and_the_others_counted(self):
        for shared, elsewhere in ((True, {"tests/other.rs": 2}), (False, {})):
            name = Name("parameter", "id", ("id", "with_id"), owner(DELETE), shared)
            places, others = located(Difference("`id` is gone", [DELETE], [name]))
            self.assertEqual(places[:3], ["src/api.rs:2", "src/api.rs:6", "README.md:2"])
            self.assertEqual(
                (places[3:], others), ([] if shared else ["tests/other.rs:1", "tests/other.rs:2"], elsewhere)
            )

    def test_an_assumption_is_listed_at_its_place_in_the_document(self):
        document = ["paths:", "  /a:", "    get:", "  /b.c:", "    get:", "      parameters:", "        - name: id"]
        [entry] = assumptions.locate(["paths./b.c.get.parameters.id: it is ignored"], document)
        self.assertIn("it is ignored", entry["cause"])
        self.assertEqual(entry["places"], [{"file": "api/openapi.yaml", "line": 7, "text": "- name: id"}])

    def test_files_that_no_document_or_only_others_influence_are_not_searched(self):
        spec = Path("README.md")
        files = handwritten.files(spec)
        for name in (
            "src/api.rs",
            "Makefile",
            ".ci/run",
            "api/overlay.yaml",
            "tests/it/snapshots.rs",
            "docs/contract.md",
        ):
            self.assertIn(name, files)
        for name in ("README.md", "api/openapi.yaml", "generated/src/api.rs", "Cargo.lock", "runtime/src/lib.rs"):
            self.assertNotIn(name, files)


class Report(unittest.TestCase):
    entry = {"cause": "a cause", "places": [], "elsewhere": {}}
    error = {"file": "src/api.rs", "line": 1, "message": "no field", "signatures": []}

    def test_nothing_is_left_only_without_errors_and_without_places_to_check(self):
        nothing = "Nothing is left to write"
        self.assertIn(nothing, report.left([], [], []))
        for lock_changed, files in (
            (True, "api/openapi.yaml, generated/ and Cargo.lock"),
            (False, "api/openapi.yaml and generated/"),
        ):
            self.assertIn(f"{files} are updated.", report.left([], [], [], lock_changed))
        for errors, to_check in (([self.error], []), ([], [self.entry]), ([self.error], [self.entry])):
            printed = report.left([], errors, to_check)
            self.assertNotIn(nothing, printed)
            self.assertEqual("The hand-written code compiles." in printed, not errors)
            self.assertEqual("the compiler does not see these changes" in printed, bool(to_check))

    def test_every_line_is_listed_grouped_by_cause_and_file(self):
        places = [leftovers.place(file, line, f"text {line}") for file in ("a", "b") for line in range(1, 40)]
        printed = report.left([], [], [{"cause": "`id` is gone", "places": places, "elsewhere": {"c": 3, "d": 1}}])
        numbers = ", ".join(map(str, range(1, 40)))
        self.assertIn(f"`id` is gone\n  a:{numbers}: text 1\n  b:{numbers}: text 1\n", printed)
        self.assertIn("c (3), d (1)", printed)


if __name__ == "__main__":
    unittest.main()
