"""Generates a crate from a document with a subject, and checks whether it compiles.

A result is kept in the folder of its crate. It is measured again if an input differs, or on another day: cargo resolves
the newest dependencies that a subject permits.
"""

import datetime
import json
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path

from benches.peers import commands
from benches.peers.documents import ROOT
from benches.peers.subjects import expanded, is_expanded
from tools import stamps

CRATES = ROOT / "target" / "peers" / "crates"
# How far a subject gets with a document, in order.
GENERATES_NOT, COMPILES_NOT, COMPILES = "does not generate", "does not compile", "compiles"
STAGES = (GENERATES_NOT, COMPILES_NOT, COMPILES)
HERE = Path(__file__).resolve().parent


@dataclass
class Result:
    """How far a subject got, in which way, and the errors that it ended with."""

    stage: str
    way: str
    errors: list


def folder(subject, document):
    return CRATES / subject.key / document.folder


def result(subject, document):
    """Measures a subject with a document, unless that was done today with the same inputs."""
    kept = folder(subject, document)
    inputs = stamp(subject, document)
    file = kept / "result.json"
    if stamps.is_stamped(kept, inputs) and file.is_file():
        return Result(**json.loads(file.read_text(encoding="utf-8")))
    measured = measure(subject, document, kept / "crate")
    file.write_text(json.dumps(asdict(measured), indent=1), encoding="utf-8")
    stamps.stamp(kept, inputs)
    return measured


def measure(subject, document, crate):
    """Tries each way until the crate compiles. The plain way's result stands, unless another way gets further."""
    best = None
    for way in subject.ways:
        if best and way.permits and best.stage != GENERATES_NOT:
            continue
        shutil.rmtree(crate.parent, ignore_errors=True)
        crate.parent.mkdir(parents=True)
        got = attempt(subject, document, way, crate)
        if best is None or STAGES.index(got.stage) > STAGES.index(best.stage):
            best = got
        if best.stage == COMPILES:
            break
    return best


def attempt(subject, document, way, crate):
    done = subject.generate(document, way, crate)
    if done.code != 0:
        return Result(GENERATES_NOT, way.label, [failure(done, commands.first_error(done.stderr + done.stdout))])
    checked = commands.cargo(
        "check", "--lib", "--quiet", "--message-format", "json", *subject.features,
        cwd=crate, OPENAPI_TRAIT_DEBUG=str(expanded(crate)),
    )  # fmt: skip
    if checked.code == 0:
        return Result(COMPILES, way.label, [])
    errors = [failure(checked, error) for error in commands.compiler_errors(checked)]
    if subject.key != "openapi-trait" or is_expanded(crate):
        return Result(COMPILES_NOT, way.label, errors)
    # What the macro says comes before the compiler's errors, which have a code.
    return Result(GENERATES_NOT, way.label, sorted(errors, key=lambda error: error.startswith("E0")))


def failure(done, error):
    return f"no result within {commands.SECONDS} seconds" if done.code is None else error


def stamp(subject, document):
    """Everything that a result depends on, and the day."""
    rules = [HERE / "subjects.py", HERE / "measure.py", HERE / "commands.py", ROOT / "rust-toolchain.toml"]
    return f"{datetime.date.today()}\n{stamps.listing([document.path, *subject.inputs(), *rules])}"
