"""Checks that Schemathesis does not have; `--checks all` runs them too."""

from collections import Counter
from urllib.parse import parse_qsl, urlsplit

import schemathesis

deleted_by = {}


@schemathesis.check
def a_doubled_parameter_is_refused(ctx, response, case):
    """negative_data_rejection takes `id=1&id=1` for valid, as each of its values is."""
    if response.request.method != case.operation.method.upper():
        return
    declared = {parameter.name for parameter in case.operation.query}
    given = Counter(name for name, _ in query(response))
    doubled = [name for name in declared if given[name] > 1]
    if doubled and response.status_code not in (400, 401):
        raise AssertionError(f"{', '.join(doubled)} was given more than once, and the answer is {response.status_code}")


@schemathesis.check
def a_token_is_deleted_once(ctx, response, case):
    """use_after_free leaves repeated deletions alone, which may be answered alike; here only the first gets 204."""
    if response.status_code != 204:
        return
    token = dict(query(response))["id"]
    if deleted_by.setdefault(token, case.id) != case.id:
        raise AssertionError(f"the token {token} was deleted before, and is deleted again")


def query(response):
    return parse_qsl(urlsplit(response.request.url).query, keep_blank_values=True)
