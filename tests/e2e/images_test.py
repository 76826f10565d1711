#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The container images: the same twice, nothing in them that runs commands, and a list of contents
that is true."""

import hashlib
import io
import json
import os
import pathlib
import subprocess
import tarfile
import unittest

import harness
import pod_runner


def layers(archive):
    """The configuration of an OCI archive's image, and its files: path -> contents (None: no file)."""
    files = {}
    with tarfile.open(archive) as image:
        def blob(digest):
            return image.extractfile("blobs/" + digest.replace(":", "/")).read()
        index = json.load(image.extractfile("index.json"))
        manifest = json.loads(blob(index["manifests"][0]["digest"]))
        for layer in manifest["layers"]:
            with tarfile.open(fileobj=io.BytesIO(blob(layer["digest"])), mode="r:*") as content:
                for member in content:
                    path = member.name.removeprefix("./")
                    files[path] = content.extractfile(member).read() if member.isreg() else None
        return json.loads(blob(manifest["config"]["digest"])), files


class Images(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        reason = "needs root" if os.geteuid() != 0 else pod_runner.why_not()
        if reason:
            raise unittest.SkipTest(reason)
        cls.archives = pod_runner.build_images()
        cls.images = {name: layers(archive) for name, archive in zip(("agent", "collector"), cls.archives)}

    def test_the_same_programs_make_the_same_images(self):
        again = os.path.join(pod_runner.IMAGES, "again")
        subprocess.run([os.path.join(harness.SOURCE, "scripts/build-images"), again], check=True,
                       env={**os.environ, "VAKT_BUILD_DIR": os.path.abspath(harness.BUILD)})
        for name in ("agent", "collector"):
            digests = [pathlib.Path(place, f"vakt-{name}.digest").read_text()
                       for place in (pod_runner.IMAGES, again)]
            self.assertEqual(*digests)
            self.assertRegex(digests[0], "^sha256:[0-9a-f]{64}$")
            print(f"vakt-{name}: {digests[0]} twice")

    def test_there_is_nothing_to_run_commands_with(self):
        for name, (_, files) in self.images.items():
            programs = {path for path in files if path.startswith(("usr/bin/", "usr/sbin/", "bin/", "sbin/"))}
            self.assertEqual(programs - {"usr/bin/", "usr/sbin/"},
                             {f"usr/bin/vakt-{name}", "usr/bin/vaktctl"})
            for path in files:
                self.assertFalse(path.startswith("etc/apt") or path == "var/lib/dpkg/status", path)

    def test_users_and_what_is_started(self):
        agent, collector = (self.images[name][0]["config"] for name in ("agent", "collector"))
        self.assertEqual(collector["User"], "65532:65532")
        self.assertEqual(agent["User"], "0:0")
        self.assertEqual(agent["Entrypoint"], ["/usr/bin/vakt-agent"])
        self.assertEqual(collector["Entrypoint"], ["/usr/bin/vakt-collector"])

    def test_the_agents_image_has_all_rules_and_no_tests_of_them(self):
        there = {path for path in self.images["agent"][1] if path.endswith(".yaml")}
        wanted = set()
        for folder, _, names in os.walk(harness.RULES):
            wanted |= {os.path.relpath(os.path.join(folder, n), harness.RULES) for n in names
                       if n.endswith(".yaml") and not n.endswith(".test.yaml")}
        self.assertEqual(there, {f"usr/share/vakt/rules/{path}" for path in wanted})

    def test_the_list_of_contents_is_true(self):
        for name, (_, files) in self.images.items():
            listed = json.loads(files["usr/share/doc/vakt/sbom.spdx.json"])
            packages = {p["name"]: p for p in listed["packages"]}
            described = {p.removeprefix("var/lib/dpkg/status.d/") for p in files
                         if p.startswith("var/lib/dpkg/status.d/") and files[p] is not None}
            self.assertEqual(set(packages) - {f"vakt-{name}", "vaktctl"}, described)
            self.assertTrue(packages["libc6"]["externalRefs"][0]["referenceLocator"].startswith("pkg:deb/debian/libc6@"))
            for program in (f"vakt-{name}", "vaktctl"):
                ours = [p for p in listed["packages"] if p["name"] == program and "checksums" in p]
                self.assertEqual([p["checksums"][0]["checksumValue"] for p in ours],
                                 [hashlib.sha256(files[f"usr/bin/{program}"]).hexdigest()])


if __name__ == "__main__":
    unittest.main(verbosity=2)
