#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Noise cannot bury the signal: while processes open files as fast as they can, and the kernel leaves
none of these opens out (--prefilter off), no critical act is lost. VAKT_PLANTS=1000 VAKT_FLOOD_SECONDS=60 is the whole
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
"""


class Flood(KernelTestCase):
    def test_no_critical_act_is_lost_while_files_are_opened_flat_out(self):
        self.flood(PLANTS, nice=0)

    def test_nor_when_who_opens_them_has_the_highest_priority(self):
        lost = self.flood(PLANTS // 4, "--ring-bytes", "1MiB", nice=-20)  # starved as well
        self.assertGreater(lost, 0, "the agent kept up: the rings did not overflow")

    def flood(self, plants, *flags, nice):
        """How many opens were lost."""
        marked = self.path("vakt-marked")
        with open(marked, "w"):
            pass
        self.start_agent("--prefilter", "off", *flags, rules=[harness.RULES, self.rule_file(RULES)])
        actor = os.path.join(harness.BUILD, "tests/churn_actor")

        def begin_flooder():
            self.enter_cgroup()
            os.nice(nice)
        flooders = [subprocess.Popen([actor, f"flooder{i}", "flood", marked],
                                     preexec_fn=begin_flooder) for i in range(FLOODERS)]
        try:
            begin = time.monotonic()
            for plant in range(plants):
                self.act("/bin/true", f"vakt-planted-{plant}")
                time.sleep(max(0.0, begin + (plant + 1) * SECONDS / plants - time.monotonic()))
        finally:
            for flooder in flooders:
                flooder.kill()
                flooder.wait()
        self.wait_alert("Planted command", plants, 60)
        told = collections.Counter(
            int(re.search(r"vakt-planted-(\d+)\.", alert["output"]).group(1))
            for alert in self.alerts() if alert["rule"] == "Planted command")
        self.assertEqual(told, collections.Counter(range(plants)))

        def settled():
            stats = self.stats()
            return stats if stats["events_hook_hits_total"] == sum(
                stats[f"events_{part}_total"] for part in ("filtered", "delivered", "lost")) else None
        stats = wait_for(settled, 20, 0.2)
        self.assertIsNotNone(stats, self.stats())
        opened = self.kind(stats, "hook_hits", "file_open")
        sent = opened - self.kind(stats, "filtered", "file_open")
        self.assertGreater(sent, SECONDS * 20_000, "the flood was none")
        for kind in ("process_fork", "process_exec", "process_exit"):
            self.assertEqual(self.kind(stats, "lost", kind), 0, kind)
        lost = self.kind(stats, "lost", "file_open")
        print(f"{plants} planted, {len(told)} told; {opened} opens, {sent} not left out by the kernel, "
              f"of which {lost} were lost and counted")
        return lost

    @staticmethod
    def kind(stats, what, kind):
        return sum(value for name, value in stats.items()
                   if name.startswith(f"events_{what}_total") and name != f"events_{what}_total" and
                   kind in name)


if __name__ == "__main__":
    unittest.main()
