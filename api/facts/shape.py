"""The shape of an OpenAPI document: what each key that this package reads must be, for OpenAPI 3.0 and 3.1.

A kind is the name of a scalar in SCALARS or of an object in OBJECTS, a `List` or a `Map`. `normal` compares a document
with it.
"""

from dataclasses import dataclass

# What a message says about each scalar: "description must be a text".
SCALARS = {
    "text": "a text",
    "target": "a text",
    "note": "a text or null",
    "boolean": "true or false",
    "number": "a number",
    "step": "a number above 0",
    "count": "a whole number that is not negative",
    "bound": "a number, or true or false",
    "types": "array, boolean, integer, null, number, object or string, or a list of them",
}
TYPES = ("array", "boolean", "integer", "null", "number", "object", "string")


@dataclass(frozen=True)
class List:
    """A list of values of one kind. A kind of `None` may be anything."""

    item: object
    filled: bool = False  # whether it must not be empty
    vital: bool = False  # whether it is never ignored


@dataclass(frozen=True)
class Map:
    """An object whose keys are names, for example of properties. `extensions` are keys that begin with `x-`."""

    item: object
    extensions: bool = False
    vital: bool = False  # whether it is never ignored


SERVERS = List("server")
CONTENT = Map("media type")
SCHEMAS = Map("schema")
# An operation whose requirements or scopes are ignored could be public.
SECURITY = List(Map(List("text", vital=True), vital=True), vital=True)
VALUE = {"description": "text", "required": "boolean", "deprecated": "boolean", "style": "text", "explode": "boolean"}
VALUE |= {"schema": "schema", "content": CONTENT}
TEXTS = {"summary": "text", "description": "text"}
METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
# The objects that a reference may stand for, and the keys that may be beside it.
REFERABLE = frozenset(("header", "parameter", "path", "request body", "response", "schema", "security scheme"))
BESIDE_REFERENCE = frozenset(("summary", "description"))

OBJECTS = {
    "document": {
        "info": "info",
        "servers": SERVERS,
        "paths": Map("path", extensions=True),
        "components": "components",
        "security": SECURITY,
    },
    "info": {"title": "text", "version": "text", **TEXTS},
    "server": {"url": "text", "description": "text", "variables": Map("server variable")},
    "server variable": {"default": "text", "enum": List("text"), "description": "text"},
    "components": {
        "schemas": SCHEMAS,
        "responses": Map("response"),
        "parameters": Map("parameter"),
        "headers": Map("header"),
        "requestBodies": Map("request body"),
        "securitySchemes": Map("security scheme"),
        "pathItems": Map("path"),
    },
    "path": {
        **TEXTS,
        "parameters": List("parameter"),
        "servers": SERVERS,
        **dict.fromkeys(METHODS, "operation"),
    },
    "operation": {
        **TEXTS,
        "operationId": "text",
        "tags": List("text"),
        "parameters": List("parameter"),
        "requestBody": "request body",
        "responses": Map("response", extensions=True),
        "security": SECURITY,
        "servers": SERVERS,
        "deprecated": "boolean",
    },
    "parameter": {"name": "text", "in": "text", **VALUE},
    "header": VALUE,
    "request body": {"description": "text", "required": "boolean", "content": CONTENT},
    "response": {"description": "text", "headers": Map("header"), "content": CONTENT, "x-response-id": "text"},
    "media type": {"schema": "schema", "encoding": Map("encoding")},
    "encoding": {"contentType": "text", "style": "text", "explode": "boolean", "headers": Map("header")},
    "security scheme": {
        **dict.fromkeys(("type", "description", "name", "in", "scheme", "bearerFormat", "openIdConnectUrl"), "text"),
        "flows": Map("flow", extensions=True),
    },
    "flow": {"authorizationUrl": "text", "tokenUrl": "text", "refreshUrl": "text", "scopes": Map("text")},
    "schema": {
        "type": "types",
        **dict.fromkeys(("title", "description", "format", "pattern", "contentEncoding"), "text"),
        **dict.fromkeys(("nullable", "readOnly", "writeOnly", "deprecated", "uniqueItems"), "boolean"),
        **dict.fromkeys(("minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties"), "count"),
        **dict.fromkeys(("minimum", "maximum"), "number"),
        **dict.fromkeys(("exclusiveMinimum", "exclusiveMaximum"), "bound"),
        "multipleOf": "step",
        "enum": List(None, filled=True),
        "required": List("text"),
        **dict.fromkeys(("properties", "patternProperties", "$defs", "definitions"), SCHEMAS),
        **dict.fromkeys(("items", "additionalProperties", "unevaluatedProperties"), "schema"),
        **dict.fromkeys(("allOf", "anyOf", "oneOf"), List("schema", filled=True)),
        "prefixItems": List("schema"),
        "discriminator": "discriminator",
        "x-enum-varnames": List("note"),
        "x-enum-descriptions": List("note"),
    },
    "discriminator": {"propertyName": "text", "mapping": Map("target")},
}
