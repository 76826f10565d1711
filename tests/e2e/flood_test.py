#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Noise cannot bury the signal: while processes open files as fast as they can, with rules that ask
for each of these opens, no critical act is lost. VAKT_PLANTS=1000 VAKT_FLOOD_SECONDS=60 is the whole
of it; the CI does less."""

import collections
import os
import re
import subprocess
import time
import unittest

import harness
from harness import KernelTestCase, wait_for

PLANTS = int(os.environ.get("VAKT_PLANTS", "100"))
SECONDS = float(os.environ.get("VAKT_FLOOD_SECONDS", "5"))
FLOODERS = 2

RULES = """
- rule: Planted command
  desc: test
  condition: evt.type in (execve, execveat) and proc.args startswith vakt-planted
  output: ran %proc.args.
  priority: NOTICE
- rule: Marked file opened by nobody
  desc: asks for each open of the flood, and for what the kernel cannot judge
  condition: evt.type in (open, openat, openat2) and fd.name endswith vakt-marked and evt.num < 0
  output: opened %fd.name
  priority: NOTICE
"""


class Flood(KernelTestCase):
    def test_no_critical_act_is_lost_while_files_are_opened_flat_out(self):
        marked = self.path("vakt-marked")
        with open(marked, "w"):
            pass
        self.start_agent(rules=[harness.RULES, self.rule_file(RULES)])
        actor = os.path.join(harness.BUILD, "tests/churn_actor")
        flooders = [subprocess.Popen([actor, f"flooder{i}", "flood", marked],
                                     preexec_fn=self.enter_cgroup) for i in range(FLOODERS)]
        try:
            begin = time.monotonic()
            for plant in range(PLANTS):
                self.act("/bin/true", f"vakt-planted-{plant}")
                time.sleep(max(0.0, begin + (plant + 1) * SECONDS / PLANTS - time.monotonic()))
        finally:
            for flooder in flooders:
                flooder.kill()
                flooder.wait()
        self.wait_alert("Planted command", PLANTS, 60)
        told = collections.Counter(
            int(re.search(r"vakt-planted-(\d+)\.", alert["output"]).group(1))
            for alert in self.alerts() if alert["rule"] == "Planted command")
        self.assertEqual(told, collections.Counter(range(PLANTS)))

        def settled():
            stats = self.stats()
            return stats if stats["events_hook_hits_total"] == sum(
                stats[f"events_{part}_total"] for part in ("filtered", "delivered", "lost")) else None
        stats = wait_for(settled, 20, 0.2)
        self.assertIsNotNone(stats, self.stats())
        opened = self.kind(stats, "hook_hits", "file_open")
        self.assertGreater(opened, SECONDS * 50_000, "the flood was none")
        for kind in ("process_fork", "process_exec", "process_exit"):
            self.assertEqual(self.kind(stats, "lost", kind), 0, kind)
        print(f"{PLANTS} planted, {len(told)} told; {opened} opens, of which "
              f"{self.kind(stats, 'lost', 'file_open')} were lost and counted")

    @staticmethod
    def kind(stats, what, kind):
        return sum(value for name, value in stats.items()
                   if name.startswith(f"events_{what}_total") and name != f"events_{what}_total" and
                   kind in name)


if __name__ == "__main__":
    unittest.main()
