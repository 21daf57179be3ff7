"""Who may call an operation."""

from .document import Document
from .literals import literal
from .names import is_token


def schemes(content):
    """Every supported scheme of the document, in its order. An operation that lists another scheme is refused."""
    for name in content.get("components", {}).get("securitySchemes", {}):
        document = Document(content)
        found = facts(document, name, name)
        if not document.problems and not document.errors:
            yield found


def security_of(document, operation, place):
    """The schemes that an operation lists, of which one must carry a credential."""
    listed, keys, anonymous = {}, [], False
    for requirement in operation.get("security", document.content.get("security", [])):
        if len(requirement) > 1:
            document.problem(place, f"security that demands several schemes at once: {', '.join(requirement)}")
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
    """A scheme: its kind, and of an API key where it is."""
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
                document.problem(place, f"the security scheme {name}, whose name is no token")
            return "ApiKey"
    document.problem(place, f"the security scheme {name}, which is neither Bearer nor Basic nor an API key")
    return "Bearer"
