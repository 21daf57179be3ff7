"""Serves what each subject generates from the project's document, and records the answers to a few requests.

The implementation behind each service, in services/, answers 204 to every call and accepts every token. So an answer
other than 204 comes from generated code.
"""

import http.client
import json

from benches import programs
from benches.peers import commands, measure
from benches.peers.documents import ROOT
from tools import stamps

SERVICES = ROOT / "benches" / "peers" / "services"
BUILT = ROOT / "target" / "peers" / "services"
PATH = "/api/v3/configure/token"
BEARER = ("Authorization", "Bearer secret")
# What is asked, the method, the target, the headers, and the answer that the document or HTTP demands, if any.
REQUESTS = (
    ("as the document says", "DELETE", f"{PATH}?id=1", [BEARER], "204"),
    ("the scheme in lower case, `bearer`", "DELETE", f"{PATH}?id=1", [("Authorization", "bearer secret")], "204"),
    ("without `id`, which is required", "DELETE", PATH, [BEARER], "400"),
    ("`id` twice", "DELETE", f"{PATH}?id=1&id=2", [BEARER], ""),
    ("`id` is not UTF-8", "DELETE", f"{PATH}?id=%FF", [BEARER], ""),
    ("no credential", "DELETE", f"{PATH}?id=1", [], "401"),
    ("`Basic`, which the operation does not list", "DELETE", f"{PATH}?id=1", [("Authorization", "Basic YTpi")], "401"),
    ("two `Authorization` headers", "DELETE", f"{PATH}?id=1", [BEARER, ("Authorization", "Bearer other")], ""),
    ("another method", "GET", f"{PATH}?id=1", [BEARER], "405 with `Allow`"),
    ("an unknown path", "DELETE", "/unknown", [BEARER], "404"),
)
SERVER = 'hyper-util = { version = "0.1", features = ["http1", "http2", "server-auto", "tokio"] }\n'
AXUM = 'axum = "0.8"\n'
# What a service needs beside tokio, async-trait and the generated crate.
DEPENDENCIES = {
    "project": SERVER,
    "rust-server": f'{SERVER}hyper = "1"\nswagger = {{ version = "7", default-features = false }}\n',
    "rust-axum": f'{AXUM}axum-extra = {{ version = "0.12", features = ["cookie"] }}\nheaders = "0.4"\nhttp = "1"\n',
    "openapi-to-rust": AXUM,
    "openapi-trait": AXUM,
}


def answers(subject, document):
    """The answer to each request, or an empty list if the crate does not compile. Kept like the result of the crate."""
    crate = measure.folder(subject, document) / "crate"
    kept, source = BUILT / subject.key, SERVICES / f"{subject.key}.rs"
    rules = stamps.listing([source, ROOT / "benches" / "peers" / "answers.py"])
    inputs, file = f"{measure.stamp(subject, document)}{rules}", kept / "answers.json"
    if stamps.is_stamped(kept, inputs) and file.is_file():
        return json.loads(file.read_text(encoding="utf-8"))
    if measure.result(subject, document).stage != measure.COMPILES:
        return []
    kept.mkdir(parents=True, exist_ok=True)
    (kept / "Cargo.toml").write_text(manifest(subject, crate, source), encoding="utf-8")
    built = commands.cargo("build", "--quiet", cwd=kept)
    if built.code != 0:
        raise SystemExit(f"peers: {source.relative_to(ROOT)} does not compile:\n{built.stderr}")
    with programs.serving(commands.BUILD / "debug" / name(subject)) as server:
        received = [answer(server.address, *request[1:4]) for request in REQUESTS]
    file.write_text(json.dumps(received), encoding="utf-8")
    stamps.stamp(kept, inputs)
    return received


def name(subject):
    return f"service-{subject.key}"


def manifest(subject, crate, source):
    package = json.loads(
        commands.cargo("metadata", "--no-deps", "--format-version", "1", cwd=crate).stdout
    )["packages"][0]["name"]  # fmt: skip
    features = subject.features and ', default-features = false, features = ["server"]'
    return f"""[package]
name = "{name(subject)}"
version = "0.0.0"
edition = "2024"

[workspace]

[[bin]]
name = "{name(subject)}"
path = {json.dumps(str(source))}

[dependencies]
async-trait = "0.1"
tokio = {{ version = "1", features = ["macros", "net", "rt-multi-thread"] }}
peer = {{ path = {json.dumps(str(crate))}, package = "{package}"{features or ""} }}
{DEPENDENCIES[subject.key]}"""


def answer(address, method, target, headers):
    """Sends a request over a connection of its own, and describes the response."""
    connection = http.client.HTTPConnection(address.removeprefix("http://"), timeout=60)
    try:
        connection.putrequest(method, target)
        for header in headers:
            connection.putheader(*header)
        connection.endheaders()
        response = connection.getresponse()
        response.read()
    except (http.client.HTTPException, ConnectionError):
        return "no response"
    finally:
        connection.close()
    allow = response.status == 405 and (" with `Allow`" if response.getheader("Allow") else " without `Allow`")
    return f"{response.status}{allow or ''}"
