"""The effective document: references, and what is found wrong on the way."""


class Document:
    """An OpenAPI document as parsed JSON, and what was found in it so far: `problems`, which the templates would get
    wrong, and `errors` of the document itself, each with what is assumed in its place.

    A place is a JSON pointer without escapes, as people write it: `paths./api/v3/tokens.get.parameters.id`.
    """

    def __init__(self, content):
        self.content = content
        self.problems = []
        self.errors = []

    def problem(self, place, what):
        """Notes something that the templates would get wrong. Generation stops after all were found."""
        note(self.problems, place, what)

    def error(self, place, what):
        """Notes an error of the document. Generation stops after all were found, or goes on if it is told to."""
        note(self.errors, place, what)

    def resolve(self, value, place="document"):
        """What a value refers to, through any number of references; the value itself where it is none."""
        seen = set()
        while isinstance(value, dict) and isinstance(value.get("$ref"), str):
            reference = value["$ref"]
            if reference in seen:
                self.error(place, f"the reference {reference} leads to itself; taken for anything")
                return {}
            seen.add(reference)
            value = self.at(reference, place)
        return value

    def at(self, reference, place="document"):
        """The part of the document that a reference such as `#/components/schemas/Token` names."""
        if not reference.startswith("#/"):
            self.problem(place, f"the reference {reference} leads out of the document")
            return {}
        target = self.content
        for key in reference[2:].split("/"):
            key = key.replace("~1", "/").replace("~0", "~")
            if isinstance(target, list) and key.isdigit() and int(key) < len(target):
                target = target[int(key)]
            elif isinstance(target, dict) and key in target:
                target = target[key]
            else:
                self.error(place, f"the reference {reference} leads to nothing; taken for anything")
                return {}
        return target


def note(lines, place, what):
    line = f"{place}: {what}"
    if line not in lines:
        lines.append(line)
