"""The programs that are measured: how they are built, and how one is run."""

import contextlib
import os
import resource
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tools"))
import pinned  # noqa: E402

TARGET = ROOT / "target" / "bench"
BUILD = TARGET / "build"
OHA = "1.16.0"
CORES = sorted(os.sched_getaffinity(0))
# Server and load do not take turns on a core, so that neither is measured with the other.
SERVER_CORES, LOAD_CORES = set(CORES[: len(CORES) // 2]), set(CORES[len(CORES) // 2 :])


def build(*projects):
    """Builds what is measured, and installs what measures it."""
    for project in projects:
        compile_(project, BUILD)
    install("oha", OHA)


def build_with_frames():
    """Builds what is profiled with frame pointers, and the names of functions."""
    flags = {"RUSTFLAGS": "-C force-frame-pointers=yes", "CARGO_PROFILE_RELEASE_DEBUG": "line-tables-only"}
    compile_("programs", TARGET / "framed", **flags)


def compile_(project, folder, **flags):
    manifest = ROOT / "benches" / project / "Cargo.toml"
    cargo(
        "build", "--quiet", "--release", "--locked", "--manifest-path", manifest, CARGO_TARGET_DIR=str(folder), **flags
    )


def install(package, version):
    """Installs the programs of a package into target/tools, unless they are there."""
    folder = tool(package, version, "").parent
    if not folder.is_dir():
        options = ("--quiet", "--locked", "--root", folder, f"{package}@{version}")
        cargo("install", *options, CARGO_TARGET_DIR=str(TARGET / "tools"))
        shutil.rmtree(TARGET / "tools")


def cargo(*command, **variables):
    done = subprocess.run(["cargo", *command], cwd=ROOT, env={**os.environ, **variables})
    if done.returncode != 0:
        raise SystemExit(f"cargo {command[0]} failed with exit code {done.returncode}")


def tool(package, version, name):
    return ROOT / "target" / "tools" / f"{package}@{version}" / "bin" / name


def oha():
    return tool("oha", OHA, "oha")


def framed(name):
    return TARGET / "framed" / "release" / name


def drawing():
    """A Python that can draw."""
    return pinned.install(ROOT / "benches" / "requirements.txt", "bench") / "python"


def program(name):
    return BUILD / "release" / name


def run(*command, **variables):
    """Runs a program to its end, with these environment variables, and returns what it printed."""
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, env={**os.environ, **variables})
    if done.returncode != 0:
        raise SystemExit(f"{command[0]} failed with exit code {done.returncode}")
    return done.stdout


@dataclass(frozen=True)
class Server:
    """A running server: where it listens, and its process."""

    address: str
    process: subprocess.Popen

    def cpu_seconds(self):
        """How long its threads have run; those that have ended do not count."""
        threads = Path(f"/proc/{self.process.pid}/task").glob("*/schedstat")
        return sum(int(thread.read_text(encoding="ascii").split()[0]) for thread in threads) / 1e9

    def stop(self):
        """Ends it as told to, and returns the last line that it printed."""
        self.process.stdin.close()
        last = self.process.stdout.read().strip().rpartition("\n")[2]
        self.process.wait(timeout=60)
        return last


@contextlib.contextmanager
def serving(*command, cores=None):
    """A server, from when it listens until the block is left. One that serves until its standard input ends may end."""
    process = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        preexec_fn=on(cores),
    )
    try:
        line = process.stdout.readline().strip()
        listening, _, address = line.partition(" on ")
        if listening != "listening":
            raise SystemExit(f"{command[0]} does not listen: {line or 'it ended'}")
        yield Server(address, process)
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def on(cores):
    """What a child process does first: keeps to these cores, and takes as many open files as it may."""

    def prepare():
        os.sched_setaffinity(0, cores or CORES)
        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))

    return prepare


def rotated(subjects, turn):
    """All of them, beginning with another each turn."""
    subjects = list(subjects)
    begin = turn % len(subjects)
    return subjects[begin:] + subjects[:begin]
