#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The wall clock of a node is set by ten years, forward and back, under a running agent and between
two runs. (clock_shift.so, preloaded, moves the clock that the agent sees, and no other.)"""

import json
import os
import struct
import unittest

import harness
from harness import KernelTestCase, free_port, stop, wait_for

TEN_YEARS_S = 10 * 365 * 86400
NS = 10**9
RULE = """
- rule: Numbered act
  desc: test
  condition: evt.type in (execve, execveat) and proc.name = true and proc.args startswith act-
  output: "%proc.args"
  priority: ERROR
"""


class Clock(KernelTestCase):
    def setUp(self):
        super().setUp()
        self.port = free_port()
        self.acts = 0
        with open(self.path("shift"), "wb") as file:
            file.write(bytes(8))

    def shift(self, seconds):
        """Sets the agent's clock to the machine's plus so much."""
        with open(self.path("shift"), "r+b") as file:
            file.write(struct.pack("<q", seconds * NS))

    def agent(self):
        environment = {**os.environ, "VAKT_CLOCK_SHIFT": self.path("shift"),
                       "LD_PRELOAD": os.path.join(harness.BUILD, "tests/clock_shift.so")}
        return self.start_agent("--collector", f"127.0.0.1:{self.port}", *self.tls("agent"),
                                "--heartbeat", "500ms", "--node-name", os.uname().nodename,
                                rules=[self.rule_file(RULE)], alone=False, env=environment)

    def stored(self, *flags):
        out = self.vaktctl(self.port, "alerts", "query", "--format", "json", "--limit", "100000",
                           *flags, check=False)
        if out.returncode != 0:
            return []
        return [json.loads(line) for line in out.stdout.splitlines()]

    def act_and_find(self):
        """One act more; waits until exactly all of them are stored."""
        self.acts += 1
        self.act("/bin/true", f"act-{self.acts}")

        def outputs():
            return sorted(record["output"].split("act-")[1].split()[0] for record in
                          self.stored("--rule", "Numbered act"))
        expected = sorted(str(number + 1) for number in range(self.acts))
        wait_for(lambda: outputs() == expected, 20, 0.2)
        self.assertEqual(outputs(), expected)

    def steps(self):
        """How far the clock was set each time, in seconds, as the node told it."""
        gaps = [record["gap"] for record in self.stored("--gaps") if "gap" in record]
        return [int(gap["step_ns"]) / NS for gap in gaps if int(gap["step_ns"])]

    def expect_steps(self, *seconds):
        wait_for(lambda: len(self.steps()) >= len(seconds), 20, 0.2)
        self.assertEqual([round(step / 60) for step in sorted(self.steps())],
                         [round(step / 60) for step in sorted(seconds)])

    def test_under_a_running_agent(self):
        self.start_collector(self.port)
        agent = self.agent()
        self.act_and_find()
        self.shift(TEN_YEARS_S)
        self.act_and_find()
        self.expect_steps(TEN_YEARS_S)
        self.shift(-TEN_YEARS_S)
        self.act_and_find()
        self.expect_steps(TEN_YEARS_S, -2 * TEN_YEARS_S)
        before = self.heartbeat()
        self.assertTrue(wait_for(lambda: self.heartbeat() != before, 20, 0.2), "no heartbeats")
        self.shift(0)
        self.act_and_find()
        self.expect_steps(TEN_YEARS_S, -2 * TEN_YEARS_S, TEN_YEARS_S)
        self.assertEqual(stop(agent), 0)

    def test_between_two_runs(self):
        """What cannot be delivered because no certificate is valid then waits, and comes."""
        self.start_collector(self.port)
        self.assertEqual(stop(self.agent()), 0)
        for shift in (TEN_YEARS_S, -TEN_YEARS_S):
            self.shift(shift)
            agent = self.agent()
            self.acts += 1
            self.act("/bin/true", f"act-{self.acts}")
            self.wait_alert("Numbered act", self.acts)
            self.assertTrue(wait_for(lambda: self.stats()["spool_pending_records"] > 0, 20, 0.1))
            self.assertEqual(stop(agent), 0)
        self.shift(0)
        self.agent()
        self.act_and_find()
        rules = {record.get("rule", "") for record in self.stored()}
        self.assertFalse([rule for rule in rules if "stream" in rule], "alerts about the chain")

    def heartbeat(self):
        return self.vaktctl(self.port, "nodes", "--format", "json").stdout


if __name__ == "__main__":
    unittest.main(verbosity=2)
