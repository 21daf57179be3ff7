"""Runs an image as an engine does that confines it.

The server is the first process of its own namespaces, with a network of its own. The root is read-only, except for a
volume. The user has no capability, and can gain none.
"""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

from tests.packaging.booted import first_process
from tests.packaging.session import PATH, Installed

NAMESPACES = ["--mount", "--pid", "--uts", "--ipc", "--net", "--cgroup"]
# `$1` is the root, `$2` the volume, and `$3` where it is mounted.
MOUNTS = """
set -e
ip link set lo up
mount --bind "$1" "$1"
mount -t proc proc "$1/proc"
mount -t tmpfs tmpfs "$1/dev"
for device in null zero random urandom; do
    touch "$1/dev/$device"
    mount --bind "/dev/$device" "$1/dev/$device"
done
mount --bind "$2" "$1$3"
mount -o remount,bind,ro "$1"
shift 3
exec "$@"
"""
# A program that is in the root could not do this: the image has none but the server.
ENTER = """
import ctypes, json, os, sys, warnings  # `execvpe` imports the last, which the root does not have.
PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS = 24, 38
root, user, environment, *command = sys.argv[1:]
prctl = ctypes.CDLL(None).prctl
os.chroot(root)
os.chdir("/")
capability = 0
while prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) == 0:
    capability += 1
prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
user, group = map(int, user.split(":"))
os.setgroups([])
os.setgid(group)
os.setuid(user)
os.execvpe(command[0], command, json.loads(environment))
"""


class Confined(Installed):
    """A container of the image that a stage describes, whose files are in `root`."""

    def __init__(self, stage, root, volume):
        [program] = stage.command("ENTRYPOINT")
        super().__init__([], stage.environment(), program)
        self.root, self.volume, self.place, self.user = root, volume, stage.one("VOLUME"), stage.one("USER")
        for made in ("proc", "dev"):
            (root / made).mkdir(exist_ok=True)

    def serve(self, *arguments):
        unshare = ["unshare", *NAMESPACES, "--fork", "--kill-child", "--propagation=private"]
        mounts = ["sh", "-c", MOUNTS, "sh", self.root, self.volume, self.place]
        enter = [sys.executable, "-c", ENTER, self.root, self.user, json.dumps(self.environment)]
        return [*unshare, *mounts, *enter, self.program, *arguments]

    def command(self, *arguments):
        """As `docker exec` runs it."""
        user, group = self.user.split(":")
        inside = ["--all", "--root", "--wd=/", f"--setuid={user}", f"--setgid={group}"]
        self.prefix = ["/usr/bin/nsenter", f"--target={self.first()}", *inside]
        return super().command(*arguments)

    def first(self):
        """The ID of the server's process, outside of its namespace."""
        return int(first_process(self.process))

    def terminate(self):
        os.kill(self.first(), signal.SIGTERM)

    def delete(self, token_id, secret):
        """Sends the document's request in the container's network. Returns the status."""
        port = self.environment["INFLUXDB3_HTTP_BIND_ADDR"].rpartition(":")[2]
        request = ["-X", "DELETE", "-H", "@-", f"http://127.0.0.1:{port}{PATH}?id={token_id}"]
        curl = ["curl", "-sS", "--noproxy", "*", "-o", "/dev/null", "-w", "%{http_code}", *request]
        done = subprocess.run(
            ["nsenter", f"--target={self.first()}", "--net", *curl],
            input=f"Authorization: Bearer {secret}", capture_output=True, text=True, timeout=60,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout

    def is_confined(self):
        """Whether the server is the first process, its root is read-only, and it has no privilege."""
        process = Path("/proc", str(self.first()))
        lines = (process / "status").read_text(encoding="utf-8").splitlines()
        fields = dict(line.split(":\t", 1) for line in lines if ":\t" in line)
        capabilities = [int(fields[name], 16) for name in ("CapPrm", "CapEff", "CapBnd", "CapAmb")]
        mounts = [line.split() for line in (process / "mountinfo").read_text(encoding="utf-8").splitlines()]
        [options] = [mount[5] for mount in mounts if mount[4] == "/"]
        return (
            fields["NSpid"].split()[-1] == "1"
            and "ro" in options.split(",")
            and fields["NoNewPrivs"] == "1"
            and not any(capabilities)
            and "0" not in fields["Uid"].split() + fields["Gid"].split() + fields["Groups"].split()
        )
