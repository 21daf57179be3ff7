"""The facts about a document as a whole."""

import json
from urllib.parse import urlsplit

from .literals import literal
from .markdown import comment, inline, plain
from .security import schemes

# What a document may need of the runtime besides what every document needs, and the text that shows it.
RUNTIME_FEATURES = {"chrono": "chrono::", "form": '"kind": "form"', "uuid": "uuid::"}


def facts(content, operations, models, patterns):
    """Its name, address and security schemes, and the libraries that its types need."""
    address, info = base_url(content), content["info"]
    version = str(info.get("version", ""))
    everything = json.dumps([operations, models])
    features = [feature for feature, text in RUNTIME_FEATURES.items() if text in everything]
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
        "usesChrono": "chrono" in features,
        "usesUuid": "uuid" in features,
        "runtimeFeatures": ", ".join(f'"{name}"' for name in [*features, *(["pattern"] if patterns else [])]),
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
