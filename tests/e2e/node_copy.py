# SPDX-License-Identifier: Apache-2.0
"""Shell scripts in a throwaway copy of this machine (root_copy.sh) under the eyes of an agent, for
tests of rules: whatever a script does to files, the network and other processes, it does to a copy."""

import os
import subprocess

import harness
from harness import KernelTestCase

HERE = os.path.dirname(os.path.abspath(__file__))
SENTINEL = "Vakt demonstration"
SENTINEL_RULES = (os.path.join(harness.RULES, "macros"), os.path.join(harness.RULES, "demonstration"))
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class NodeCopyCase(KernelTestCase):
    maxDiff = None

    def setUp(self):
        super().setUp()
        self.runs = 0
        # Named as a container runtime names its groups, so what runs in it counts as a container.
        self.container = os.path.join(self.cgroup, f"docker-{'ab' * 32}.scope")
        os.mkdir(self.container)

    def tearDown(self):
        super().tearDown()
        if os.path.exists(self.container):
            harness.wait_for(self._remove_container, 5)

    def _remove_container(self):
        try:
            os.rmdir(self.container)
        except OSError:
            return False
        return True

    def run_in_copy(self, name, script, preparation="", in_container=False, seconds=120):
        """Runs `script` where the agent sees it, after `preparation`, where it does not; the exit
        status of `script`."""
        self.runs += 1
        directory = self.path(f"copy{self.runs}")
        os.mkdir(directory)
        scripts = [self.script_file(f"preparation{self.runs}.sh", preparation),
                   self.script_file(f"script{self.runs}.sh", script)]
        cgroup = self.container if in_container else self.cgroup
        group = "/" + os.path.relpath(self.cgroup, harness.cgroup_root())
        environment = {"PATH": PATH, "HOME": "/root", "LC_ALL": "C", "CGROUP": self.cgroup,
                       "DEBIAN_FRONTEND": "noninteractive",
                       "CONTAINER_CGROUP": f"{group}/docker-{'cd' * 32}.scope"}
        with open(self.path("scripts.log"), "ab") as log:
            log.write(f"\n==== {name}\n".encode())
            log.flush()
            return subprocess.run(["sh", os.path.join(HERE, "root_copy.sh"), directory, cgroup,
                                   *scripts], cwd="/", env=environment, stdin=subprocess.DEVNULL,
                                  stdout=log, stderr=subprocess.STDOUT, timeout=seconds).returncode

    def script_file(self, name, text):
        with open(self.path(name), "w") as file:
            file.write(text)
        return self.path(name)

    def end_of_log(self):
        with open(self.path("scripts.log"), errors="replace") as log:
            return log.read()[-1500:]

    def alerts_until_now(self):
        """All alerts but the sentinels': behind a new one, all that was done has been evaluated."""
        self.act("true", f"vakt-demonstration-{self.runs}")
        harness.wait_for(lambda: f"vakt-demonstration-{self.runs} " in self._text_of_alerts(), 30)
        self.assertIn(f"vakt-demonstration-{self.runs} ", self._text_of_alerts())
        return [alert for alert in self.alerts() if alert["rule"] != SENTINEL]

    def _text_of_alerts(self):
        try:
            with open(self.path("alerts.jsonl"), errors="replace") as alerts:
                return alerts.read()
        except FileNotFoundError:
            return ""
