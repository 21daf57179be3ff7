"""Checks that a Rust type cannot express: limits, patterns, lists of values."""

import json
import math
from dataclasses import dataclass, field

from . import patterns
from .literals import literal, span
from .types import INTEGERS

# The constants of Rust's `std::f64::consts`, which Clippy finds in literals.
CONSTANTS = [
    math.e, math.pi, math.tau, 1 / math.pi, 2 / math.pi, 2 / math.sqrt(math.pi), math.sqrt(0.5), math.sqrt(2),
    math.log(2), math.log(10), math.log2(math.e), math.log2(10), math.log10(math.e), math.log10(2),
    (1 + math.sqrt(5)) / 2, 0.5772156649015329, *(math.pi / part for part in (2, 3, 4, 6, 8)),
]  # fmt: skip


@dataclass
class Block:
    """`if HEAD { BODY }` or `for HEAD { BODY }`."""

    keyword: str
    head: str
    body: list = field(default_factory=list)

    def lines(self):
        inner = self
        head = self.head
        while (
            self.keyword == "if"
            and len(inner.body) == 1
            and isinstance(inner.body[0], Block)
            and inner.body[0].keyword == "if"
        ):
            inner = inner.body[0]
            head += f" && {inner.head}"
        return [f"{self.keyword} {head} {{", *rendered(inner.body), "}"]


class Checks:
    """Writes the statements that check values, and collects the patterns that they use."""

    def __init__(self, document):
        self.document = document
        self.patterns = {}  # the document's pattern to (name of the static, pattern in Rust's syntax)

    def statements(self, type, value):
        """Statements that check the value of an expression, which is a reference."""
        return rendered(self.nodes(type, value, ""))

    def of_model(self, model):
        """The statements of a model's `validate`."""
        if model.inner:
            return [] if model.kind == "alias" else self.statements(model.inner, "&self.0")
        nodes = []
        for part in model.own_fields:
            path = f".within({literal(part.wire)})" if part.wire is not None else ""
            options = int(part.type.nullable) + (part.wire is not None and not part.required)
            nodes += self.optional(part.type, f"&self.{part.name}", path, options)
        if model.extra:
            nodes += self.nodes(model.extra.type, f"&self.{model.extra.name}", "")
        for variant in model.variants:
            nodes += guarded(f"let Self::{variant.name}(value) = self", self.nodes(variant.type, "value", ""))
        for keyword in ("minProperties", "maxProperties"):
            if model.kind == "struct" and keyword in model.limits:
                nodes.append(self.call(keyword, "validation::properties(self)", model.limits[keyword], ""))
        return rendered(nodes)

    def optional(self, type, value, path, options, depth=0):
        if not options:
            return self.nodes(type, value, path, depth)
        pattern = "Some(" * options + "value" + ")" * options
        return guarded(f"let {pattern} = {value}", self.values(type, "value", path, depth))

    def nodes(self, type, value, path, depth=0):
        return self.optional(type, value, path, 1, depth) if type.nullable else self.values(type, value, path, depth)

    def values(self, type, value, path, depth):
        """Checks of a value that is not null. `path` adds the position within the value to a violation."""
        if type.boxed:
            value = f"&*{value[1:]}" if value.startswith("&") else f"&**{value}"
        if type.kind == "model":
            return [self.wrapped(f"validation::Validate::validate({value})", path)] if has_checks(type) else []
        nodes = [self.listed(type, value, path)] if type.enum else []
        if type.kind == "any":
            return nodes + self.any(type.limits, value, path)
        nodes += self.limits(type.kind, type.limits, value, path)
        if type.item and has_checks(type.item):
            index, item = ("index", "item") if not depth else (f"index{depth + 1}", f"item{depth + 1}")
            if type.kind == "array":
                inner = self.nodes(type.item, item, f".item({index}){path}", depth + 1)
                nodes.append(Block("for", f"({index}, {item}) in {bare(value)}.iter().enumerate()", inner))
            else:
                key = index.replace("index", "key")
                inner = self.nodes(type.item, item, f".key({key}){path}", depth + 1)
                nodes.append(Block("for", f"({key}, {item}) in {value}", inner))
        return nodes

    def any(self, limits, value, path):
        """Checks of an untyped value. Each limit applies to values of its kind only."""
        nodes = []
        for kind, name, method in (
            ("string", "text", "as_str"), ("f64", "number", "as_f64"),
            ("array", "items", "as_array"), ("free", "object", "as_object"),
        ):  # fmt: skip
            reference = "&number" if kind == "f64" else name
            nodes += guarded(f"let Some({name}) = {bare(value)}.{method}()", self.limits(kind, limits, reference, path))
        return nodes

    def limits(self, kind, limits, value, path):
        """A statement for each limit that applies to this kind of value."""
        return [self.call(keyword, target(kind, value), argument, path) for keyword, argument in stated(kind, limits)]

    def call(self, keyword, value, argument, path):
        if keyword == "pattern":
            argument = f"&crate::patterns::{self.pattern(argument)}"
        elif keyword == "required":
            value, argument = f"{bare(value)}.contains_key({literal(argument)})", literal(argument)
        elif keyword.endswith("Properties") and not value.startswith("validation::"):
            value = f"{bare(value)}.len()"
        arguments = value if argument is None else f"{value}, {argument}"
        return self.wrapped(f"validation::{snake(keyword)}({arguments})", path)

    def listed(self, type, value, path):
        values = [float(item) if type.kind in ("f32", "f64") else item for item in type.enum]
        return self.wrapped(f"validation::listed({value}, {literal(json.dumps(values, ensure_ascii=False))})", path)

    def pattern(self, source):
        if source not in self.patterns:
            try:
                translated = patterns.rust(source)
            except patterns.Malformed as error:
                self.document.problem(place_of(source, self.document.content), f"the pattern {source}: {error}")
                translated = ""
            self.patterns[source] = (f"PATTERN_{len(self.patterns) + 1}", translated)
        return self.patterns[source][0]

    @staticmethod
    def wrapped(call, path):
        return f"{call}.map_err(|violation| violation{path})?;" if path else f"{call}?;"

    def facts(self):
        """The facts about all patterns, for patterns.mustache."""
        return [
            {
                "name": name,
                "docs": f"/// {span(source)}",
                "translated": literal(translated),
                "source": literal(source),
            }
            for source, (name, translated) in self.patterns.items()
        ]


def stated(kind, limits):
    """The checks for the limits of a kind of value: for each a keyword and the argument of its function."""
    found = []
    if kind in ("string", "secret"):
        found += [(keyword, limits[keyword]) for keyword in ("minLength", "maxLength") if limits.get(keyword)]
        found += [("maxLength", 0)] if limits.get("maxLength") == 0 else []
        found += [("pattern", pattern) for pattern in limits.get("pattern", [])]
    elif kind in INTEGERS:
        found += integer_bounds(limits, *INTEGERS[kind])
    elif kind in ("f32", "f64"):
        names = ("minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum")
        found += [(keyword, float_literal(limits[keyword])) for keyword in names if keyword in limits]
        found += [("multipleOf", float_literal(step)) for step in limits.get("multipleOf", []) if step > 0]
    elif kind == "array":
        found += [(keyword, limits[keyword]) for keyword in ("minItems", "maxItems") if keyword in limits]
        found += [("uniqueItems", None)] if limits.get("uniqueItems") else []
    elif kind in ("map", "free"):
        found += [(keyword, limits[keyword]) for keyword in ("minProperties", "maxProperties") if keyword in limits]
        found += [("required", name) for name in limits.get("required", [])]
    return [
        (keyword, argument)
        for keyword, argument in found
        if not (keyword.startswith("min") and argument == 0 and "imum" not in keyword)
    ]


def integer_bounds(limits, least, most):
    """The bounds of an integer type, without those that the range of the Rust type implies."""
    found = []
    for keyword, lower in (
        ("minimum", True),
        ("exclusiveMinimum", True),
        ("maximum", False),
        ("exclusiveMaximum", False),
    ):
        if keyword not in limits:
            continue
        bound = limits[keyword]
        if bound != int(bound):
            bound, keyword = (math.ceil(bound), "minimum") if lower else (math.floor(bound), "maximum")
        bound = int(bound)
        implied = bound < least if lower else bound > most
        implied = implied or bound == (least if lower else most) and not keyword.startswith("exclusive")
        if not implied:
            found.append((keyword, min(max(bound, least), most)))
    steps = [int(step) for step in limits.get("multipleOf", []) if step == int(step) and step > 1 and step <= most]
    return found + [("multipleOf", step) for step in steps]


def float_literal(number):
    """A number as Rust's f64: a quotient of the same value if Clippy would take the number for a known constant."""
    text = repr(float(number))
    decimals = len(text.partition(".")[2])
    near = [math.trunc(constant * 10**decimals) / 10**decimals for constant in CONSTANTS]
    near += [round(constant, decimals) for constant in CONSTANTS]
    if "e" in text or decimals < 2 or abs(float(number)) not in near:
        return text
    return f"{float(text.replace('.', ''))!r} / {float(10**decimals)!r}"


def target(kind, value):
    """The first argument of a check for this kind of value."""
    if kind == "secret":
        return f"&{bare(value)}.0"
    if kind == "f32":
        return f"&f64::from({value[1:] if value.startswith('&') else '*' + value})"
    return value


def bare(value):
    """An expression on which a method can be called, from an expression that is a reference."""
    text = value.removeprefix("&")
    return f"({text})" if text.startswith("*") else text


def guarded(head, body):
    return [Block("if", head, body)] if body else []


def rendered(nodes):
    return [line for node in nodes for line in ([node] if isinstance(node, str) else node.lines())]


def has_checks(type, seen=None):
    """Whether a type, or a type that it contains, has anything to check."""
    seen = set() if seen is None else seen
    if type.kind == "model":
        if id(type.model) in seen:
            return False
        seen.add(id(type.model))
        own = type.model.kind == "struct" and type.model.limits.keys() & {"minProperties", "maxProperties"}
        return bool(own) or any(has_checks(part, seen) for part in type.model.parts)
    kinds = ("string", "f64", "array", "free") if type.kind == "any" else (type.kind,)
    return (
        bool(type.enum)
        or any(stated(kind, type.limits) for kind in kinds)
        or bool(type.item)
        and has_checks(type.item, seen)
    )


def snake(keyword):
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in keyword)


def place_of(pattern, value, place=""):
    """The first place of a pattern in the document."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        if key == "pattern" and item == pattern:
            return place.removeprefix(".")
        if found := place_of(pattern, item, f"{place}.{key}"):
            return found
    return None
