#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Each shipped rule against the real kernel: a harmless act (live_acts.py) makes it fire, and says who
did what. Ordinary neighbours of such acts are quiet."""

import glob
import sys
import unittest

import yaml

import harness
import live_acts
from harness import KernelTestCase
from node_copy import SENTINEL, NodeCopyCase


def shipped_rules():
    rules = set()
    for path in glob.glob(f"{harness.RULES}/**/*.yaml", recursive=True):
        if path.endswith(".test.yaml"):
            continue
        with open(path) as file:
            rules |= {item["rule"] for item in yaml.safe_load(file) if "rule" in item}
    return rules


class Table(unittest.TestCase):
    def test_every_shipped_rule_has_an_act_or_a_reason(self):
        acted = {act.rule for act in live_acts.ACTS}
        self.assertEqual(acted & set(live_acts.CANNOT), set())
        self.assertEqual(acted | set(live_acts.CANNOT), shipped_rules())


class LiveRules(NodeCopyCase):
    def test_each_act_makes_its_rule_fire(self):
        self.start_agent("--rule-matching", "all")
        for rule, reason in live_acts.CANNOT.items():
            print(f"not tried: {rule}: {reason}", file=sys.stderr)
        seen = 0
        for act in live_acts.ACTS:
            with self.subTest(act.rule):
                preparation = live_acts.PRELUDE + act.preparation
                status = self.run_in_copy(act.rule, live_acts.PRELUDE + act.script, preparation,
                                          act.in_container, seconds=60)
                self.assertEqual(status, 0, self.end_of_log())
                if act.rule == SENTINEL:
                    self.wait_alert(SENTINEL)
                    continue
                alerts = self.alerts_until_now()
                fired = [alert for alert in alerts[seen:] if alert["rule"] == act.rule]
                others = sorted({alert["rule"] for alert in alerts[seen:]})
                seen = len(alerts)
                self.assertTrue(fired, f"fired instead: {others}\n{self.end_of_log()}")
                self.check_evidence(fired[0], act)

    def check_evidence(self, alert, act):
        """What an analyst needs first: who, by which program, where."""
        fields = alert["output_fields"]
        for name in ("proc.name", "proc.exepath", "proc.cmdline", "proc.pname"):
            self.assertTrue(fields.get(name), f"{name} is missing in {alert['output']}")
        self.assertGreater(fields["proc.pid"], 1)
        self.assertEqual(fields["container.id"], "ab" * 6 if act.in_container or act.moves else "host")


class QuietNeighbours(KernelTestCase):
    def test_everyday_acts(self):
        self.start_agent("--rule-matching", "all")
        for command in ("ls -l /etc", "cat /etc/hostname /etc/passwd", "grep -r root /etc/group",
                        "cp /etc/hostname /tmp/vakt-quiet && rm /tmp/vakt-quiet",
                        "python3 -c 'print(1)'", "find /usr/share/doc -maxdepth 1 | head",
                        "tar cf /dev/null /etc/default", "sleep 0.1", "date; id; uname -a"):
            self.act("sh", "-c", command)
        self.act("true", "vakt-demonstration-end")  # behind it, all the others were evaluated
        self.wait_alert(SENTINEL)
        self.assertEqual([a["output"] for a in self.alerts() if a["rule"] != SENTINEL], [])


if __name__ == "__main__":
    unittest.main(verbosity=2)
