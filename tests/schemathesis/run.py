"""Starts a server, and runs Schemathesis against it with every check and in every phase.

It fails if a check fails, of Schemathesis or of checks.py; if a phase is skipped or a warning appears; if the server
answers fewer than 1,000 requests; or if it never answers with 405 or with a status that the document declares.
Schemathesis is installed from requirements.txt once into target/tools, and configured by schemathesis.toml. Its reports
are in target/schemathesis.
"""

import argparse
import base64
import collections
import json
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests import server
from tests.limits import within
from tools import pinned

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
DOCUMENT = ROOT / "generated" / "openapi.json"
REPORTS = ROOT / "target" / "schemathesis"

EXAMPLE_TOKENS = 250
DICTIONARY_TOKENS = 250
FEWEST_REQUESTS = 1000
# RFC 9110, section 15.5.6, defines this status for a known path with another method. No document declares it.
METHOD_NOT_ALLOWED = 405


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--binary", type=Path, default=server.BINARY, help="the server [default: the debug build]")
    arguments.add_argument("--seed", type=int, default=1, help="the seed for generated requests [default: 1]")
    options = arguments.parse_args()
    if not options.binary.is_file():
        sys.exit(f"{options.binary} does not exist; run `cargo build --bin influxdb3-tokens`")

    tools = pinned.install(HERE / "requirements.txt", "schemathesis")
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        permission = folder / "permission.json"
        permission.touch(mode=0o600)
        permission.write_text(json.dumps(permission_tokens()), encoding="utf-8")
        with server.running(folder, "--permission-tokens-file", permission, binary=options.binary.resolve()) as running:
            live = running.live_ids()
            declared = write_inputs(folder, live[:EXAMPLE_TOKENS], live[EXAMPLE_TOKENS:])
            with within(1800, "Schemathesis"):
                passed = schemathesis(tools, folder, running.address, running.operator, options.seed)
    problems = [] if passed else ["a check failed; the output above says which"]
    problems += judge(declared)
    print(f"{time.monotonic() - began:.0f} s; to repeat: python3 -m tests.schemathesis.run --seed {options.seed}")
    if problems:
        sys.exit("\n".join(f"schemathesis: {problem}" for problem in problems))


def permission_tokens():
    """The tokens that Schemathesis may delete, in the format of a file of permission tokens."""

    def secret():
        return "apiv3_" + base64.urlsafe_b64encode(secrets.token_bytes(64)).decode().rstrip("=")

    names = [f"token-{number}" for number in range(EXAMPLE_TOKENS + DICTIONARY_TOKENS)]
    return {"tokens": [{"token": secret(), "name": name, "permissions": ["db:sensors:read"]} for name in names]}


def write_inputs(folder, examples, dictionary):
    """Writes the inputs of Schemathesis: the document with live IDs as examples, a dictionary of other live IDs for the
    fuzzing phase, and the configuration. Returns the expected statuses.
    """
    document = json.loads(DOCUMENT.read_text(encoding="utf-8"))
    operation = document["paths"]["/api/v3/configure/token"]["delete"]
    (id_parameter,) = (parameter for parameter in operation["parameters"] if parameter["name"] == "id")
    id_parameter["examples"] = {f"live-{live}": {"value": live} for live in examples}
    # The stateful phase requires a link. This one repeats a deletion.
    again = {"operationId": operation["operationId"], "parameters": {"id": "$request.query.id"}}
    operation["responses"]["204"]["links"] = {"again": again}

    (folder / "openapi.json").write_text(json.dumps(document), encoding="utf-8")
    (folder / "live-ids.txt").write_text("".join(f'"{live}"\n' for live in dictionary), encoding="utf-8")
    for file in ("schemathesis.toml", "checks.py"):
        shutil.copy(HERE / file, folder)
    return {int(status) for status in operation["responses"]} | {METHOD_NOT_ALLOWED}


def schemathesis(tools, folder, address, token, seed):
    """Runs Schemathesis and prints its output. Returns whether all checks passed."""
    shutil.rmtree(REPORTS, ignore_errors=True)
    REPORTS.mkdir(parents=True)
    process = subprocess.Popen(
        [
            tools / "schemathesis", "--config-file", "schemathesis.toml", "run", "openapi.json", "--url", address,
            "--checks", "all", "--phases", "examples,coverage,fuzzing,stateful", "--mode", "all",
            "--continue-on-failure", "--seed", str(seed), "--no-color",
            "--report", "har,json,junit", "--report-har-path", REPORTS / "requests.har",
            "--report-json-path", REPORTS / "report.json", "--report-junit-path", REPORTS / "junit.xml",
        ],
        cwd=folder, env={**os.environ, "ADMIN_TOKEN": token}, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    leaks = set()
    try:
        for line in process.stdout:
            if token in line:
                leaks.add("the output")
            print(line.replace(token, "[the operator token]"), end="", flush=True)
        passed = process.wait() == 0
    finally:
        process.kill()
    for report in REPORTS.iterdir():
        if token in report.read_text(encoding="utf-8"):
            leaks.add(report.name)
            report.unlink()
    if leaks:
        sys.exit(f"schemathesis: the operator token leaked into {', '.join(sorted(leaks))}")
    if not (REPORTS / "report.json").is_file():
        sys.exit("schemathesis: no report was written; the output above says why")
    return passed


def judge(declared):
    """Prints the number of responses for each status. Yields a message for each shortcoming of the run."""
    requests = json.loads((REPORTS / "requests.har").read_text(encoding="utf-8"))["log"]["entries"]
    seen = collections.Counter(request["response"]["status"] for request in requests)
    answered = sum(count for status, count in seen.items() if status >= 100)
    statuses = ", ".join(f"{count} with {status}" for status, count in sorted(seen.items()))
    print(f"{answered} requests answered: {statuses}")

    report = json.loads((REPORTS / "report.json").read_text(encoding="utf-8"))
    if answered < FEWEST_REQUESTS:
        yield f"fewer than {FEWEST_REQUESTS} requests were answered"
    for status in sorted(declared - seen.keys()):
        yield f"no request was answered with {status}"
    for phase, end in report["phases"].items():
        if end["status"] == "skip":
            yield f"the phase {phase} was skipped: {end['skip_reason']}"
    for warning, concerned in report["warnings"].items():
        if concerned:
            yield f"the warning {warning}: {concerned}"


if __name__ == "__main__":
    main()
