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
        """Follows a reference, and the references that it leads to. Returns any other value as it is."""
        seen = set()
        while isinstance(value, dict) and isinstance(value.get("$ref"), str):
            reference = value["$ref"]
            if reference in seen:
                self.error(place, f"the reference {reference} leads to itself; it is read as `{{}}`")
                return {}
            seen.add(reference)
            value = self.at(reference, place)
        return value

    def at(self, reference, place="document"):
        """The target of a reference such as `#/components/schemas/Token`."""
        if not reference.startswith("#/"):
            self.problem(place, f"the reference {reference} leads to another document; only `#/` is supported")
            return {}
        target = self.content
        for key in reference[2:].split("/"):
            key = key.replace("~1", "/").replace("~0", "~")
            if isinstance(target, list) and key.isdigit() and int(key) < len(target):
                target = target[int(key)]
            elif isinstance(target, dict) and key in target:
                target = target[key]
            else:
                self.error(place, f"the reference {reference} leads to nothing; it is read as `{{}}`")
                return {}
        return target


def note(lines, place, message):
    line = f"{place}: {message}"
    if line not in lines:
        lines.append(line)
