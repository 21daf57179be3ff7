"""What templates ask of a document as a whole."""

import json
from urllib.parse import urlsplit

from .bodies import KINDS
from .literals import literal
from .markdown import comment, inline, plain
from .names import pascal
from .parameters import SOURCES
from .paths import shadowed, specific
from .security import schemes


def facts(content, operations, models):
    """Its name and address, and whether each thing occurs in it, so that no helper is there for nothing."""
    parameters = [parameter for operation in operations for parameter in operation["parameters"]]
    responses = [response for operation in operations for response in operation["responses"]]
    headers = [header for response in responses for header in response["headers"]]
    requested = [operation["body"] for operation in operations if operation["body"]]
    answered = [response["body"] for response in responses if response["body"]]
    sources = {of["source"] for of in parameters}
    sent = {of["kind"] for body in requested for of in body["alternatives"]}
    received = {of["kind"] for body in answered for of in body["alternatives"]}
    several = any(body["several"] for body in answered)
    added_headers = {of["source"] for of in parameters if of["location"] == "Header" and not of["is_framing"]}
    in_checks = [of for of in parameters if of["has_checks"]]
    body_checks = [of for body in requested for of in body["alternatives"] if of["has_checks"]]
    address, info = base_url(content), content["info"]
    path = urlsplit(address).path.rstrip("/")
    types = json.dumps([operations, models])
    security_schemes = [*schemes(content)]
    version = str(info.get("version", ""))
    return {
        "crateDocs": comment(f"The API of the OpenAPI document \"{info['title']}\"{f', version {version}' if version else ''}.").replace("///", "//!"),
        "packageDescription": toml(f"{plain(info['title'])} as Rust: trait, models, HTTP service and client, generated from its OpenAPI document"),
        "documentTitle": inline(f"\"{info['title']}\""),
        "readmeDescription": plain(info.get("description") or info["title"]),
        "documentVersion": literal(version),
        "defaultAddress": literal(address),
        "documentBasePath": literal(path),
        "securitySchemes": security_schemes,
        "routes": routes(operations),
        "shadowed": shadowed(operations),
        "scalars": scalars([*parameters, *headers]),
        "mediaTypeFeatures": features(client=several, server=bool(requested)),
        "payloadFeatures": features(client="payload" in sent, server="payload" in received),
        **{f"uses{pascal(source)}": source in sources for source in SOURCES},
        **{f"sends{pascal(kind)}": kind in sent for kind in KINDS},
        **{f"answers{pascal(kind)}": kind in received for kind in KINDS},
        "usesChrono": "chrono::" in types,
        "usesUuid": "uuid::" in types,
        # rustc looks at one model within the other, and by itself no deeper than 128.
        "nestsDeeply": len(models) > 100,
        "usesModels": bool(models) or "models::" in types,
        "usesModelsInApi": "models::" in json.dumps([(operation["arguments"], operation["content_enums"]) for operation in operations] + answered + headers),
        "usesParameters": bool(parameters),
        "usesTexts": any(not of["array"] for of in parameters),
        "usesRequired": any(of["required"] and not of["array"] for of in parameters),
        "usesScalars": bool(parameters or headers),
        "usesItems": any(of["array"] for of in parameters),
        "usesRequiredItems": any(of["array"] and of["required"] for of in parameters),
        "usesPaths": any(operation["in_path"] for operation in operations),
        "usesPlainEncoding": any(source.startswith(("path", "cookie")) for source in sources),
        "usesQueryParameters": any(source.startswith("query") for source in sources),
        "usesQueryPairs": bool(sources & {"query", "query_all"}),
        "sendsParameters": any(not of["is_framing"] for of in parameters),
        "addsHeader": "header" in added_headers,
        "addsHeaders": bool(added_headers),
        "usesHeaderParameters": any(source.startswith("header") for source in sources),
        "usesSeparatedPath": any(piece["parameter"] and piece["parameter"]["before"] for operation in operations for piece in operation["path_pieces"]),
        "usesWholePath": any(piece["parameter"] and piece["parameter"]["is_path"] and not piece["parameter"]["before"] for operation in operations for piece in operation["path_pieces"]),
        "usesCommas": bool(sources & {"path_items", "query_items", "cookie_items"}),
        "usesJoined": bool(sources & {"header_items", "query_items"}),
        "usesOptionalBodies": any(not body["required"] for body in requested),
        "takesStreams": "payload" in sent or any(not body["required"] for body in requested),
        "refusesBodies": bool(sent - {"payload"}) or any(not body["required"] for body in requested),
        "usesBodies": bool(requested),
        "readsBodies": bool(sent - {"payload"}),
        "readsText": bool(sent & {"text", "form"}),
        "readsStructures": bool(sent & {"json", "form"}),
        "usesPayloads": "payload" in sent | received,
        "answersSeveral": several,
        "usesFailed": bool(received - {"payload"}) or several or bool(headers),
        "readsContentTypes": several or "payload" in received,
        "usesHeaders": bool(headers),
        "usesRequiredHeaders": any(of["required"] and not of["array"] for of in headers),
        "usesHeaderTexts": any(not of["array"] for of in headers),
        "usesOptionalHeaders": any(not of["required"] and not of["array"] for of in headers),
        "usesOptionalHeaderArrays": any(not of["required"] and of["array"] for of in headers),
        "usesAnyRequiredHeader": any(of["required"] for of in headers),
        "usesHeaderArrays": any(of["array"] for of in headers),
        "usesRequiredHeaderArrays": any(of["array"] and of["required"] for of in headers),
        "usesUndeclared": any(not operation["has_default"] for operation in operations),
        "usesUnexpected": any(not operation["has_default"] for operation in operations) or any(not response["body"] for response in responses),
        "readsResponses": bool(received - {"payload"}) or any(not operation["has_default"] for operation in operations) or any(not response["body"] for response in responses),
        "usesEmptyResponses": any(not response["body"] for response in responses),
        "usesSecurity": bool(security_schemes),
        "usesStatus": any(not response["exact"] for response in responses),
        "usesStatusClass": any(response["range"] for response in responses),
        "usesStatusDefault": any(response["default"] for response in responses),
        "usesChecked": bool(in_checks),
        "usesCheckedBody": bool(body_checks),
        "usesModelsInChecks": any("models::" in of["type"] for of in in_checks) or any("models::" in of["rust"] for of in body_checks),
        "usesValidationInHandlers": bool(in_checks or body_checks),
    }


def toml(text):
    """A basic string of TOML."""
    return json.dumps("".join(filter(str.isprintable, text)), ensure_ascii=False)


def routes(operations):
    """The operations in the order in which a request is compared with their paths; the first with a parameter is marked."""
    found = sorted(
        [{key: operation[key] for key in ("name", "method", "path", "in_path", "raw_path")} for operation in operations],
        key=lambda route: (route["in_path"], specific(route["raw_path"])),
    )
    first = next((route for route in found if route["in_path"]), None)
    return [{**route, "first_in_path": route is first} for route in found]


def features(**needed):
    """The features that need something, as a condition of `cfg`; `None` where none does."""
    features = [f'feature = "{name}"' for name, needs in needed.items() if needs]
    return f"any({', '.join(features)})" if len(features) > 1 else next(iter(features), None)


def scalars(values):
    """The types of parameters and headers, each once, by the way that they are written as text."""
    types = {value["item"]: value["float"] for value in values}
    special = {
        "chrono::DateTime<chrono::Utc>": "is_time",
        "swagger::ByteArray": "is_bytes",
        "models::Secret": "is_secret",
    }
    ways = ("is_time", "is_bytes", "is_secret", "is_plain")
    return [
        {"rust": rust, "is_model": rust.startswith("models::"), "float": types[rust]}
        | {way: way == special.get(rust, "is_plain") for way in ways}
        for rust in sorted(types)
    ]


def base_url(content):
    """The address of the document's first server, with the defaults of its variables."""
    server = next(iter(content.get("servers") or [{}]))
    url = server.get("url", "/")
    for name, variable in server.get("variables", {}).items():
        url = url.replace(f"{{{name}}}", str(variable.get("default", "")))
    if url.startswith("//"):
        url = f"http:{url}"
    return url if "://" in url else f"http://localhost{url if url.startswith('/') else f'/{url}'}"
