#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What `cmake --install` puts where: each part what it needs, and no more."""

import os
import pathlib
import subprocess
import tempfile
import unittest

BUILD = os.environ["VAKT_BINARY_DIR"]
SOURCE = pathlib.Path(os.environ["VAKT_SOURCE_DIR"])


class Install(unittest.TestCase):
    def installed(self, component):
        """The files of a component, by their paths."""
        with tempfile.TemporaryDirectory(prefix="vakt-install-") as prefix:
            subprocess.run(["cmake", "--install", BUILD, "--prefix", prefix, "--component", component],
                           check=True, capture_output=True)
            paths = [path for path in pathlib.Path(prefix).rglob("*") if path.is_file()]
            for program in (path for path in paths if path.parent.name == "bin"):
                told = subprocess.run([program, "--version"], capture_output=True, text=True)
                self.assertEqual(told.returncode, 0, f"{program.name}: {told.stderr}")
            return {str(path.relative_to(prefix)) for path in paths}

    def programs(self, component):
        return {path for path in self.installed(component) if path.startswith("bin/")}

    def test_a_node_has_the_agent_its_rules_and_its_unit(self):
        files = self.installed("agent")
        rules = {path for path in files if path.startswith("share/vakt/rules/")}
        wanted = {f"share/vakt/{path.relative_to(SOURCE)}" for path in (SOURCE / "rules").rglob("*.yaml")
                  if not path.name.endswith(".test.yaml")}
        self.assertEqual(rules, wanted)
        self.assertEqual(files - rules, {"bin/vakt-agent", "bin/vaktctl", "lib/systemd/system/vakt-agent.service",
                                         "share/doc/vakt/agent/agent.yaml"})

    def test_the_collector(self):
        self.assertEqual(self.installed("collector"),
                         {"bin/vakt-collector", "bin/vaktctl", "lib/systemd/system/vakt-collector.service",
                          "share/doc/vakt/collector/collector.yaml"})

    def test_the_reader_of_program_files_is_the_analysts_alone(self):
        self.assertEqual(self.programs("analyst"), {"bin/vaktctl", "bin/vakt-symbols"})


if __name__ == "__main__":
    unittest.main()
