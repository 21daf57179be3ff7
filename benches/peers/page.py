"""Writes docs/peers.md."""

import datetime
import re

from benches.peers import commands, figures
from benches.peers.answers import REQUESTS
from benches.peers.documents import FIXTURE, REFUSED, ROOT, USED, WHOLE
from benches.peers.measure import COMPILES, GENERATES_NOT
from benches.peers.subjects import SUBJECTS

PAGE = ROOT / "docs" / "peers.md"
LONGEST = 130
# Parts of an error that say where it was on this machine, or only that it is one.
NOISE = re.compile(
    rf"{re.escape(str(ROOT))}/(target/peers/(documents/|crates/[^/]+/[^/]+/crate/))?|\S+/registry/src/[^/]+/| path:.*$"
    r"|^\[main\] ERROR \S+ - |^thread '\w+' \(\d+\) |^(Error|error|generate): |^openapi-trait: |^Errors: -"
    r"|((server )?[Cc]ode generation failed|the document has unsupported parts): "
)
# The purpose of each subject, and its features that this project lacks.
PURPOSES = {
    "project": ("a service on hyper that rejects what the document does not allow, a client, a mock", ""),
    "rust-server": (
        "a service on hyper and a client, in the language-independent family of openapi-generator",
        "a command-line client, example programs, callbacks, XML, types for `multipart/form-data`",
    ),
    "rust-axum": (
        "a router of axum, in the same family",
        "methods get the request's cookies and host; types for `multipart/form-data`",
    ),
    "openapi-to-rust": (
        "models and clients for large documents of others; optionally a router of axum",
        "server-sent events, retries and tracing in clients, OpenAPI 3.2, requests checked by a complete validator of "
        "JSON Schema, types for `multipart/form-data`",
    ),
    "openapi-trait": (
        "a macro that reads the document while cargo compiles: a trait with a router of axum, or a client",
        "no generated files to keep; methods get axum's state",
    ),
}


def write(documents, results, answers):
    parts = [
        head(),
        table(["generator", "version", "for", "what this project lacks"], [purpose(subject) for subject in SUBJECTS]),
        project(documents, results),
        requests(answers),
        f"""## Fixtures

The documents in `tests/fixtures/`.

{outcomes(documents, results, FIXTURE)}""",
        f"""## Documents that this project refuses

The documents in `tests/fixtures/refused/`, with an `operationId` for each operation, which `openapi-trait` requires.
This project names the construct that it does not support, and generates nothing. A crate that compiles may support the
construct, or ignore it.

{outcomes(documents, results, REFUSED)}""",
        errors(documents, results),
    ]
    PAGE.write_text("\n\n".join(parts) + "\n", encoding="utf-8")
    print(f"wrote {PAGE.relative_to(ROOT)}")


def head():
    rustc = commands.run("rustc", "--version").stdout.split()[1]
    return f"""# Peers

`make peers` writes this page. It shows what other generators of Rust servers make of the same documents.

Measured on {datetime.date.today()} with rustc {rustc} and the newest dependencies that each generator permits.

- **The documents are this project's own.** Most of them test what it supports, so it passes them by design. They are
  not a sample of the documents that people have: `openapi-to-rust`, for one, is tested with dozens of vendors'
  documents.
- Each generator is used as its documentation says, for a server only. If a crate does not compile, the options are
  tried that the generator's documentation or output recommends. `rust-server` and `rust-axum` get a version for the
  crate, because they take the document's, and Cargo rejects one like `v3.9.0`.
- "Compiles" means that `cargo check` succeeds. It does not mean that the service does what the document says."""


def purpose(subject):
    return [subject.name, subject.version(), *PURPOSES[subject.key]]


def project(documents, results):
    columns = ["", "whole document", "lines", "used components", "lines", "crates"]
    rows = []
    for subject in SUBJECTS:
        row = [subject.name]
        for document in documents:
            if document.name in (WHOLE, USED):
                server, client = figures.lines(subject, document)
                row += [outcome(results[subject, document]), f"{server:,}" + (f" + {client:,}" if client else "")]
                crates = figures.crates(subject, document)
        rows.append([*row, str(crates)])
    return f"""## The project's document

As a whole, and with only the components that its operation uses. Lines are those of Rust in the server, plus those in
the client if the generator always writes one: without comments and blank lines, and laid out by rustfmt if it can parse
them. Crates are those that a server with the used components depends on, procedural macros included. This project's
generated code calls `runtime/`, one of these crates, which has {figures.runtime():,} lines without its tests.

{table(columns, rows, "---|---|---:|---|---:|---:")}"""


def requests(answers):
    columns = ["request", "demanded", *(subject.name for subject in SUBJECTS)]
    rows = []
    for number, (asked, *_, demanded) in enumerate(REQUESTS):
        given = [answers[subject][number] if answers[subject] else "" for subject in SUBJECTS]
        rows.append(
            [asked, demanded, *(f"**{answer}**" if demanded not in ("", answer) else answer for answer in given)]
        )
    return f"""## Answers

Answers of services that are generated from the project's document with the used components. Behind each is an
implementation that deletes nothing and answers 204. Bold answers are not what the document or HTTP demands. Where
neither demands anything, this project rejects the request, because the two sides could read it differently.

Generators leave authentication to different code. This project asks for an `Authenticator`, and `openapi-trait` hands
over the credential; here both accept any. `rust-server` expects a layer, which gets the credential that it found, and
`rust-axum` hands over all headers; here both accept any bearer token. `openapi-to-rust` leaves it all to a layer of
axum, which is missing here.

{table(columns, rows)}"""


def outcomes(documents, results, group):
    """How far each subject got with each document of a group, and with how many to the end."""
    rows, passed = [], dict.fromkeys(SUBJECTS, 0)
    for document in documents:
        if document.group == group:
            of_each = [results[subject, document] for subject in SUBJECTS]
            rows.append([f"`{document.name}`", *map(outcome, of_each)])
            for subject, result in zip(SUBJECTS, of_each, strict=True):
                passed[subject] += result.stage == COMPILES
    rows.append([f"**compiles, of {len(rows)}**", *map(str, passed.values())])
    return table(["document", *(subject.name for subject in SUBJECTS)], rows)


def outcome(result):
    if result.stage == COMPILES:
        return f"compiles with {result.way}" if result.way else "compiles"
    if result.stage == GENERATES_NOT:
        return "not generated"
    return f"{len(result.errors)} error{'s' * (len(result.errors) > 1)}"


def errors(documents, results):
    rows = []
    for subject in SUBJECTS:
        for document in documents:
            result = results[subject, document]
            if result.stage != COMPILES:
                name = "the project's, whole" if document.name == WHOLE else f"`{document.name}`"
                rows.append([subject.name, name, outcome(result), shown(result.errors[0])])
    return f"""## Errors

A syntax error hides the errors behind it, so their number says little.

{table(["generator", "document", "", "first error"], rows)}"""


def shown(error):
    """An error as code in a table: one line, without paths of this machine, and not too long."""
    error = NOISE.sub("", error)
    error = "".join(character if character.isprintable() else " " for character in error).strip()
    error = error if len(error) <= LONGEST else f"{error[:LONGEST]} …"
    # A backtick would end the code, and a bar the cell.
    return "`{}`".format(error.replace("`", "'").replace("|", "\\|"))


def table(columns, rows, alignment=None):
    dashes = alignment or "|".join(["---"] * len(columns))
    return "\n".join([f"| {' | '.join(columns)} |", f"|{dashes}|", *(f"| {' | '.join(row)} |" for row in rows)])
