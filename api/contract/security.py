"""Who may call an operation."""

from .literals import literal
from .names import is_token


def security_of(document, operation, place):
    """The schemes that an operation lists, of which one must carry a credential."""
    schemes, keys, anonymous = {}, [], False
    for requirement in operation.get("security", document.content.get("security", [])):
        if len(requirement) > 1:
            document.problem(place, f"security that demands several schemes at once: {', '.join(requirement)}")
        if not requirement:
            anonymous = True
        for name in requirement:
            scheme = scheme_of(document, name, place)
            schemes[name] = {"name": literal(name), "kind": kind(document, name, scheme, place)}
            keys.append((scheme.get("in"), scheme.get("name")))
    listed = [*schemes.values()]
    return {"security": listed, "keys": keys, "credentials_optional": anonymous and bool(listed)}


def scheme_of(document, name, place):
    return document.resolve(document.content.get("components", {}).get("securitySchemes", {}).get(name, {}), place)


def kind(document, name, scheme, place):
    match scheme.get("type"), scheme.get("scheme", "").lower():
        case ("http", "bearer") | ("oauth2" | "openIdConnect", _):
            return "SecurityKind::Bearer"
        case "http", "basic":
            return "SecurityKind::Basic"
        case "apiKey", _ if scheme.get("in") in ("header", "query", "cookie"):
            location = scheme["in"].capitalize()
            if scheme["in"] != "query" and not is_token(scheme["name"]):
                document.problem(place, f"the security scheme {name}, whose name is no token")
            return f"SecurityKind::ApiKey {{ location: Location::{location}, name: {literal(scheme['name'])} }}"
    document.problem(place, f"the security scheme {name}, which is neither Bearer nor Basic nor an API key")
    return "SecurityKind::Bearer"
