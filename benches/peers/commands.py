"""Runs a command with a time limit, and finds the first error in what it printed."""

import json
import os
import re
import signal
import subprocess
from dataclasses import dataclass

from benches.peers.documents import ROOT

# The folder in which all crates are compiled, so that they share their dependencies.
BUILD = ROOT / "target" / "peers" / "build"
SECONDS = 900
CARGO = {
    "CARGO_TARGET_DIR": str(BUILD),
    "CARGO_PROFILE_DEV_DEBUG": "0",
    "CARGO_INCREMENTAL": "0",
    "CARGO_TERM_COLOR": "never",
    "RUSTFLAGS": "",
}
# Not a fault of the subject: the run stops.
UNREACHABLE = re.compile(r"failed to download|download of .* failed|[Cc]ould not resolve host|spurious network")


@dataclass(frozen=True)
class Done:
    """The exit code of a command, or None if the time limit ended it, and what it printed."""

    code: int | None
    stdout: str
    stderr: str


def run(*command, cwd=ROOT, seconds=SECONDS, stdin=None, **environment):
    """Runs a command, and ends it and its children after the time limit."""
    process = subprocess.Popen(
        [str(word) for word in command],
        cwd=cwd,
        env={**os.environ, **environment},
        stdin=subprocess.PIPE if stdin is not None else subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        start_new_session=True,
    )
    try:
        stdout, stderr = process.communicate(stdin, timeout=seconds)
        return Done(process.returncode, stdout, stderr)
    except subprocess.TimeoutExpired:
        return Done(None, "", "")
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()


def cargo(*command, cwd, **environment):
    done = run("cargo", *command, cwd=cwd, **CARGO, **environment)
    if done.code and UNREACHABLE.search(done.stderr):
        raise SystemExit(f"peers: cargo needs the network:\n{done.stderr}")
    return done


def compiler_errors(done):
    """The errors in the output of `cargo --message-format json`: of the compiler, or else the first of cargo itself."""
    messages = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    errors = [message["message"] for message in messages if message["reason"] == "compiler-message"]
    errors = [error for error in errors if error["level"] == "error" and not error["message"].startswith("aborting")]
    return [described(error) for error in errors] or [first_error(done.stderr)]


def described(error):
    """The code and the text of a compiler's error, and what a macro said before it panicked."""
    said = [child["message"] for child in error["children"] if child["message"].startswith("message: ")]
    return " ".join([*([f"{error['code']['code']}:"] if error["code"] else []), error["message"], *said])


def first_error(printed):
    """The line of a program's output that says what went wrong."""
    lines = [line.strip() for line in printed.splitlines() if line.strip()]
    for mark in (r"\bERROR\b|^error\b|^Errors?:|unsupported parts:$", r"Exception|[Ee]rror|panicked"):
        for position, line in enumerate(lines):
            if re.search(mark, line):
                following = " ".join(lines[position + 1 : position + 2]) if line.endswith(":") else ""
                return f"{line} {following}".strip()
    return lines[-1] if lines else "no message"
