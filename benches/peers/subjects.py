"""The generators that are compared, their versions, and how each is used according to its documentation.

A subject's `ways` are tried in turn until a crate compiles: the plain use first, then what the documentation or the
output of the generator recommends.
"""

import json
import re
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from api.generate import with_java
from benches.peers import commands
from benches.peers.documents import ROOT
from tools import pinned, stamps

REQUIREMENTS = ROOT / "api" / "requirements.txt"
OPENAPI_TO_RUST = "0.23.0"
OPENAPI_TRAIT = "0.0.9"
# A crate of our own around what a subject writes. `[workspace]` keeps cargo from looking for one in the folders above.
MANIFEST = '[package]\nname = "{name}"\nversion = "0.0.0"\nedition = "2024"\n\n[workspace]\n\n{rest}'


@dataclass(frozen=True)
class Way:
    """A way to use a generator. `label` names what is added to its plain use.

    With `permits`, the way only permits documents that are refused otherwise.
    """

    label: str = ""
    options: tuple = ()
    permits: bool = False


class Project:
    name = "this project"
    key = "project"
    ways = (Way(), Way("`ALLOW_INVALID=1`", ("--allow-invalid",), permits=True))
    # The features of the crate with which it is only a server, and the files that are not part of the server.
    features = ("--no-default-features", "--features", "server")
    client = ("src/client.rs",)

    def version(self):
        return re.search(r'^version = "(.*)"', (ROOT / "generated" / "Cargo.toml").read_text(), re.M)[1]

    def inputs(self):
        return [*stamps.files_in(ROOT / "api"), *stamps.files_in(ROOT / "runtime" / "src"), ROOT / "runtime/Cargo.toml"]

    def generate(self, document, way, crate):
        command = [sys.executable, "-m", "api.generate", "--spec", document.path, "--out", crate]
        done = commands.run(*command, "--name", f"peer-{document.folder}", "--runtime", ROOT / "runtime", *way.options)
        if done.code == 0:
            stand_alone(crate)
        return done


class Stock:
    ways = (
        Way(),
        Way("`--generate-alias-as-model`", ("--generate-alias-as-model",)),
        Way("`--skip-validate-spec`", ("--skip-validate-spec",), permits=True),
    )

    def __init__(self, name, features, client):
        self.key = name
        self.name = f"stock `{name}`"
        self.features = features
        self.client = client

    def version(self):
        return re.search(r"^openapi-generator-cli==(\S+)", REQUIREMENTS.read_text(), re.M)[1]

    def inputs(self):
        return [REQUIREMENTS]

    def generate(self, document, way, crate):
        tools = pinned.install(REQUIREMENTS, "api")
        command = [tools / "openapi-generator-cli", "generate", "--generator-name", self.key, *way.options]
        # The default is the document's version, such as `v3.9.0`, which need not be a version for cargo.
        command += ["--additional-properties", "packageVersion=0.0.0"]
        done = commands.run(*command, "--input-spec", document.path, "--output", crate, **with_java(tools))
        if done.code == 0:
            stand_alone(crate)
        return done


class OpenapiToRust:
    name = "`openapi-to-rust`"
    key = "openapi-to-rust"
    ways = (
        Way(),
        Way("`--types-conservative`", ("--types-conservative",)),
        Way("`[server.validation] enabled = false`", ("--no-validation",)),
    )
    features = ()
    client = ()

    def version(self):
        return OPENAPI_TO_RUST

    def inputs(self):
        return []

    def generate(self, document, way, crate):
        programs = pinned.install_crate(f"{self.key}@{OPENAPI_TO_RUST}")
        selected = json.dumps([f"{method.upper()} {path}" for method, path in document.operations()])
        validation = "[server.validation]\nenabled = false\n" if "--no-validation" in way.options else ""
        options = [option for option in way.options if option != "--no-validation"]
        (crate / "src").mkdir(parents=True)
        (crate / "src" / "lib.rs").write_text("pub mod generated;\n")
        (crate / "openapi-to-rust.toml").write_text(
            f"[generator]\nspec_path = {json.dumps(str(document.path))}\n"
            'output_dir = "src/generated"\nmodule_name = "api"\n\n'
            "[features]\nenable_async_client = false\n\n"
            f'[server]\nframework = "axum"\noperations = {selected}\n\n{validation}'
        )
        done = commands.run(programs / self.key, "generate", "--config", "openapi-to-rust.toml", *options, cwd=crate)
        if done.code == 0:
            dependencies = (crate / "src" / "generated" / "REQUIRED_DEPS.toml").read_text()
            (crate / "Cargo.toml").write_text(MANIFEST.format(name=f"peer-{document.folder}", rest=dependencies))
        return done


class OpenapiTrait:
    """A procedural macro: `cargo check` generates the code, and writes it to `expanded/` as well."""

    name = "`openapi-trait`"
    key = "openapi-trait"
    ways = (Way("", ("default-features = false",)), Way("its default features", ("default-features = true",)))
    features = ()
    client = ()
    # The macro's output refers to these crates.
    dependencies = 'axum = "0.8"\nserde = { version = "1", features = ["derive"] }\nserde_json = "1"\n'

    def version(self):
        return OPENAPI_TRAIT

    def inputs(self):
        return []

    def generate(self, document, way, crate):
        (crate / "src").mkdir(parents=True)
        shutil.copyfile(document.path, crate / "openapi.json")
        (crate / "src" / "lib.rs").write_text('#[openapi_trait::axum("openapi.json")]\npub mod api {}\n')
        macro = f'openapi-trait = {{ version = "={OPENAPI_TRAIT}", {way.options[0]} }}\n'
        rest = f"[dependencies]\n{macro}{self.dependencies}"
        (crate / "Cargo.toml").write_text(MANIFEST.format(name=f"peer-{document.folder}", rest=rest))
        return commands.Done(0, "", "")


SUBJECTS = (
    Project(),
    Stock("rust-server", ("--no-default-features", "--features", "server"), ("src/client/mod.rs",)),
    Stock("rust-axum", (), ()),
    OpenapiToRust(),
    OpenapiTrait(),
)


def stand_alone(crate):
    """Makes a crate the root of a workspace, so that cargo does not look for one in the folders above."""
    manifest = crate / "Cargo.toml"
    manifest.write_text(f"{manifest.read_text()}\n[workspace]\n")


def expanded(crate: Path):
    """Where openapi-trait writes what its macro generates."""
    return crate / "expanded"


def is_expanded(crate):
    """Whether the macro generated code, and not only an error."""
    texts = [path.read_text(encoding="utf-8") for path in expanded(crate).glob("*.rs")]
    return any("compile_error!" not in text for text in texts)
