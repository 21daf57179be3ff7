"""Runs the commands of an update. A signal that ends the update also ends them."""

import os
import signal
import subprocess
import sys


def run(step, command, **options):
    """Runs a command and returns its output. Exits if it fails."""
    process, printed, _ = finish(step, command, **options)
    if process.returncode != 0:
        sys.exit(f"spec-update: {step} failed with exit code {process.returncode}")
    return printed


def finish(step, command, **options):
    """Runs a command and waits for it. Returns its process, its output, and what it printed to standard error."""
    print(f"spec-update: {step}", file=sys.stderr, flush=True)
    process = subprocess.Popen([str(word) for word in command], text=True, start_new_session=True, **options)
    try:
        return process, *process.communicate()
    except BaseException:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait()
        raise
