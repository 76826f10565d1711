#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The agent without one capability at a time: what it still sees, and that it names what it lacks.

    capabilities_test.py --write    also keeps the outcome, which docs/reference/capabilities.md is of
"""

import json
import os
import subprocess
import sys
import unittest

import harness
from harness import BIN, wait_for

KEPT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "capabilities.json")
GIVEN = ["BPF", "NET_ADMIN", "PERFMON"]  # what the chart and the unit give
RULES = """
- rule: Program ran
  desc: test
  condition: evt.type in (execve, execveat) and proc.args contains vakt-marked
  output: ran %proc.cmdline
  priority: NOTICE
- rule: Stream connected
  desc: test
  condition: evt.type = connect and fd.l4proto = tcp and proc.args contains vakt-stream
  output: connected to %fd.name
  priority: NOTICE
- rule: Datagram connected
  desc: test
  condition: evt.type = connect and fd.l4proto = udp and proc.args contains vakt-datagram
  output: connected to %fd.name
  priority: NOTICE
"""
FILE_RULE = """
- rule: File opened
  desc: test
  condition: evt.type in (open, openat, openat2) and fd.name endswith vakt-marked-file
  output: opened %fd.name
  priority: NOTICE
"""
CONNECT = ("import socket,sys\n"
           "server = socket.socket(); server.bind(('127.0.0.1', 0)); server.listen()\n"
           "kind = socket.SOCK_STREAM if sys.argv[1] == 'vakt-stream' else socket.SOCK_DGRAM\n"
           "socket.socket(socket.AF_INET, kind).connect(server.getsockname())\n")
# One row each: what is missing, whether tracefs is mounted where the agent looks, and whether a rule is
# about files, for then the exits of other calls are watched as well.
CASES = [("", True, True), ("BPF", True, True), ("NET_ADMIN", True, True), ("NET_ADMIN", True, False),
         ("PERFMON", True, True), ("", False, True), ("all", True, True)]
outcome = []


class Capabilities(harness.KernelTestCase):
    def start_with(self, capabilities, tracefs, files):
        """The agent as root with these capabilities alone, in a mount namespace of its own."""
        ready = self.path("agent.ready")
        if os.path.exists(ready):
            os.unlink(ready)
        limit = "-all" + "".join(f",+{name.lower()}" for name in capabilities)
        mount = "mount -t tracefs tracefs /sys/kernel/tracing" if tracefs else \
            "mount -t tmpfs none /sys/kernel/tracing"
        rules = self.rule_file(RULES + (FILE_RULE if files else ""))
        command = (f"{mount}; mount -t tmpfs none /sys/kernel/debug; exec setpriv --no-new-privs --bounding-set={limit} "
                   f"--inh-caps=-all {BIN}/vakt-agent --rules {rules} --scope {self.cgroup} --no-collector "
                   f"--state-dir {self.path('state')} --alerts {self.path('alerts.jsonl')} --ready-file {ready}")
        if os.path.exists(self.path("alerts.jsonl")):
            os.unlink(self.path("alerts.jsonl"))
        log = open(self.path("vakt-agent.log"), "wb")
        agent = subprocess.Popen(["unshare", "--mount", "sh", "-c", command], stdout=log, stderr=log)
        log.close()
        self.programs.append(agent)
        wait_for(lambda: os.path.exists(ready) or agent.poll() is not None, 60)
        return agent if agent.poll() is None else None

    def detected(self):
        self.act("true", "vakt-marked")
        self.act("sh", "-c", f": > {self.path('vakt-marked-file')}")
        for what in ("vakt-stream", "vakt-datagram"):
            self.act("/usr/bin/python3", "-c", CONNECT, what)
        self.act("true", "vakt-marked", "vakt-last")
        wait_for(lambda: any("vakt-last" in a["output"] for a in self.alerts()), 5)
        return sorted({alert["rule"] for alert in self.alerts()})

    def try_case(self, missing, tracefs, files):
        given = [] if missing == "all" else [name for name in GIVEN if name != missing]
        agent = self.start_with(given, tracefs, files)
        if agent is None:
            result = {"starts": False, "says": self.log_text("vakt-agent").strip().splitlines()[-1].split("vakt-agent: ")[-1]}
        else:
            status = self.status()
            result = {"starts": True, "state": status["state"], "detected": self.detected(),
                      "blind_spots": sorted(set(status.get("blind_spots", []))),
                      "named": [c["name"] for c in status["capabilities"] if c["state"] == "missing"]}
            harness.stop(agent)
            self.assertEqual(agent.returncode, 0, self.log_text("vakt-agent"))
        result["log"] = [name for name in ("CAP_BPF", "CAP_NET_ADMIN", "CAP_PERFMON")
                         if f"{name} is missing" in self.log_text("vakt-agent")]
        return result

    def test_each_capability_is_needed_for_what_the_agent_says(self):
        for missing, tracefs, files in CASES:
            with self.subTest(missing=missing, tracefs=tracefs, files=files):
                result = self.try_case(missing, tracefs, files)
                row = {"missing": missing, "tracefs": tracefs, "files": files, **result}
                lacking = GIVEN if missing == "all" else [missing] if missing else []
                self.assertEqual(result["log"], [f"CAP_{name}" for name in sorted(lacking)])
                if set(lacking) & {"BPF", "PERFMON"}:
                    self.assertFalse(result["starts"])
                    self.assertRegex(result["says"], "CAP_BPF|CAP_PERFMON")
                    outcome.append(row)
                    continue
                self.assertTrue(result["starts"], result)
                self.assertEqual(result["named"], [f"CAP_{name}" for name in lacking])
                lost = set() if files else {"File opened"}  # nobody asked for it
                if not tracefs:
                    lost.add("File opened")
                if missing == "NET_ADMIN" and not files:
                    lost.add("Datagram connected")
                whole = missing == "" and tracefs
                self.assertEqual(result["state"], "ready" if whole else "degraded", result)
                self.assertEqual(bool(result["blind_spots"]), not whole)
                everything = {"Datagram connected", "File opened", "Program ran", "Stream connected"}
                self.assertEqual(everything - set(result["detected"]), lost, result)
                outcome.append(row)

    @classmethod
    def tearDownClass(cls):
        if "--write" in cls.arguments and len(outcome) == len(CASES):
            with open(KEPT, "w") as file:
                json.dump({"kernel": os.uname().release.split("-")[0], "cases": outcome}, file, indent=1)
                file.write("\n")

    arguments = []


if __name__ == "__main__":
    Capabilities.arguments = [word for word in sys.argv if word == "--write"]
    unittest.main(argv=[word for word in sys.argv if word != "--write"], verbosity=2)
