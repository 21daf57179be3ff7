"""The security schemes, and the alternatives of them that an operation requires."""

from .document import Document
from .literals import literal
from .names import is_token


def schemes(content):
    """Every supported scheme, in the document's order. An operation that requires another scheme is a problem."""
    for name in content.get("components", {}).get("securitySchemes", {}):
        document = Document(content)
        found = facts(document, name, [], name)
        if not document.problems and not document.errors:
            yield found


def security_of(document, operation, place):
    """The facts about the alternatives of an operation, and the locations and names of their API keys."""
    alternatives, keys = [], []
    for requirement in operation.get("security", document.content.get("security", [])):
        required = [facts(document, name, scopes, place) for name, scopes in requirement.items()]
        check_together(document, requirement, required, place)
        alternative = {"schemes": required, "anonymous": not required}
        if alternative not in alternatives:
            alternatives.append(alternative)
        for name in requirement:
            scheme = scheme_of(document, name, place) or {}
            keys.append((scheme.get("in"), scheme.get("name")))
    # An operation that only lists `{}` is public.
    has_security = any(alternative["schemes"] for alternative in alternatives)
    return {"security": alternatives if has_security else [], "has_security": has_security}, keys


def check_together(document, names, required, place):
    """Notes a problem if no request can satisfy these schemes together."""
    kinds = {scheme["kind"]: name for name, scheme in zip(names, required, strict=True)}
    if {"Bearer", "Basic"} <= kinds.keys():
        problem = "needs two `Authorization` headers, and a request has one"
        document.problem(place, f"security that requires {kinds['Bearer']} and {kinds['Basic']} at once {problem}")


def facts(document, name, scopes, place):
    """The facts about a scheme: its kind, the location of an API key, and the scopes that a requirement lists."""
    scheme = scheme_of(document, name, place)
    kind, key = kind_of(document, name, scheme, place), None
    if kind == "ApiKey":
        key = {"location": scheme["in"].capitalize(), "wire": literal(scheme["name"])}
    listed = [literal(str(scope)) for scope in scopes]
    return {"name": literal(name), "kind": kind, "api_key": key, "scopes": listed, "has_scopes": bool(listed)}


def scheme_of(document, name, place):
    """The definition of a scheme, or `None`."""
    defined = document.content.get("components", {}).get("securitySchemes", {})
    return document.resolve(defined[name], place) if name in defined else None


def kind_of(document, name, scheme, place):
    """The variant of `SecurityKind`, or `None` if the scheme is not supported."""
    if scheme is None:
        document.problem(place, f"the security scheme {name} is not defined in components.securitySchemes")
        return None
    match scheme.get("type"), str(scheme.get("scheme", "")).lower():
        case ("http", "bearer") | ("oauth2" | "openIdConnect", _):
            return "Bearer"
        case "http", "basic":
            return "Basic"
        case "mutualTLS", _:
            return "MutualTls"
        case "apiKey", _ if scheme.get("in") in ("header", "query", "cookie") and "name" in scheme:
            if scheme["in"] != "query" and not is_token(scheme["name"]):
                problem = f"names a {scheme['in']} that is not a token (RFC 9110, section 5.6.2)"
                document.problem(place, f"the security scheme {name} {problem}")
            return "ApiKey"
    supported = "Bearer, Basic, API key, OAuth 2, OpenID Connect or mutual TLS"
    document.problem(place, f"the security scheme {name} is not supported; use {supported}")
    return None
