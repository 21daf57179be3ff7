"""The differences between two documents that the compiler cannot see, and the names that are gone.

Each operation that both documents have is compared, and each component that such operations refer to. Every difference
is listed, except texts for people. The compiler also reports some of them, but only where the crate's items are used.
"""

from dataclasses import dataclass, field

from api.facts.names import type_name

from .operations import kind_of, pairs
from .remaining import ROLES, Remaining
from .walking import ABSENT, steps, walk
from .wording import difference, joined


@dataclass
class Difference:
    """What differs, the operations that it concerns, and the names that lines about it contain.

    `owners` are the operations or components of which it is said. `new` is the method of an added operation, which the
    compiler asks for unless it has a default body. `credentials` says that the code that checks credentials is
    concerned as well.
    """

    text: str
    operations: list
    names: list = field(default_factory=list)
    owners: list = field(default_factory=list)
    new: str | None = None
    credentials: bool = False

    @property
    def cause(self):
        return f"{', '.join(self.owners)}: {self.text}" if self.owners else self.text


def compare(old, new):
    """The differences between two contracts. The same difference of several operations is one."""
    comparison = Comparison(old, new)
    found = {}
    for entry in [*comparison.operations(), *comparison.components()]:
        same = found.setdefault(entry.text, entry)
        if same is not entry:
            same.operations += [of for of in entry.operations if of not in same.operations]
            same.names += [name for name in entry.names if name not in same.names]
            same.owners += [owner for owner in entry.owners if owner not in same.owners]
    return [*found.values()]


class Comparison:
    def __init__(self, old, new):
        self.old, self.new = old, new
        self.resolve = old.document.resolve, new.document.resolve
        self.remaining = Remaining(new)

    def operations(self):
        for before, after in pairs(self.old, self.new):
            if before is None:
                yield Difference(f"{after.id} is new", [after], new=after.method_name)
            elif after is None:
                text = f"{before.id} is gone ({before.method} {before.path})"
                path = self.path(before)
                yield Difference(text, [before], [self.identity(before), *([] if path.shared else [path])])
            else:
                yield from self.identities(before, after)
                yield from self.statuses(before, after)
                yield from self.security(before, after)
                contents = [without_responses(of.content) for of in (before, after)]
                yield from self.within(*contents, (), before.id, [before])

    def identities(self, before, after):
        if before.id != after.id:
            yield Difference(f"{before.id} is called {after.id}", [before], [self.identity(before)])
        if before.method != after.method:
            text = f"the method was {before.method}, is {after.method}"
            yield Difference(text, [before], [self.path(before)], [before.id])
        if before.path != after.path:
            text = f"the path was {before.path}, is {after.path}"
            yield Difference(text, [before], [self.path(before)], [before.id])

    def identity(self, operation):
        return self.remaining.name("operation", operation.id, [], (operation.name, operation.method_name))

    def path(self, operation):
        """The path's name. Lines with it are about the operation, or at least about another one of the same path."""
        return self.remaining.name("path", operation.path, [operation])

    def statuses(self, before, after):
        """Statuses that are gone or new, those that take the place of another, and the contents of each."""
        then, now = before.content.get("responses", {}), after.content.get("responses", {})
        replaced = replacements(before, after)
        for status, other in replaced.items():
            text = f"the status {status} is now {other}" if other else f"the status {status} is gone"
            yield Difference(text, [before], [self.remaining.name("status", status, [before])], [before.id])
        for status in now:
            previous = next((of for of, other in replaced.items() if other == status), status)
            if previous in then:
                values = then[previous], now[status]
                yield from self.within(*values, ("responses", status), before.id, [before])
            else:
                yield Difference(f"the status {status} is new", [before], owners=[before.id])
        for variant, status in before.variants.items():
            other = after.variants.get(variant, status)
            if other not in (status, replaced.get(status)):
                name = f"`{before.name}Response::{variant}`"
                yield Difference(f"{name} was the status {status}, is {other}", [before], owners=[before.id])

    def security(self, before, after):
        if before.security != after.security:
            gone = [name for name in before.schemes if name not in after.schemes]
            names = [self.remaining.name("security scheme", name, [before]) for name in gone]
            text = f"the security was {before.security}, is {after.security}"
            yield Difference(text, [before], names, [before.id], credentials=True)
        for name in before.schemes.keys() & after.schemes.keys():
            for found in walk(self.resolve, before.schemes[name], after.schemes[name]):
                text = joined(f"the security scheme {name}", [difference(*found)[1]])
                yield Difference(text, [before], credentials=True)

    def components(self):
        """The differences in the components that operations of both documents refer to."""
        users = {}
        for before, after in pairs(self.old, self.new):
            if before and after:
                for reference in self.old.references(before) | self.new.references(after):
                    users.setdefault(reference, []).append(before)
        for reference, operations in sorted(users.items()):
            kind, name = kind_of(reference), reference.rpartition("/")[2]
            then, now = self.old.component(reference), self.new.component(reference)
            schema = name if kind == "schema" else None
            if then is not None and now is not None:
                yield from self.within(then, now, (), f"the {kind} {name}", operations, schema)
            elif schema and then is not None:
                names = [self.remaining.name("schema", name, operations, (type_name(name),))]
                yield Difference(f"the schema {name} is gone", operations, names)

    def within(self, before, after, place, owner, operations, schema=None):
        """The differences between two parts of an operation or component: one for each parameter, property or body."""
        changes, names = {}, {}
        for found in walk(self.resolve, before, after, place):
            subject, change = difference(*found)
            changes.setdefault(subject, []).append(change)
            names.setdefault(subject, {}).update(dict.fromkeys(self.names(*found, operations, schema)))
        for subject, texts in changes.items():
            yield Difference(joined(subject, texts), [*operations], [*names[subject]], [owner])

    def names(self, place, before, after, operations, schema):
        """The names that lines about a difference contain: its parameter or property unless new, and what is gone."""
        path = steps(place)
        if path[-1] == ("enum", None) and isinstance(before, list) and isinstance(after, list):
            gone = [of for of in before if isinstance(of, str) and of not in after]
            yield from (self.remaining.name("value", of, operations) for of in gone)
        if path[-1] == ("required", None) and ABSENT not in (before, after) and isinstance(before, list):
            changed = [of for of in before if of not in after] + [of for of in after if of not in before]
            yield from (self.remaining.property(of, schema, operations, is_gone=False) for of in changed)
        keyword, name = path[-1]
        if after is ABSENT and keyword in ("headers", "content"):
            yield self.remaining.name(ROLES[keyword], name, operations)
        owners = [step for step in path if step[0] in ("parameters", "properties")]
        if owners and not (before is ABSENT and owners[-1] == path[-1]):
            is_gone = after is ABSENT and owners[-1] == path[-1]
            keyword, name = owners[-1]
            if keyword == "parameters":
                yield self.remaining.parameter(name, operations, is_gone)
            else:
                yield self.remaining.property(name, schema, operations, is_gone)


def without_responses(content):
    return {key: value for key, value in content.items() if key != "responses"}


def replacements(before, after):
    """For each status that is gone, the new one that takes its place, or None: that of the variant of the same name,
    or the only one of its class."""
    statuses = [of.content.get("responses", {}) for of in (before, after)]
    gone, added = ([status for status in statuses[side] if status not in statuses[1 - side]] for side in (0, 1))
    found = {}
    for status in gone:
        variants = [after.variants.get(variant) for variant, of in before.variants.items() if of == status]
        peers, of_class = ([of for of in statuses if of[0] == status[0]] for statuses in (gone, added))
        only = of_class if len(peers) == len(of_class) == 1 else []
        candidates = [of for of in variants if of in added] or only
        found[status] = next((of for of in candidates if of not in found.values()), None)
    return found
