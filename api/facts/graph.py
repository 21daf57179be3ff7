"""How models contain one another: recursion, and which way their values travel."""


def break_cycles(models):
    """Puts a box where a type would contain itself. Vectors and maps are on the heap already."""
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


def refuse_circles(models, document):
    """Tells of values that are alternatives of themselves: nothing could read them."""
    state = {}

    def visit(model):
        state[id(model)] = "open"
        for part in same_value(model):
            if state.get(id(part.model)) == "open":
                document.problem(model.place, f"leads back to {part.model.place}, with nothing in between")
                part.kind, part.model = "any", None
            elif id(part.model) not in state:
                visit(part.model)
        state[id(model)] = "done"

    for model in models:
        if id(model) not in state:
            visit(model)


def same_value(model):
    """The models that are read from the very value that a model is read from."""
    flattened = [part.type for part in model.own_fields if part.wire is None]
    parts = [*flattened, *(variant.type for variant in model.variants), *([model.inner] if model.inner else [])]
    return [part for part in parts if part.kind == "model"]


def aliased(model):
    """What an alias stands for, through any number of them."""
    while model.kind == "alias":
        model = model.inner.model
    return model


def reach(type, role):
    """Notes that values of a type travel as `role`, and all that they contain."""
    waiting = [type]
    while waiting:
        part = waiting.pop()
        if part.item:
            waiting.append(part.item)
        if part.model and role not in part.model.roles:
            part.model.roles.add(role)
            waiting += part.model.parts
