#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Rules over several events on real ones: what a throttle holds back is told, and counts and
sequences fire when, and only when, their events came in time, in order and by one key."""

import json
import os
import time
import unittest

from harness import KernelTestCase, free_port, stop, wait_for

RULES = """
- rule: Throttled
  desc: test
  condition: evt.type in (open, openat) and fd.name startswith {home}/throttled
  output: "%fd.name"
  priority: ERROR
  throttle: {{alerts: 2, per: 2s, by: [fd.name]}}

- rule: Three and a program
  desc: test
  condition: evt.type in (open, openat) and fd.name = {home}/counted
  output: "by %proc.pid %proc.name"
  priority: ERROR
  correlate:
    count: 3
    within: 5s
    by: [proc.pid]
    then:
      - evt.type in (execve, execveat) and proc.name = true
"""

# Opens the file argv[2] times, waits for argv[3] seconds, and becomes the program argv[4].
ACT = r"""
import os, sys, time
for _ in range(int(sys.argv[2])): os.close(os.open(sys.argv[1], os.O_RDONLY))
time.sleep(float(sys.argv[3]))
os.execv(sys.argv[4], [sys.argv[4]])
"""


class Correlate(KernelTestCase):
    def setUp(self):
        super().setUp()
        self.home = self.path("home")
        os.mkdir(self.home)
        for name in ("throttled-a", "throttled-b", "counted"):
            open(os.path.join(self.home, name), "w").close()
        self.rules = [self.rule_file(RULES.format(home=self.home))]

    def throttled(self, key):
        """The alerts about this file, then the summaries."""
        alerts = [a for a in self.alerts() if a["rule"] == "Throttled" and key in json.dumps(a)]
        summaries = [a for a in alerts if "suppressed" in a["output_fields"]]
        return [a for a in alerts if a not in summaries], summaries

    def open_often(self, name, times):
        self.act("sh", "-c", f"i=0; while [ $i -lt {times} ]; do : < {self.home}/{name}; i=$((i+1)); done")

    def test_what_a_throttle_holds_back_is_told(self):
        self.start_agent(rules=self.rules)
        self.open_often("throttled-a", 10)
        self.open_often("throttled-b", 2)
        self.assertTrue(wait_for(lambda: self.throttled("throttled-a")[1], 10))
        passed, [summary] = self.throttled("throttled-a")
        self.assertEqual(len(passed), 2)
        self.assertIn("suppressed 8 in 2s", summary["output"])
        self.assertEqual(summary["output_fields"]["suppressed"], 8)
        self.assertEqual(summary["output_fields"]["fd.name"], f"{self.home}/throttled-a")
        # The other file has a bucket of its own, and nothing of it was held back.
        passed, summaries = self.throttled("throttled-b")
        self.assertEqual((len(passed), summaries), (2, []))
        self.assertEqual(self.stats()["alerts_suppressed_total"], 8)

    def test_what_is_held_back_is_told_when_the_agent_stops(self):
        agent = self.start_agent(rules=self.rules)
        self.open_often("throttled-a", 7)
        self.assertTrue(wait_for(lambda: len(self.throttled("throttled-a")[0]) == 2))
        self.assertEqual(stop(agent), 0)
        _, summaries = self.throttled("throttled-a")
        self.assertEqual([s["output_fields"]["suppressed"] for s in summaries], [5])

    def test_summaries_and_chains_reach_the_collector(self):
        port = free_port()
        self.start_collector(port)
        self.start_agent("--collector", f"127.0.0.1:{port}", *self.tls("agent"), "--node-name",
                         os.uname().nodename, rules=self.rules, alone=False)
        self.open_often("throttled-a", 6)
        self.program(3, "/usr/bin/true")

        def stored():
            out = self.vaktctl(port, "alerts", "query", "--format", "json", "--limit", "1000",
                               check=False)
            return out.stdout if out.returncode == 0 else ""
        self.assertTrue(wait_for(lambda: "suppressed 4 in 2s" in stored() and
                                 "Three and a program" in stored(), 20, 0.2), stored())
        records = [json.loads(line) for line in stored().splitlines()]
        [chain] = [record["uid"] for record in records if record["rule"] == "Three and a program"]
        self.assertIn("3 matches since", self.vaktctl(port, "alerts", "get", chain).stdout)
        [summary] = [record["uid"] for record in records if "suppressed" in record["output_fields"]]
        self.assertIn("4 alerts held back", self.vaktctl(port, "alerts", "get", summary).stdout)

    def program(self, opens, program, pause=0.0):
        self.act("python3", "-c", ACT, f"{self.home}/counted", str(opens), str(pause), program)

    def chains(self):
        return [a for a in self.alerts() if a["rule"] == "Three and a program"]

    def test_counts_and_sequences_fire_on_what_they_describe(self):
        self.start_agent(rules=self.rules)
        self.program(2, "/usr/bin/true")        # too few
        self.program(3, "/usr/bin/id")          # another program
        self.program(1, "/usr/bin/true")        # three in all, by different processes
        self.program(3, "/usr/bin/true", 5.5)   # too late
        self.assertEqual(self.chains(), [])
        self.program(4, "/usr/bin/true")
        [alert] = self.wait_alert("Three and a program")
        self.assertEqual(alert["output_fields"]["proc.name"], "true")
        self.program(3, "/usr/bin/true")
        self.assertEqual(len(self.wait_alert("Three and a program", 2)), 2)
        time.sleep(0.5)
        self.assertEqual(len(self.chains()), 2)


if __name__ == "__main__":
    unittest.main(verbosity=2)
