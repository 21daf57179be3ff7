"""Builds the programs that the benchmark measures, and runs them."""

import contextlib
import os
import resource
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tools import pinned

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "target" / "bench"
BUILD = TARGET / "build"
FRAMED = TARGET / "framed"
OURS = ("--package", "bench-programs")
STUBS = ("--manifest-path", "benches/stubs/Cargo.toml")
OHA = "oha@1.16.0"
CORES = sorted(os.sched_getaffinity(0))
# The server and the load have cores of their own, so that neither waits for the other's time slice.
SERVER_CORES, LOAD_CORES = set(CORES[: len(CORES) // 2]), set(CORES[len(CORES) // 2 :])


def build(*packages):
    """Builds these packages as they are shipped, and installs the load generator."""
    for package in packages:
        compile_(package, BUILD)
    oha()


def build_with_frames():
    """Builds our programs with frame pointers and line tables, for a profiler."""
    compile_(OURS, FRAMED, RUSTFLAGS="-C force-frame-pointers=yes", CARGO_PROFILE_RELEASE_DEBUG="line-tables-only")


def compile_(package, folder, **variables):
    cargo("build", "--quiet", "--release", "--locked", *package, CARGO_TARGET_DIR=str(folder), **variables)


def cargo(*command, **variables):
    done = subprocess.run(["cargo", *command], cwd=ROOT, env={**os.environ, **variables})
    if done.returncode != 0:
        raise SystemExit(f"cargo {command[0]} failed with exit code {done.returncode}")


def oha():
    """The load generator, which is installed at its first use."""
    return pinned.install_crate(OHA) / "oha"


def program(name, folder=BUILD):
    return folder / "release" / name


def run(*command, **variables):
    """Runs a program until it ends, with these environment variables added, and returns what it printed."""
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, env={**os.environ, **variables})
    if done.returncode != 0:
        raise SystemExit(f"{command[0]} failed with exit code {done.returncode}")
    return done.stdout


@dataclass(frozen=True)
class Server:
    """A running server: the address it listens on, and its process."""

    address: str
    process: subprocess.Popen

    def cpu_seconds(self):
        """The CPU time of the threads that run now."""
        threads = Path(f"/proc/{self.process.pid}/task").glob("*/schedstat")
        return sum(int(thread.read_text(encoding="ascii").split()[0]) for thread in threads) / 1e9

    def stop(self):
        """Closes the server's standard input, which ends it, and returns the last line that it printed."""
        self.process.stdin.close()
        last = self.process.stdout.read().strip().rpartition("\n")[2]
        self.process.wait(timeout=60)
        return last


@contextlib.contextmanager
def serving(*command, cores=None):
    """Starts a server on a free port, and kills it when the block ends."""
    process = subprocess.Popen(
        [*command, "127.0.0.1:0"],
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
    """Returns a function that pins a child process to these cores and raises its limit of open files."""

    def prepare():
        os.sched_setaffinity(0, cores or CORES)
        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))

    return prepare


def rotated(subjects, turn):
    """All subjects, starting with a different one each turn."""
    subjects = list(subjects)
    begin = turn % len(subjects)
    return subjects[begin:] + subjects[:begin]
