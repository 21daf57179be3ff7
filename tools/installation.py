"""Fills folders under target/tools, each once: side by side, under a lock, and with progress on stderr."""

import contextlib
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows. Two installations at once are not safe there.
    fcntl = None

# How often the terminal's last line and the lock are looked at, in seconds.
INTERVAL = 0.2
# How much of a failed command's output is shown.
LAST_LINES = 30
MIRRORS = {
    "pip": "pip uses the proxy in HTTPS_PROXY, and a mirror of PyPI if PIP_INDEX_URL or `pip config` names one",
    "npm": "npm uses the proxy in HTTPS_PROXY, and a mirror if NPM_CONFIG_REGISTRY or `npm config` names one",
    "cargo": "cargo uses the proxy in HTTPS_PROXY, and a mirror if [source] in ~/.cargo/config.toml names one",
}


@dataclass(frozen=True)
class Part:
    """A folder that a package manager fills."""

    folder: Path
    # What a person is told.
    contents: str
    manager: str
    is_complete: Callable[[], bool]
    # Fills the empty folder with commands that it passes to its argument, `run(command, **options)`.
    fill: Callable
    # Marks the folder as complete.
    mark: Callable[[], None] = lambda: None

    def __str__(self):
        return f"{self.contents} ({self.manager})"


class Failed(Exception):
    """A part could not be installed. The text says why."""


def install(*chains):
    """Installs the parts that are not complete: the chains side by side, the parts of a chain one after the other.

    Exits if one fails, and says what to do. The others are installed all the same.
    """
    waiting = [chain for chain in chains if not all(part.is_complete() for part in chain)]
    if not waiting:
        return
    progress = Progress()
    with ThreadPoolExecutor(len(waiting)) as workers:
        # An interrupt may come as soon as a worker runs.
        try:
            running = [workers.submit(install_chain, chain, progress) for chain in waiting]
            # Not `wait`, whose locks an interrupt may leave held.
            while not all(job.done() for job in running):
                time.sleep(INTERVAL)
                progress.draw()
        finally:
            # Without effect unless this thread was interrupted.
            progress.stop()
    if failures := [str(job.exception()) for job in running if isinstance(job.exception(), Failed)]:
        sys.exit("\n".join([*failures, "tools: run the same command again; what is installed is not installed again"]))
    for job in running:
        job.result()


def install_chain(chain, progress):
    part = chain[0]
    try:
        with locked(chain[0].folder, progress) as lock:
            for part in chain:
                # Another process may have installed it meanwhile.
                if not part.is_complete():
                    fill(part, lock, progress)
    except OSError as error:
        raise Failed(f"tools: {part}: {error}") from error


def fill(part, lock, progress):
    began = time.monotonic()
    progress.line(f"tools: installing {part} into {shown(part.folder)}; this happens once")
    progress.doing[part] = "preparing"
    # The mark is removed first, so that a folder that is removed in part does not look complete.
    (part.folder / "installed.txt").unlink(missing_ok=True)
    shutil.rmtree(part.folder, ignore_errors=True)
    try:
        part.fill(lambda command, **options: progress.run(part, command, lock, **options))
        part.mark()
    except BaseException:
        shutil.rmtree(part.folder, ignore_errors=True)
        raise
    finally:
        progress.done(part)
    progress.line(f"tools: installed {part} in {time.monotonic() - began:.0f} s")


@contextlib.contextmanager
def locked(folder, progress):
    """Holds the lock of a folder, and yields the lock's file."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with folder.with_name(f".{folder.name}.lock").open("w") as lock:
        if fcntl and not acquired(lock):
            progress.line(f"tools: waiting for another process that installs {shown(folder)}")
            while not acquired(lock):
                progress.pause()
        yield lock


def acquired(lock):
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


class Progress:
    """What is said on stderr: lines, and on a terminal also a last line that shows what is being done."""

    def __init__(self):
        self.began = time.monotonic()
        self.lock = threading.Lock()
        self.stopped = threading.Event()
        self.processes = set()
        self.doing = {}
        self.live = sys.stderr.isatty() and "CI" not in os.environ and os.environ.get("TERM") != "dumb"

    def line(self, text):
        with self.lock:
            self.erase()
            print(text, file=sys.stderr, flush=True)

    def draw(self):
        """Draws the last line again."""
        with self.lock:
            self.erase()
            if self.live and self.doing:
                parts = " | ".join(f"{part.manager}: {doing}" for part, doing in self.doing.items())
                text = f"{time.monotonic() - self.began:4.0f} s  {parts}"
                print(text[: shutil.get_terminal_size().columns - 1], end="", file=sys.stderr, flush=True)

    def erase(self):
        if self.live:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)

    def done(self, part):
        with self.lock:
            self.doing.pop(part, None)
            self.erase()

    def run(self, part, command, lock, downloads=True, inherits_lock=True, **options):
        """Runs a command. Raises `Failed` with the end of its output if it fails.

        A command that inherits the lock holds it also if this process is killed, so that nothing else fills the folder
        at the same time.
        """
        command = [str(word) for word in command]
        pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
        if fcntl and inherits_lock:
            options["pass_fds"] = [lock.fileno()]
        with self.lock:
            self.require_running()
            process = subprocess.Popen(command, text=True, errors="replace", **pipes, **options)
            self.processes.add(process)
        printed = []
        with process:
            for line in filter(str.strip, process.stdout):
                printed.append(line.rstrip())
                with self.lock:
                    self.doing[part] = line.strip()
        with self.lock:
            self.processes.remove(process)
            self.require_running()
        if process.returncode != 0:
            heading = f"tools: {part} could not be installed; exit code {process.returncode}:"
            advice = [f"tools: is the network reachable? {MIRRORS[part.manager]}"] if downloads else []
            raise Failed("\n".join([heading, *(f"    {line}" for line in printed[-LAST_LINES:]), *advice]))

    def pause(self):
        self.stopped.wait(INTERVAL)
        self.require_running()

    def stop(self):
        """Ends the commands that still run."""
        with self.lock:
            self.stopped.set()
            self.erase()
            for process in self.processes:
                process.terminate()

    def require_running(self):
        if self.stopped.is_set():
            raise Failed("tools: interrupted")


def shown(path):
    """A path for a message: relative to the working folder if it is within it."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path
