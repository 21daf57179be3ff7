"""Namespaces for a run: everything in them ends with the run, however it ends."""

import contextlib
import os
import subprocess
import tempfile
from pathlib import Path

# `--kill-child` ends the processes with their parent, which is the only one that others can kill.
UNSHARE = ["unshare", "--net", "--pid", "--mount", "--fork", "--kill-child", "--mount-proc"]
PREPARE = "mount -t tmpfs tmpfs /mnt && ip link set lo up"


def is_possible():
    """Whether this machine allows namespaces, and a router in them."""
    if not os.access("/dev/net/tun", os.R_OK | os.W_OK):
        return False
    with contextlib.suppress(OSError):
        command = [*unshare(), "sh", "-c", PREPARE]
        return subprocess.run(command, stderr=subprocess.DEVNULL, timeout=30).returncode == 0
    return False


def unshare():
    # A user other than the superuser is one among its own users, where the machine allows that.
    return UNSHARE if os.geteuid() == 0 else [*UNSHARE, "--user", "--map-root-user"]


def enter(arguments):
    """Replaces this process by a command in namespaces of its own: its processes, its network, and its files in `/mnt`
    end with it.
    """
    command = [*unshare(), "sh", "-c", f'{PREPARE} && exec "$@"', "sh", *arguments]
    os.execvp(command[0], command)


def is_entered():
    return os.getpid() == 1


@contextlib.contextmanager
def folder():
    """A folder in memory, where fsync costs nothing."""
    with tempfile.TemporaryDirectory(dir="/mnt" if is_entered() else "/dev/shm", prefix="cluster-") as made:
        yield Path(made)
