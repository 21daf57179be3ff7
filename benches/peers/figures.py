"""Counts the lines that a subject generates, and the crates that its output depends on."""

from benches.peers import commands, measure
from benches.peers.documents import ROOT
from benches.peers.subjects import expanded


def lines(subject, document):
    """The lines of Rust for the server, and those for the client, which only some subjects generate."""
    crate = measure.folder(subject, document) / "crate"
    folder = expanded(crate) if expanded(crate).is_dir() else crate / "src"
    counts = {path: count(formatted(path)) for path in sorted(folder.rglob("*.rs"))}
    client = sum(counts.get(crate / path, 0) for path in subject.client)
    return sum(counts.values()) - client, client


def runtime():
    """The lines of the runtime that this project's generated crates share, without its tests."""
    sources = [path for path in (ROOT / "runtime" / "src").rglob("*.rs") if path.name != "tests.rs"]
    return sum(count(path.read_text(encoding="utf-8").partition("\n#[cfg(test)]\nmod ")[0]) for path in sources)


def formatted(path):
    """The source as this project's rustfmt lays it out, or as it is where rustfmt cannot parse it."""
    text = path.read_text(encoding="utf-8")
    done = commands.run("rustfmt", "--edition", "2024", "--config-path", ROOT, stdin=text)
    return done.stdout if done.code == 0 else text


def count(text):
    """The lines that are neither blank nor only a comment."""
    counted, is_comment = 0, False
    for line in map(str.strip, text.splitlines()):
        is_comment = is_comment or line.startswith("/*")
        counted += not (is_comment or line.startswith("//") or not line)
        is_comment = is_comment and not line.endswith("*/")
    return counted


def crates(subject, document):
    """How many crates a server with the generated crate depends on, procedural macros included."""
    tree = commands.cargo(
        "tree", "--edges", "normal", "--prefix", "none", "--format", "{p}", "--target", "x86_64-unknown-linux-gnu",
        *subject.features, cwd=measure.folder(subject, document) / "crate",
    )  # fmt: skip
    # cargo repeats a crate with an asterisk.
    return len({" ".join(line.split()[:2]) for line in tree.stdout.splitlines() if line}) - 1
