"""The Kubernetes manifests: against Kubernetes' schemas, and the pod's files as a kubelet lays them out."""

import json
import os
import re
import tempfile
import unittest
from pathlib import Path

from tests.packaging import binaries
from tests.packaging.building import build_stage
from tests.packaging.dockerfile import FinalStage
from tests.packaging.session import Installed, status, use
from tests.server import ROOT

FOLDER = ROOT / "ops/kubernetes"


class Manifests(unittest.TestCase):
    def setUp(self):
        self.documents = {
            document["kind"]: document for document in binaries.documents(FOLDER / "influxdb3-tokens.yaml")
        }
        self.pod = self.documents["StatefulSet"]["spec"]["template"]["spec"]
        [self.container] = self.pod["containers"]
        self.image = FinalStage((ROOT / "Dockerfile").read_text(encoding="utf-8"))

    def test_they_fulfil_the_schemas_of_kubernetes(self):
        import kubernetes_validate

        # The oldest and the newest version that the package knows and that has all of these kinds.
        for document in self.documents.values():
            for version in ("1.28", kubernetes_validate.latest_version()):
                kubernetes_validate.validate(document, version, strict=True)

    def test_the_pod_is_confined_and_has_one_server(self):
        self.assertEqual(self.documents["StatefulSet"]["spec"]["replicas"], 1)
        pod, container = self.pod["securityContext"], self.container["securityContext"]
        self.assertEqual(f"{pod['runAsUser']}:{pod['runAsGroup']}", self.image.one("USER"))
        self.assertTrue(pod["runAsNonRoot"])
        self.assertEqual(pod["seccompProfile"], {"type": "RuntimeDefault"})
        self.assertEqual(container["capabilities"], {"drop": ["ALL"]})
        self.assertTrue(container["readOnlyRootFilesystem"])
        self.assertFalse(container["allowPrivilegeEscalation"])
        self.assertFalse(self.pod["automountServiceAccountToken"])

    def test_ports_volumes_and_the_version_are_those_of_the_image(self):
        ports = {str(port["containerPort"]) for port in self.container["ports"]}
        self.assertEqual(ports, set(self.image.one("EXPOSE").split()))
        mounts = {mount["name"]: mount["mountPath"] for mount in self.container["volumeMounts"]}
        self.assertEqual(mounts["data"], self.image.one("VOLUME"))
        version = re.search(r'(?m)^version = "(.*)"', (ROOT / "server/Cargo.toml").read_text(encoding="utf-8"))[1]
        compose = binaries.yaml(ROOT / "ops/docker/compose.yaml")["services"]["influxdb3-tokens"]
        self.assertEqual({self.container["image"], compose["image"]}, {f"influxdb3-tokens:{version}"})
        monitor = binaries.yaml(FOLDER / "servicemonitor.yaml")["spec"]
        service = self.documents["Service"]
        self.assertEqual(monitor["selector"]["matchLabels"], service["metadata"]["labels"])
        self.assertIn(monitor["endpoints"][0]["port"], [port["name"] for port in service["spec"]["ports"]])

    def test_the_container_starts_with_a_secret_as_it_is_mounted_by_default(self):
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder, "image")
            root.mkdir()
            Path(folder).chmod(0o755)
            self.image.lay_out(root, build_stage())
            for mount in self.container["volumeMounts"]:
                path = root / mount["mountPath"].lstrip("/")
                path.mkdir(parents=True, exist_ok=True)
                if mount["name"] == "data":
                    # What fsGroup makes of a new volume.
                    os.chown(path, 0, self.pod["securityContext"]["fsGroup"])
                    path.chmod(0o2775)
            operator = {"token": f"apiv3_{'A' * 86}", "name": "_admin"}
            mount_secret(root / "etc/influxdb3-tokens", "admin-token.json", json.dumps(operator))

            ports = {"INFLUXDB3_HTTP_BIND_ADDR": "127.0.0.1:0", "INFLUXDB3_TOKENS_OPS_BIND": "127.0.0.1:0"}
            [program] = self.image.command("ENTRYPOINT")
            chroot = ["/usr/sbin/chroot", f"--userspec={self.image.one('USER')}", root]
            installed = Installed(chroot, {**self.image.environment(), **ports}, program)
            with installed.serving(*self.container["args"]) as served:
                use(self, installed, served.address, operator)
                for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
                    path = self.container[probe]["httpGet"]["path"]
                    self.assertEqual(status(f"{served.operations}{path}"), 200, probe)


def mount_secret(folder, name, text):
    """Writes a secret as a kubelet does: with the mode 0644, behind two links."""
    version = folder / "..2026_11_27_00_00_00.000000001"
    version.mkdir()
    (version / name).write_text(text, encoding="utf-8")
    (version / name).chmod(0o644)
    (folder / "..data").symlink_to(version.name)
    (folder / name).symlink_to(f"..data/{name}")
