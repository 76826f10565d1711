#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Falco's upstream rule files, unmodified, on the real kernel. The files are test input from beside
the repository (VAKT_FALCO_RULES_DIR); where they are absent the test is skipped and says so."""

import os
import shutil
import subprocess
import unittest

import harness
from harness import KernelTestCase

FOLDER = os.environ.get("VAKT_FALCO_RULES_DIR") or os.path.join(
    harness.SOURCE, "../shared/data/falco-rules")
FILES = [os.path.join(FOLDER, name)
         for name in ("falco_rules.yaml", "falco-incubating_rules.yaml")]


class UpstreamRules(KernelTestCase):
    def setUp(self):
        for file in FILES:
            if not os.path.exists(file):
                self.skipTest(f"{file} is absent")
        super().setUp()
        self.start_agent(rules=FILES)

    def test_sensitive_file(self):
        self.act("cat", "/etc/shadow", stdout=subprocess.DEVNULL)
        [alert] = self.wait_alert("Read sensitive file untrusted")
        self.assertEqual(alert["output_fields"]["fd.name"], "/etc/shadow")
        self.assertEqual(alert["output_fields"]["proc.name"], "cat")

    def test_fileless_execution(self):
        self.act("python3", "-c", """
import os
fd = os.memfd_create("payload", 0)
os.write(fd, open("/bin/true", "rb").read())
os.execve(fd, ["innocent"], {})
""")
        [alert] = self.wait_alert("Fileless execution via memfd_create")
        self.assertEqual(alert["priority"], "Critical")

    def test_execution_from_shared_memory(self):
        program = f"/dev/shm/vakt-e2e-upstream-{os.getpid()}"
        shutil.copy("/bin/true", program)
        self.addCleanup(os.unlink, program)
        self.act(program)
        self.wait_alert("Execution from /dev/shm")

    def test_search_for_private_keys(self):
        self.act("find", self.dir, "-name", "id_rsa")
        self.wait_alert("Search Private Keys or Passwords")


if __name__ == "__main__":
    unittest.main(verbosity=2)
