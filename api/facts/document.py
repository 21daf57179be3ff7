"""The effective document: follows references, and collects messages about the document."""


class Document:
    """An OpenAPI document as parsed JSON, and the messages about it.

    `problems` are parts that the templates do not support. `errors` are mistakes in the document; each says what is
    assumed instead. `notices` are parts that have no effect, although they are valid. A message names its place as
    people write it, without the escapes of a JSON pointer: `paths./api/v3/tokens.get.parameters.id`.
    """

    def __init__(self, content):
        self.content = content
        self.problems = []
        self.errors = []
        self.notices = []

    def problem(self, place, message):
        """Notes an unsupported part. Generation stops once all problems are found."""
        note(self.problems, place, message)

    def error(self, place, message):
        """Notes a mistake. Generation stops once all errors are found, unless `--allow-invalid` is given."""
        note(self.errors, place, message)

    def notice(self, place, message):
        """Notes a part without effect. Generation goes on."""
        note(self.notices, place, message)

    def resolve(self, value, place="document"):
        """An object: the target of a reference, and of the references that it leads to, with what is beside them."""
        seen, beside = set(), {}
        while isinstance(value, dict) and isinstance(value.get("$ref"), str):
            reference = value["$ref"]
            if reference in seen:
                self.error(place, f"the reference {reference} leads to itself; it is read as `{{}}`")
                return beside
            seen.add(reference)
            beside = {**{key: part for key, part in value.items() if key != "$ref"}, **beside}
            value = self.at(reference, place)
        value = value if isinstance(value, dict) else {}
        return {**value, **beside} if beside else value

    def at(self, reference, place="document"):
        """The target of a reference such as `#/components/schemas/Token`."""
        if not reference.startswith("#/"):
            self.problem(place, f"the reference {reference} leads to another document; only `#/` is supported")
            return {}
        found = self.find(pointed_at(reference))
        if found is None:
            self.error(place, f"the reference {reference} leads to nothing; it is read as `{{}}`")
            return {}
        holder, key = found
        return holder[key]

    def find(self, keys):
        """The object or list that contains the target of a pointer, and the target's key in it; None without one."""
        found = self.content
        for key in keys:
            holder = found
            if isinstance(holder, list):
                key = int(key) if key.isdecimal() else -1
                if not 0 <= key < len(holder):
                    return None
            elif not isinstance(holder, dict) or key not in holder:
                return None
            found = holder[key]
        return holder, key


def pointed_at(reference):
    """The keys on the way to the target of a reference."""
    return tuple(key.replace("~1", "/").replace("~0", "~") for key in reference.removeprefix("#/").split("/"))


def note(lines, place, message):
    line = f"{place}: {message}"
    if line not in lines:
        lines.append(line)
