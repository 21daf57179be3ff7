"""Boots systemd in a copy of this machine's files, in namespaces of its own.

Its changes are in memory, and end with it.
"""

import contextlib
import subprocess
import tempfile
from pathlib import Path

from tests.limits import within
from tests.packaging import overlay

# systemd makes the loopback device of its network namespace work. A user namespace, which the service asks for, needs a
# root that is not a chroot's.
BOOT = f"""{overlay.SCRIPT}
mount --rbind /dev dev

mount -t sysfs sysfs sys
mount -t cgroup2 cgroup2 sys/fs/cgroup
mount -t tmpfs tmpfs run
mount -t tmpfs tmpfs tmp
# This would keep services from starting, and the machine's own from stopping.
rm -f usr/sbin/policy-rc.d etc/machine-id
echo 00000000000000000000000000000001 > etc/machine-id
printf '[Unit]\\nDefaultDependencies=no\\n' > etc/systemd/system/nothing.target
mkdir -p mnt/outside
pivot_root . mnt/outside
cp "/mnt/outside$2" /package.deb
umount -l /mnt/outside
# systemd leaves this to the manager of a container. Credentials of services are mounted in a namespace and propagate.
mount --make-rshared /
exec env -i container=test PATH=/usr/sbin:/usr/bin /lib/systemd/systemd --unit=nothing.target --show-status=no
"""
NAMESPACES = ["--mount", "--pid", "--cgroup", "--uts", "--ipc", "--net"]


class Machine:
    """A machine that has booted, with a package in `/package.deb` that is not installed."""

    def __init__(self, pid):
        self.pid = pid

    def try_run(self, *command, **options):
        """Runs a command as its superuser. Returns its exit code and its output."""
        inside = ["nsenter", f"--target={self.pid}", "--all", "env", "-C", "/", "-i", "HOME=/root", "LC_ALL=C.UTF-8"]
        inside += ["PATH=/usr/sbin:/usr/bin:/sbin:/bin", "DEBIAN_FRONTEND=noninteractive"]
        done = subprocess.run([*inside, *command], capture_output=True, text=True, timeout=60, cwd="/", **options)
        return done.returncode, done.stdout + done.stderr

    def run(self, *command, **options):
        """Runs a command that must succeed. Returns its output."""
        code, output = self.try_run(*command, **options)
        assert code == 0, f"{' '.join(command)}: {output}"
        return output

    def write(self, path, text):
        self.run("sh", "-c", 'cat > "$0"', path, input=text)

    def property(self, name, unit="influxdb3-tokens.service"):
        return self.run("systemctl", "show", "--value", f"--property={name}", unit).strip()

    def log(self):
        return self.run("journalctl", "--no-pager", "--unit=influxdb3-tokens")


@contextlib.contextmanager
def booted(package):
    """Boots a machine for the duration of the block."""
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryFile("w+") as log:
        boot = ["unshare", *NAMESPACES, "--fork", "--kill-child", "--propagation=private"]
        outer = subprocess.Popen(
            [*boot, "sh", "-c", BOOT, "sh", folder, str(package)], stdin=subprocess.DEVNULL, stdout=log, stderr=log
        )
        try:
            with within(60, "systemd to boot"):
                machine = Machine(first_process(outer))
                while machine.try_run("systemctl", "is-system-running")[0] != 0:
                    if outer.poll() is not None:
                        log.seek(0)
                        raise AssertionError(f"systemd did not boot: {log.read()}")
            yield machine
        finally:
            # The kernel ends the namespace's processes with the first, and its mounts with the last.
            outer.kill()
            outer.wait()


def first_process(outer):
    """The process that `unshare` forks, once it has."""
    children = Path(f"/proc/{outer.pid}/task/{outer.pid}/children")
    while True:
        listed = children.read_text(encoding="utf-8").split()
        if listed:
            return listed[0]
        if outer.poll() is not None:
            raise AssertionError("unshare failed")
