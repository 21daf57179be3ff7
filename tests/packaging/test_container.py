"""The stages of the Dockerfile, in roots of their own instead of an engine."""

import json
import os
import re
import stat
import subprocess
import tempfile
import unittest
from pathlib import Path

from tests.packaging import binaries
from tests.packaging.building import build_stage, context
from tests.packaging.confined import Confined
from tests.packaging.dockerfile import FinalStage, stages
from tests.packaging.session import Installed, status, use
from tests.server import ROOT
from tools import stamps


class Container(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
        cls.stage = FinalStage(cls.text)

    def setUp(self):
        self.root = Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.image = self.root / "image"
        self.image.mkdir()
        self.root.chmod(0o755)
        self.stage.lay_out(self.image, build_stage())

    def enterContext(self, context):
        value = context.__enter__()
        self.addCleanup(context.__exit__, None, None, None)
        return value

    def installed(self, **environment):
        [program, *arguments] = self.stage.command("ENTRYPOINT")
        self.assertEqual(arguments, [])
        # Ports that are free, on this machine's own address.
        ports = {"INFLUXDB3_HTTP_BIND_ADDR": "127.0.0.1:0", "INFLUXDB3_TOKENS_OPS_BIND": "127.0.0.1:0"}
        chroot = ["/usr/sbin/chroot", f"--userspec={self.stage.one('USER')}", self.image]
        return Installed(chroot, {**self.stage.environment(), **ports, **environment}, program)

    def test_the_server_is_used_as_the_image_says(self):
        installed = self.installed()
        health = self.stage.command("HEALTHCHECK")
        self.assertEqual(health, [installed.program, "healthcheck"])
        with installed.serving(*self.stage.command("CMD")) as served:
            operator = use(self, installed, served.address)
            self.assertEqual(status(f"{served.operations}/health"), 200)
        self.assertEqual(installed.run(*health[1:])[0], 1)
        with installed.serving(*self.stage.command("CMD")) as served:
            use(self, installed, served.address, operator)

    def test_the_data_is_in_the_volume_and_nothing_else_is_written(self):
        volume = self.image / self.stage.one("VOLUME").lstrip("/")
        # As a new volume in a cluster: it belongs to root, and its group may write to it.
        os.chown(volume, 0, 65532)
        volume.chmod(0o2775)
        before = self.files()
        installed = self.installed()
        with installed.serving(*self.stage.command("CMD")) as served:
            use(self, installed, served.address)
        added = self.files() - before
        self.assertTrue(added)
        self.assertEqual({path for path in added if volume not in path.parents}, set())
        data = self.image / self.stage.environment()["INFLUXDB3_DB_DIR"].lstrip("/")
        self.assertEqual(data.stat().st_mode & 0o7777 & ~0o2000, 0o700)

    def test_it_runs_as_the_compose_file_confines_it(self):
        service = binaries.yaml(ROOT / "ops/docker/compose.yaml")["services"]["influxdb3-tokens"]
        self.assertEqual((service["read_only"], service["cap_drop"]), (True, ["ALL"]))
        self.assertEqual(service["security_opt"], ["no-new-privileges:true"])
        # A new volume, as an engine makes it of the image's directory.
        mount_point = self.image / self.stage.one("VOLUME").lstrip("/")
        volume = self.root / "volume"
        volume.mkdir(mode=stat.S_IMODE(mount_point.stat().st_mode))
        os.chown(volume, mount_point.stat().st_uid, mount_point.stat().st_gid)
        container = Confined(self.stage, self.image, volume)
        before = self.files()
        with container.serving(*self.stage.command("CMD")) as served:
            self.assertTrue(container.is_confined())
            # Its network is its own, so the ports of the image are free.
            self.assertEqual(served.address, f"http://{container.environment['INFLUXDB3_HTTP_BIND_ADDR']}")
            self.assertEqual(container.run(*self.stage.command("HEALTHCHECK")[1:]), (0, ""))
            operator = container.created("--admin")
            token = container.created("--name", "sensor", "--permission", "db:sensors:read")
            self.assertEqual(container.delete(token["id"], "unknown"), "401")
            self.assertEqual(container.delete(token["id"], operator["token"]), "204")
        self.assertEqual(self.files(), before)
        # The next container has the volume.
        with container.serving(*self.stage.command("CMD")):
            self.assertEqual(container.delete(token["id"], operator["token"]), "404")

    def test_a_name_is_looked_up_in_the_hosts_file_that_an_engine_writes(self):
        (self.image / "etc").mkdir()
        (self.image / "etc/hosts").write_text("127.0.0.1 localhost tokens.example\n", encoding="utf-8")
        with self.installed(INFLUXDB3_HTTP_BIND_ADDR="tokens.example:0").serving("serve") as served:
            self.assertRegex(served.address, r"^http://127\.0\.0\.1:\d+$")

    def test_the_image_has_no_root_no_shell_and_pinned_bases(self):
        self.assertRegex(self.stage.one("USER"), r"^[1-9]\d*:[1-9]\d*$")
        self.assertEqual(self.stage.one("FROM"), "scratch")
        for base in (stage.one("FROM").split()[0] for stage in stages(self.text)):
            if base != "scratch":
                channel = re.search(r'channel = "(.*)"', (ROOT / "rust-toolchain.toml").read_text(encoding="utf-8"))[1]
                self.assertTrue(base.startswith(f"rust:{channel}-"), base)
        environment = self.stage.environment()
        ports = {environment[name].rpartition(":")[2] for name in environment if "BIND" in name}
        self.assertEqual(ports, set(self.stage.one("EXPOSE").split()))
        self.assertEqual(
            Path(environment["INFLUXDB3_DB_DIR"]).parent, Path(self.stage.one("VOLUME")), "the data is below the volume"
        )

    def files(self):
        return set(self.image.rglob("*"))


class Context(unittest.TestCase):
    def test_no_secret_and_no_build_reaches_the_engine(self):
        ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
        for wanted in (".git", "**/target", "data", ".env", "**/*-token.json"):
            self.assertIn(wanted, ignored)

    def test_the_sources_that_reach_the_engine_can_be_built(self):
        with tempfile.TemporaryDirectory() as folder:
            sources = context(Path(folder))
            recorded = (sources / "generated/inputs.sha256").read_text(encoding="utf-8")
            self.assertEqual(stamps.listing(stamps.files_in(sources / "api"), sources), recorded)
            metadata = ["cargo", "metadata", "--locked", "--offline", "--format-version=1"]
            done = subprocess.run(metadata, cwd=sources, capture_output=True, text=True, timeout=60)
            self.assertEqual(done.returncode, 0, done.stderr)
            own = [package for package in json.loads(done.stdout)["packages"] if package["source"] is None]
            for package in own:
                for target in package["targets"]:
                    self.assertTrue(Path(target["src_path"]).is_file(), target["src_path"])
            # The compiler of protocol buffers, as Cargo finds it.
            self.assertTrue(os.access(sources / "tools/protoc/protoc", os.X_OK))
            self.assertIn("tools/protoc/protoc", (sources / ".cargo/config.toml").read_text(encoding="utf-8"))


class Compose(unittest.TestCase):
    def test_the_example_has_the_ports_and_the_volume_of_the_image(self):
        stage = FinalStage((ROOT / "Dockerfile").read_text(encoding="utf-8"))
        service = binaries.yaml(ROOT / "ops/docker/compose.yaml")["services"]["influxdb3-tokens"]
        self.assertEqual([port.rpartition(":")[2] for port in service["ports"]], stage.one("EXPOSE").split())
        self.assertEqual([volume.partition(":")[2] for volume in service["volumes"]], [stage.one("VOLUME")])
        self.assertTrue(service["read_only"])
        installed = Installed([], {"PATH": os.environ["PATH"]}, binaries.static())
        code, output = installed.run(*service["command"], "--help")
        self.assertEqual(code, 0, output)


if __name__ == "__main__":
    unittest.main()
