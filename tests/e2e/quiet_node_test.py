#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A day in the life of a node, with all shipped rules: packages come and go, things are built, people
log in, jobs and containers run, and not one alert. What is noisy here is the rule's fault."""

import shutil
import sys
import unittest

import day_chores
from node_copy import PATH, NodeCopyCase

SKIPPED = 77


def missing(chore):
    return [program for program in chore.needs if shutil.which(program, path=PATH) is None]


class QuietNode(NodeCopyCase):
    def setUp(self):
        super().setUp()
        self.start_agent("--rule-matching", "all")

    def test_a_day(self):
        ran, noise, seen = 0, [], 0
        for chore in day_chores.CHORES:
            absent = missing(chore)
            if absent:
                print(f"skipped: {chore.name}: {', '.join(absent)} is not installed", file=sys.stderr)
                continue
            status = self.run_in_copy(chore.name, chore.script, chore.preparation)
            with self.subTest(chore.name):
                self.assertIn(status, (0, SKIPPED), self.end_of_log())
            ran += status == 0
            alerts = self.alerts_until_now()
            noise += [f"{chore.name}: {alert['rule']}: {alert['output']}" for alert in alerts[seen:]]
            seen = len(alerts)
        self.assertEqual(noise, [])
        self.assertGreaterEqual(ran, len(day_chores.CHORES) // 2, "too many chores were skipped")
        self.assertEqual(self.stats()["events_lost_total"], 0)

    def test_the_day_is_watched(self):
        """Quiet is no blindness: what no healthy node does is seen in the same surroundings."""
        status = self.run_in_copy("a plant", "cat /etc/shadow >/dev/null; echo x >/etc/cron.d/plant")
        self.assertEqual(status, 0, self.end_of_log())
        self.assertEqual({alert["rule"] for alert in self.alerts_until_now()},
                         {"Credential file read by an unexpected program",
                          "Write to a place that survives a restart"})


if __name__ == "__main__":
    unittest.main(verbosity=2)
