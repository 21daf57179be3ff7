"""The Debian package, installed on a machine that systemd has booted."""

import json
import re
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

from tests.limits import within
from tests.packaging import binaries
from tests.packaging.booted import booted
from tests.server import ROOT
from tools import package

UNIT = ROOT / "ops/systemd/influxdb3-tokens.service"
STATE = "/var/lib/influxdb3-tokens"
UNIT_FOLDER = f"/etc/systemd/system/{UNIT.name}"
# On systemd's scale from 0 to 10. `systemd-analyze security` computes 1.2 with version 252.
GREATEST_EXPOSURE = 1.5
AS_THE_SERVER = ["setpriv", "--reuid=influxdb3-tokens", "--regid=influxdb3-tokens", "--clear-groups"]


class Package(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.package = package.debian(Path(folder.name), profile="dev", fast=True)

    def test_it_contains_what_an_administrator_expects(self):
        listed = output("dpkg-deb", "--contents", self.package)
        files = {line.split()[5]: line.split()[:2] for line in listed.splitlines()}
        for name, mode in {
            "./usr/bin/influxdb3-tokens": "-rwxr-xr-x",
            "./lib/systemd/system/influxdb3-tokens.service": "-rw-r--r--",
            "./etc/default/influxdb3-tokens": "-rw-r--r--",
            "./usr/share/doc/influxdb3-tokens/copyright": "-rw-r--r--",
            "./usr/share/doc/influxdb3-tokens/changelog.Debian.gz": "-rw-r--r--",
            "./usr/share/doc/influxdb3-tokens/changelog.gz": "-rw-r--r--",
        }.items():
            found = files.get(name) or files.get(f"./usr{name[1:]}")
            self.assertEqual(found, [mode, "0/0"], name)
        if "\n  completions" in output(binaries.dynamic(), "help"):
            self.assertIn("./usr/share/bash-completion/completions/influxdb3-tokens", files)
            self.assertIn("./usr/share/man/man1/influxdb3-tokens.1.gz", files)
        fields = output("dpkg-deb", "--field", self.package)
        version = json.loads(output("cargo", "metadata", "--no-deps", "--format-version=1"))["packages"][0]["version"]
        self.assertIn(f"Version: {version}-1\n", fields)
        self.assertRegex(fields, r"Depends: .*\badduser\b.*\blibc6 \(>= ")
        changelog = (ROOT / "ops/debian/changelog").read_text(encoding="utf-8")
        self.assertTrue(
            changelog.startswith(f"influxdb3-tokens ({version}-1) "), "the Debian changelog lacks this version"
        )

    def test_the_service_works_and_data_outlives_all_but_a_purge(self):
        with booted(self.package) as machine:
            machine.run("dpkg", "--install", "/package.deb")
            self.assertEqual(machine.property("ActiveState"), "active", machine.log())
            self.check_confinement(machine)
            operator = self.use(machine)
            self.check_restart(machine, operator)
            self.check_backup(machine)

            machine.run("sh", "-c", "echo INFLUXDB3_LOG_FORMAT=json >> /etc/default/influxdb3-tokens")
            machine.run("dpkg", "--install", "--force-confold", "/package.deb")
            self.assertEqual(machine.property("ActiveState"), "active", machine.log())
            self.use(machine, operator)
            self.assertIn('"message":"serving"', machine.log())

            machine.run("dpkg", "--remove", "influxdb3-tokens")
            self.assertNotEqual(machine.property("ActiveState"), "active")
            self.assertIn("tokens.db", machine.run("ls", STATE))
            machine.run("dpkg", "--install", "--force-confold", "/package.deb")
            self.use(machine, operator)

            machine.run("dpkg", "--purge", "influxdb3-tokens")
            for left in (
                STATE,
                "/etc/default/influxdb3-tokens",
                "/etc/systemd/system/multi-user.target.wants/influxdb3-tokens.service",
            ):
                self.assertNotEqual(machine.try_run("ls", left)[0], 0, left)
            self.assertNotEqual(machine.try_run("getent", "passwd", "influxdb3-tokens")[0], 0)

    def test_an_admin_token_is_read_from_a_file_of_root(self):
        with booted(self.package) as machine:
            secret = f"apiv3_{'A' * 86}"
            machine.run("mkdir", "--mode=700", "/etc/influxdb3-tokens", f"{UNIT_FOLDER}.d")
            token = "/etc/influxdb3-tokens/admin-token.json"
            machine.write(token, json.dumps({"token": secret, "name": "_admin"}))
            machine.run("chmod", "600", token)
            drop_in = (ROOT / "ops/systemd/admin-token.conf").read_text(encoding="utf-8")
            machine.write(f"{UNIT_FOLDER}.d/admin-token.conf", drop_in)
            machine.run("dpkg", "--install", "/package.deb")
            self.assertEqual(machine.property("ActiveState"), "active", machine.log())
            self.check_confinement(machine)
            self.use(machine, secret)
            self.check_tls(machine)

    def check_confinement(self, machine):
        self.assertIn("the sandbox is in force", machine.log())
        self.assertNotIn("WARN", machine.log())
        # Not before the server listens.
        self.assertEqual(machine.property("Type"), "notify")
        status = machine.run("cat", f"/proc/{machine.property('MainPID')}/status")
        fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
        self.assertEqual((fields["NoNewPrivs"], fields["Seccomp"], int(fields["CapBnd"], 16)), ("1", "2", 0))
        self.assertNotIn("0", fields["Uid"].split())
        self.assertEqual(machine.run("stat", "--format=%U %a", STATE).split(), ["influxdb3-tokens", "700"])

    def check_restart(self, machine, operator):
        """A reload does not end the server, and one that is killed comes back with its tokens."""
        machine.run("systemctl", "reload", "influxdb3-tokens")
        self.use(machine, operator)
        machine.run("systemctl", "kill", "--signal=KILL", "influxdb3-tokens")
        with within(60, "systemd to restart the server"):
            while (machine.property("NRestarts"), machine.property("ActiveState")) != ("1", "active"):
                pass
        self.use(machine, operator)

    def check_backup(self, machine):
        """The server takes part in a backup, under all of its restrictions."""
        copy = f"{STATE}/copy"
        machine.run(*AS_THE_SERVER, "influxdb3-tokens", "backup", copy, "--data-dir", STATE)
        machine.run(*AS_THE_SERVER, "influxdb3-tokens", "check", copy)
        self.assertNotIn("ERROR", machine.log())

    def check_tls(self, machine):
        """The service makes a certificate, and reads it again when it changes."""
        machine.run("sh", "-c", "echo INFLUXDB3_TLS_SELF_SIGNED=true >> /etc/default/influxdb3-tokens")
        machine.run("systemctl", "restart", "influxdb3-tokens")
        get = ["curl", "-sS", "-o", "/dev/null", "-w", "%{http_code}", "--cacert", f"{STATE}/tls/ca.pem"]
        self.assertEqual(machine.run(*get, "https://127.0.0.1:8181/"), "404")
        machine.run("sh", "-c", f"touch {STATE}/tls/*.pem")
        machine.run("systemctl", "reload", "influxdb3-tokens")
        with within(60, "the server to read its certificate again"):
            while "read the certificate for new connections" not in machine.log():
                pass
        self.assertEqual(machine.run(*get, "https://127.0.0.1:8181/"), "404")

    def use(self, machine, operator=None):
        """Creates a token and deletes it over HTTP. Returns the operator token's secret."""
        tokens = [*AS_THE_SERVER, "influxdb3-tokens"]
        here = ["--data-dir", STATE]
        machine.run(*tokens, "healthcheck", *here)
        if operator is None:
            created = machine.run(*tokens, "create", "--admin", "--format=json", *here)
            operator = json.loads(created)["token"]
        created = machine.run(
            *tokens, "create", "--name=sensor", "--permission=db:sensors:read", "--format=json", *here
        )
        url = f"http://127.0.0.1:8181/api/v3/configure/token?id={json.loads(created)['id']}"
        delete = ["curl", "-sS", "-o", "/dev/null", "-w", "%{http_code}", "-X", "DELETE", url]
        self.assertEqual(machine.run(*delete), "401")
        authorized = [*delete, "-H", f"Authorization: Bearer {operator}"]
        self.assertEqual(machine.run(*authorized), "204")
        self.assertEqual(machine.run(*authorized), "404")
        return operator


class Unit(unittest.TestCase):
    def test_systemd_finds_no_fault_in_the_unit(self):
        with tempfile.TemporaryDirectory() as folder:
            text = UNIT.read_text(encoding="utf-8")
            unit = Path(folder, UNIT.name)
            # Verification looks for the program, and for the manual page, which a package brings.
            text = text.replace("/usr/bin/influxdb3-tokens", str(binaries.dynamic()))
            unit.write_text(re.sub(r"(?m)^Documentation=.*\n", "", text), encoding="utf-8")
            drop_in = Path(folder, f"{UNIT.name}.d")
            drop_in.mkdir()
            shutil.copy(ROOT / "ops/systemd/admin-token.conf", drop_in)
            found = subprocess.run(
                ["systemd-analyze", "verify", "--man=no", unit], capture_output=True, text=True, timeout=60
            )
            about_it = [line for line in found.stderr.splitlines() if "influxdb3" in line]
            self.assertEqual((found.returncode, about_it), (0, []))

    def test_the_service_is_exposed_little(self):
        threshold = f"--threshold={int(GREATEST_EXPOSURE * 10)}"
        output("systemd-analyze", "security", "--offline=yes", "--no-pager", threshold, UNIT)


def output(*command):
    done = subprocess.run([*map(str, command)], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
