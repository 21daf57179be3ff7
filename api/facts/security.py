"""The credentials that an operation requires."""

from .document import Document
from .literals import literal
from .names import is_token


def schemes(content):
    """Every supported scheme, in the document's order. An operation that lists another scheme is a problem."""
    for name in content.get("components", {}).get("securitySchemes", {}):
        document = Document(content)
        found = facts(document, name, name)
        if not document.problems and not document.errors:
            yield found


def security_of(document, operation, place):
    """The facts about the schemes that an operation lists, and the locations and names of their API keys."""
    listed, keys, anonymous = {}, [], False
    for requirement in operation.get("security", document.content.get("security", [])):
        if len(requirement) > 1:
            document.problem(place, f"security requires several schemes at once: {', '.join(requirement)}")
        if not requirement:
            anonymous = True
        for name in requirement:
            listed[name] = facts(document, name, place)
            scheme = scheme_of(document, name, place)
            keys.append((scheme.get("in"), scheme.get("name")))
    found = {
        "security": [*listed.values()],
        "has_security": bool(listed),
        "credentials_optional": anonymous and bool(listed),
    }
    return found, keys


def facts(document, name, place):
    """The facts about a scheme: its kind, and the location of an API key."""
    scheme = scheme_of(document, name, place)
    kind, key = kind_of(document, name, scheme, place), None
    if kind == "ApiKey":
        key = {"location": scheme["in"].capitalize(), "wire": literal(scheme["name"])}
    return {"name": literal(name), "kind": kind, "api_key": key}


def scheme_of(document, name, place):
    return document.resolve(document.content.get("components", {}).get("securitySchemes", {}).get(name, {}), place)


def kind_of(document, name, scheme, place):
    match scheme.get("type"), scheme.get("scheme", "").lower():
        case ("http", "bearer") | ("oauth2" | "openIdConnect", _):
            return "Bearer"
        case "http", "basic":
            return "Basic"
        case "apiKey", _ if scheme.get("in") in ("header", "query", "cookie") and "name" in scheme:
            if scheme["in"] != "query" and not is_token(scheme["name"]):
                problem = f"names a {scheme['in']} that is not a token (RFC 9110, section 5.6.2)"
                document.problem(place, f"the security scheme {name} {problem}")
            return "ApiKey"
    supported = "Bearer, Basic, API key, OAuth 2 or OpenID Connect"
    document.problem(place, f"the security scheme {name} is not supported; use {supported}")
    return "Bearer"
