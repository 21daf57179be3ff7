"""The facts about a document as a whole."""

import json
from urllib.parse import urlsplit

from .literals import literal
from .markdown import comment, inline, plain
from .paths import encoded
from .security import schemes


def facts(document, operations, schemas):
    """Its title, address, version and security schemes, and the libraries that its types need."""
    content = document.content
    addresses, info = [*base_urls(document)], content["info"]
    address = addresses[0]
    note_other_base_paths(document, addresses)
    version = str(info.get("version", ""))
    patterns = schemas.patterns
    needed = {
        "chrono": bool({"time", "date"} & schemas.kinds),
        "form": has_body(operations, "is_form"),
        "json": has_body(operations, "is_json"),
        "pattern": bool(patterns),
        "uuid": "uuid" in schemas.kinds,
    }
    title = f'The API of the OpenAPI document "{info["title"]}"{version and f", version {version}"}.'
    return {
        "crateDocs": comment(title).replace("///", "//!"),
        "packageDescription": toml(f"{plain(info['title'])} as Rust: trait, models, HTTP service and client"),
        "documentTitle": inline(f'"{info["title"]}"'),
        "readmeDescription": plain(info.get("description") or info["title"]),
        "documentVersion": literal(version),
        "defaultAddress": literal(address),
        "documentBasePath": literal(encoded(urlsplit(address).path).rstrip("/")),
        "securitySchemes": [*schemes(content)],
        "patterns": patterns,
        "hasPatterns": bool(patterns),
        "example": example(operations),
        "usesChrono": needed["chrono"],
        "usesUuid": needed["uuid"],
        "runtimeFeatures": ", ".join(f'"{feature}"' for feature, is_needed in needed.items() if is_needed),
        # rustc resolves nested models to a depth of 128 by default.
        "nestsDeeply": len(schemas.models) > 100,
    }


def example(operations):
    """The operation that the example in the crate's documentation shows, and the others, which it must implement."""
    names = [{key: of[key] for key in ("name", "method_name", "constructor")} for of in operations]
    return {"first": names[0] if names else False, "others": names[1:]}


def has_body(operations, kind):
    """Whether any request may have a body of this kind."""
    bodies = [operation["body"] for operation in operations if operation["body"]]
    return any(alternative[kind] for body in bodies for alternative in body["alternatives"])


def toml(text):
    """A TOML string."""
    return json.dumps("".join(filter(str.isprintable, text)), ensure_ascii=False)


def note_other_base_paths(document, urls):
    """Notes the servers whose base path differs from that of the first, which the service and its clients use."""
    for index, url in enumerate(urls):
        if (path := urlsplit(url).path.rstrip("/")) != (first := urlsplit(urls[0]).path.rstrip("/")):
            message = f"the base path {path or '/'} is ignored; the first server has {first or '/'}"
            document.notice(f"servers.{index}", message)


def base_urls(document):
    """The addresses of the servers, of which there is at least one."""
    for index, server in enumerate(document.content.get("servers") or [{}]):
        url = base_url(server)
        try:
            urlsplit(url)
        except ValueError as error:
            url = base_url({})
            document.error(f"servers.{index}", f"the address is not a URL: {error}; it is read as {url}")
        yield url


def base_url(server):
    """The address of a server, with the default for each variable."""
    url = server.get("url", "/")
    for name, variable in server.get("variables", {}).items():
        url = url.replace(f"{{{name}}}", str(variable.get("default", "")))
    if url.startswith("//"):
        url = f"http:{url}"
    return url if "://" in url else f"http://localhost{url if url.startswith('/') else f'/{url}'}"
