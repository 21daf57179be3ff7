"""The facts about a document as a whole."""

import json
from urllib.parse import urlsplit

from .literals import literal
from .markdown import comment, inline, plain
from .security import schemes

# The libraries of types that not every document needs, and the path that shows the need.
LIBRARIES = {"chrono": "chrono::", "uuid": "uuid::"}


def facts(content, operations, models, patterns):
    """Its name, address and security schemes, and the libraries that its types need."""
    address, info = base_url(content), content["info"]
    version = str(info.get("version", ""))
    everything = json.dumps([operations, models])
    libraries = [library for library, path in LIBRARIES.items() if path in everything]
    bodies = [operation["body"] for operation in operations if operation["body"]]
    requested = {alternative["kind"] for body in bodies for alternative in body["alternatives"]}
    features = [*libraries, *sorted(requested & {"form", "json"}), *(["pattern"] if patterns else [])]
    title = f'The API of the OpenAPI document "{info["title"]}"{version and f", version {version}"}.'
    return {
        "crateDocs": comment(title).replace("///", "//!"),
        "packageDescription": toml(f"{plain(info['title'])} as Rust: trait, models, HTTP service and client"),
        "documentTitle": inline(f'"{info["title"]}"'),
        "readmeDescription": plain(info.get("description") or info["title"]),
        "documentVersion": literal(version),
        "defaultAddress": literal(address),
        "documentBasePath": literal(urlsplit(address).path.rstrip("/")),
        "securitySchemes": [*schemes(content)],
        "patterns": patterns,
        "hasPatterns": bool(patterns),
        "usesChrono": "chrono" in libraries,
        "usesUuid": "uuid" in libraries,
        "runtimeFeatures": ", ".join(f'"{name}"' for name in features),
        # rustc looks at one model within the other, and by itself no deeper than 128.
        "nestsDeeply": len(models) > 100,
    }


def toml(text):
    """A basic string of TOML."""
    return json.dumps("".join(filter(str.isprintable, text)), ensure_ascii=False)


def base_url(content):
    """The address of the document's first server, with the defaults of its variables."""
    server = next(iter(content.get("servers") or [{}]))
    url = server.get("url", "/")
    for name, variable in server.get("variables", {}).items():
        url = url.replace(f"{{{name}}}", str(variable.get("default", "")))
    if url.startswith("//"):
        url = f"http:{url}"
    return url if "://" in url else f"http://localhost{url if url.startswith('/') else f'/{url}'}"
