"""Turns the document's schemas into Rust types, and declares the models that they need."""

from dataclasses import replace
from itertools import zip_longest

from . import constraints, graph, unions
from .composition import flatten, joined, nullable, place_of, reference_of
from .literals import text
from .models import Field, Model, Value
from .names import type_name, unique, value_name, variant_names
from .scalars import said
from .types import FORMATS, Type
from .values import fits, integer, kind_of

COMPONENTS = "#/components/schemas/"


class Schemas:
    """The Rust types of all schemas of a document."""

    def __init__(self, document):
        self.document = document
        self.models = []
        self.taken = set()
        self.by_reference = {}
        # The models of schemas that consist of a choice. A schema that includes one through `allOf` shares its enum.
        self.by_alternatives = {}
        self.checks = constraints.Checks(document)
        self.outside_models = []  # the types that operations name
        components = (document.content.get("components") or {}).get("schemas") or {}
        named = [(self.declare(COMPONENTS + escape(name), name, schema), schema) for name, schema in components.items()]
        for model, schema in named:
            self.models.append(model)
            self.build(model, schema, model.label, model.place)
        self.settle()

    def type(self, schema, hint, place, role):
        """The type of a schema whose values travel as `role`: "request", "response", "parameter" or "header".

        An inline object, enum or choice becomes a model named after `hint`.
        """
        type = self.of(schema, hint, place)
        if role in ("parameter", "header"):
            type = type.textual
        graph.add_role(type, "response" if role in ("response", "header") else "request")
        self.outside_models.append(type)
        return type

    def finish(self):
        """The facts of all models, in the document's order."""
        self.settle()
        graph.report_unreadable(self.models, self.document)
        return [model.facts(self.checks) for model in self.models]

    def settle(self):
        """Boxes recursive fields and large variants."""
        graph.report_circles(self.models, self.document)
        graph.break_cycles(self.models)
        for model in self.models:
            _ = model.size  # boxes large variants

    @property
    def patterns(self):
        """The facts about all patterns that are checked; complete after `finish`."""
        return self.checks.facts()

    @property
    def kinds(self):
        """The kinds of all types in the crate."""
        waiting = [*self.outside_models, *(part for model in self.models for part in model.parts)]
        found = set()
        while waiting:
            type = waiting.pop()
            found.add(type.kind)
            waiting += [type.item] if type.item else []
        return found

    def declare(self, reference, label, schema):
        """Adds a model whose name is known, but not its contents."""
        model = Model(
            unique(type_name(label), self.taken), label, place_of(reference), schema if isinstance(schema, dict) else {}
        )
        self.by_reference[reference] = model
        choices = [schema[key] for key in ("oneOf", "anyOf") if isinstance(schema, dict) and schema.get(key)]
        if len(choices) == 1 and not schema.keys() & {"properties", "allOf", "additionalProperties"}:
            self.by_alternatives[id(choices[0])] = model
        return model

    def named(self, reference, place):
        """The model for a reference. A target outside `components.schemas` becomes a model at its first use."""
        if reference not in self.by_reference:
            schema = self.document.at(reference, place)
            model = self.declare(reference, " ".join(place_of(reference).split(".")[-2:]), schema)
            self.models.append(model)
            self.build(model, schema, model.label, model.place)
        return self.by_reference[reference]

    def build(self, model, schema, hint, place):
        """Fills in the contents of a declared model."""
        reference = reference_of(schema)
        if reference and not self.heir(model, reference, place):
            if self.circular(reference, place):
                self.document.problem(place, f"the reference {reference} leads back to itself")
                model.kind, model.inner = "newtype", Type("any")
            else:
                model.kind, model.inner = "alias", Type("model", model=self.named(reference, place))
            return
        type = self.of_flat(flatten(self.document, schema, place), hint, place, model)
        if type.model is not model:
            model.kind, model.inner = "newtype", type

    def heir(self, model, reference, place):
        """Whether a reference leads to a choice that has the model as an alternative. Then it is not an alias."""
        alternatives = flatten(self.document, self.document.at(reference, place), place_of(reference)).alternatives
        return any(
            place_of(reference_of(choice) or "") == model.place for one in alternatives for choice in one.schemas
        )

    def circular(self, reference, place):
        """Whether a chain of references leads back to one of them."""
        seen = set()
        while reference and reference not in seen:
            seen.add(reference)
            reference = reference_of(self.document.at(reference, place))
        return reference is not None

    def of(self, schema, hint, place):
        """The type of a schema, and whether it may be null."""
        if reference := reference_of(schema):
            type = Type("model", model=self.named(reference, place))
        else:
            type = self.of_flat(flatten(self.document, schema, place), hint, place, None, schema)
        if nullable(self.document, schema, place):
            type.nullable = type.kind != "any"
            type.enum = [*type.enum, None] if type.enum and None not in type.enum else type.enum
        type.checker = self.checks
        return type

    def of_flat(self, flat, hint, place, model, schema=None):
        """The type of a merged schema, apart from null. Fills `model`, or a new model if the type needs one."""
        choices = unions.choices(self.document, flat)
        self.drop_foreign_values(flat)
        if flat.types == () or flat.enum == []:
            return Type("any", enum=[None])
        if flat.enum is not None:
            return self.enumeration(flat, hint, place, model, schema)
        types = flat.types or ()
        if len(types) > 1 and not set(types) <= {"integer", "number"} and not choices:
            return unions.of_types(self, flat, hint, place, model, schema)
        if len(choices) == 1 and not (flat.properties or flat.additional):
            return unions.union(self, choices[0], hint, place, model, schema)
        if choices or flat.object and (flat.properties or flat.closed and not flat.additional):
            return self.structure(flat, choices, hint, self.model("struct", hint, place, schema, model))
        return self.simple(flat, hint)

    def drop_foreign_values(self, flat):
        """Removes the values of an enum that are not of the schema's type."""
        foreign = [value for value in flat.enum or [] if flat.types and not fits(value, flat.types)]
        for value in foreign:
            self.document.error(flat.place, f"the value {said(value)} is not of the type; it is ignored")
        if foreign:
            flat.varnames, flat.descriptions = [], []
            flat.enum = [value for value in flat.enum if value not in foreign] or None

    def model(self, kind, hint, place, schema, model):
        """The model to fill: the given one, or a new one for an inline schema."""
        if model is None:
            model = Model(
                unique(type_name(hint), self.taken),
                hint.replace(" ", "_"),
                place,
                schema if isinstance(schema, dict) else {},
            )
            self.models.append(model)
        model.kind = kind
        return model

    def enumeration(self, flat, hint, place, model, schema):
        """An enum of strings or integers. Other values keep their type and are checked against the list."""
        if flat.types == ("string",):
            # YAML reads some unquoted texts as another type.
            flat.enum = [text(value) for value in flat.enum]
        strings = all(isinstance(value, str) for value in flat.enum) and (flat.types is None or "string" in flat.types)
        integers = all(type(value) is int and -(2**63) <= value < 2**63 for value in flat.enum)
        integers = integers and (flat.types is None or set(flat.types) & {"integer", "number"})
        if not (strings or integers):
            kinds = set(map(kind_of, flat.enum))
            other = self.simple(replace(flat, types=flat.types or (tuple(kinds) if len(kinds) == 1 else None)), "")
            other.enum = flat.enum
            return other
        model = self.model("enum", hint, place, schema, model)
        described = [*zip_longest(flat.enum, flat.varnames[: len(flat.enum)], flat.descriptions[: len(flat.enum)])]
        names = variant_names(text(value) if name is None else name for value, name, _ in described)
        model.values = [Value(name, value, note) for name, (value, _, note) in zip(names, described, strict=True)]
        return Type("model", model=model)

    def structure(self, flat, choices, hint, model):
        """A struct with a field for each property, one for each choice, and one for all other properties."""
        taken = set()
        choices = unions.separate_shared(self.document, flat, choices)
        for name, parts in flat.properties.items():
            schema, place = joined(parts)
            type = self.of(schema, f"{hint} {name}", place)
            schema = schema if isinstance(schema, dict) else {}
            model.own_fields.append(
                Field(unique(value_name(name), taken), name, type, name in flat.required, schema, place, model)
            )
        for choice in choices:
            name = unique(value_name(choice.keyword), taken)
            if not unions.only_objects(self.document, choice):
                self.document.problem(choice.place, "an alternative is not an object, but the schema has properties")
                continue
            type = unions.union(self, choice, f"{hint} {choice.keyword}", choice.place, None, {})
            note = {"description": "One of several sets of properties, beside the others."}
            model.own_fields.append(Field(name, None, type, True, note, choice.place, model))
        self.additional(flat, choices, hint, model, taken)
        model.limits = flat.limits
        for name in flat.required:
            if name not in flat.properties and not choices and not model.extra:
                # The schema requires the property without describing it.
                field = Field(unique(value_name(name), taken), name, Type("any"), True, {}, model.place, model)
                model.own_fields.append(field)
        return Type("model", model=model)

    def additional(self, flat, choices, hint, model, taken):
        """The properties that the schema does not name: kept if they have a schema, else ignored or rejected."""
        if flat.additional and choices:
            if any(schema not in (True, {}) for schema, _ in flat.additional):
                problem = "typed `additionalProperties` are not supported beside `oneOf` or `anyOf`"
                self.document.problem(flat.place, problem)
        elif flat.additional:
            schema, place = joined(flat.additional)
            item = self.of(schema, f"{hint} value", place)
            note = {"description": "All other properties."}
            name = unique("additional_properties", taken)
            limits = {"required": [name for name in flat.required if name not in flat.properties]}
            model.extra = Field(name, None, Type("map", item=item, limits=limits), True, note, place, model)
        else:
            model.closed = flat.closed and not choices

    def simple(self, flat, hint):
        """A type that needs no model of its own."""
        kinds, limits = flat.types or (), flat.limits
        if flat.object and flat.required:
            limits = {**limits, "required": list(flat.required)}
        if flat.object and flat.additional:
            schema, place = joined(flat.additional)
            if schema in (True, {}):
                return Type("free", limits=limits)
            return Type("map", item=self.item(schema, f"{hint} value", place), limits=limits)
        if flat.object:
            return Type("free", limits=limits)
        if kinds == ("array",) or not kinds and flat.items:
            schema, place = joined(flat.items) if flat.items else (True, flat.place)
            return Type("array", item=self.item(schema, f"{hint} inner", place), limits=limits)
        if kinds == ("string",):
            return Type(FORMATS.get(flat.format, "string"), limits=limits)
        if kinds == ("boolean",):
            return Type("boolean")
        if kinds == ("integer",):
            return Type(integer(flat), limits=limits)
        if kinds and set(kinds) <= {"integer", "number"}:
            return Type("f32" if flat.format == "float" else "f64", limits=limits)
        return Type("any", limits=limits)

    def item(self, schema, hint, place):
        """The type of an item; a newtype if Clippy would find the type too complex."""
        type = self.of(schema, hint, place)
        if type.too_complex():
            model = self.model("newtype", hint, place, schema, None)
            model.inner = Type(type.kind, type.item, type.model, type.limits, type.enum)
            return Type("model", model=model, nullable=type.nullable)
        return type


def escape(name):
    return name.replace("~", "~0").replace("/", "~1")
