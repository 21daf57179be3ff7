"""Checks that Schemathesis lacks. `--checks all` runs them too."""

from collections import Counter
from urllib.parse import parse_qsl, urlsplit

import schemathesis

deleted_by = {}


@schemathesis.check
def a_duplicate_parameter_is_rejected(ctx, response, case):
    """The check negative_data_rejection considers `id=1&id=1` valid, because each value is valid."""
    if response.request.method != case.operation.method.upper():
        return
    declared = {parameter.name for parameter in case.operation.query}
    given = Counter(name for name, _ in query(response))
    doubled = [name for name in declared if given[name] > 1]
    if doubled and response.status_code not in (400, 401):
        given_twice = ", ".join(doubled)
        raise AssertionError(f"expected 400 for a duplicate {given_twice}, got {response.status_code}")


@schemathesis.check
def a_token_is_deleted_once(ctx, response, case):
    """The check use_after_free permits the same response for a repeated deletion. Here only the first gets 204."""
    if response.status_code != 204:
        return
    token = dict(query(response))["id"]
    if deleted_by.setdefault(token, case.id) != case.id:
        raise AssertionError(f"the token {token} was deleted before, but got 204 again")


def query(response):
    return parse_qsl(urlsplit(response.request.url).query, keep_blank_values=True)
