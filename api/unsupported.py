"""What a document may ask for and the templates do not do: told when it is generated, with its place."""

import json
import re

METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
JSON_TYPE = re.compile(r"application/([\w.-]+\+)?json\b")


def unsupported(path):
    """A line for each thing in the document at `path` that the templates would get wrong."""
    document = json.loads(path.read_text(encoding="utf-8"))
    found = []
    for template, item in document.get("paths", {}).items():
        if any("{" in segment and not re.fullmatch(r"\{[^{}]+\}", segment) for segment in template.split("/")):
            found.append(f"{template}: a parameter that is only a part of a segment")
        for method in METHODS:
            if method in item:
                place = f"{method.upper()} {template}"
                found += [f"{place}: {what}" for what in in_operation(document, item, item[method])]
    return found


def in_operation(document, item, operation):
    security = operation.get("security", document.get("security", []))
    if any(len(requirement) != 1 for requirement in security):
        yield "security that demands several schemes at once, or none as an alternative"
    for parameter in item.get("parameters", []) + operation.get("parameters", []):
        parameter = resolve(document, parameter)
        name = parameter["name"]
        if parameter["in"] == "cookie":
            yield f"the cookie parameter {name}"
        if "content" in parameter or resolve(document, parameter.get("schema", {})).get("type") in ("array", "object"):
            yield f"the parameter {name}, which is no scalar"
    for content_type in resolve(document, operation.get("requestBody", {})).get("content", {}):
        if not JSON_TYPE.match(content_type):
            yield f"a request body of the type {content_type}"
    for status, response in operation["responses"].items():
        if not re.fullmatch(r"[1-5]\d\d", status):
            yield f"the response {status}"
        content = resolve(document, response).get("content", {})
        if len(content) > 1 or not all(map(JSON_TYPE.match, content)):
            yield f"the response {status} with a body of the type {', '.join(content)}"


def resolve(document, value):
    """What a value refers to, if it is a reference."""
    while "$ref" in value:
        target = document
        for key in value["$ref"].removeprefix("#/").split("/"):
            target = target[key.replace("~1", "/").replace("~0", "~")]
        value = target
    return value
