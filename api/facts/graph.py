"""How models contain each other: breaks recursion, and finds out in which direction values travel."""

from .types import INTEGERS
from .values import bounds


def break_cycles(models):
    """Boxes each field through which a type would contain itself. Vectors and maps need no box."""
    state = {}

    def visit(model):
        state[id(model)] = "open"
        for part in model.parts:
            if part.kind != "model" or part.boxed:
                continue
            target = aliased(part.model)
            if state.get(id(target)) == "open":
                part.boxed = True
            elif id(target) not in state:
                visit(target)
        state[id(model)] = "done"

    for model in models:
        if id(model) not in state and model.kind != "alias":
            visit(model)


def report_circles(models, document):
    """Reports types that consist of themselves alone. No parser could read a value of such a type."""
    state = {}

    def visit(model):
        state[id(model)] = "open"
        for part in same_value(model):
            if state.get(id(part.model)) == "open":
                origin = part.model.place
                document.problem(model.place, f"the schema leads back to {origin} without a property in between")
                part.kind, part.model = "any", None
            elif id(part.model) not in state:
                visit(part.model)
        state[id(model)] = "done"

    for model in models:
        if id(model) not in state:
            visit(model)


def same_value(model):
    """The models that are read from the same JSON value as a model."""
    flattened = [part.type for part in model.own_fields if part.wire is None]
    parts = [*flattened, *(variant.type for variant in model.variants), *([model.inner] if model.inner else [])]
    return [part for part in parts if part.kind == "model"]


def aliased(model):
    """The model that an alias stands for, through any number of aliases."""
    while model.kind == "alias":
        model = model.inner.model
    return model


def add_role(type, role):
    """Notes that the values of a type, and of all types that it contains, travel as `role`."""
    waiting = [type]
    while waiting:
        part = waiting.pop()
        if part.item:
            waiting.append(part.item)
        if part.model and role not in part.model.roles:
            part.model.roles.add(role)
            waiting += part.model.parts


def has_wide_integers(type):
    """Whether a type contains integers of 128 bits, which serde cannot read from a form or a flattened map."""
    return any(part.kind == "i128" for part in within(type))


def report_unreadable(models, document):
    """Reports integers that serde would have to read from a flattened map or an untyped value, which have 64 bits."""
    for model in models:
        if model.extra and has_wide_integers(model.extra.type):
            problem = "the additional properties contain integers beyond 64 bits, which is not supported"
            document.problem(model.place, problem)
        if any(is_beyond_64_bits(part) for variant in model.variants for part in within(variant.type)):
            problem = "the alternatives contain integers beyond 64 bits, which is not supported"
            document.problem(model.place, problem)


def is_beyond_64_bits(type):
    """Whether an untyped JSON value cannot hold every integer of a type."""
    if type.kind != "i128":
        return False
    least, most = bounds(type)
    return least < INTEGERS["i64"][0] or most > INTEGERS["u64"][1]


def within(type):
    """A type and all types that it contains, each model once."""
    waiting, seen = [type], set()
    while waiting:
        part = waiting.pop()
        yield part
        if part.item:
            waiting.append(part.item)
        if part.model and id(part.model) not in seen:
            seen.add(id(part.model))
            waiting += part.model.parts
