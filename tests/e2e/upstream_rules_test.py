#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Falco's upstream rule files, unmodified, on the real kernel: each rule that one machine can make
fire, fires (upstream_acts.py). The files are test input from beside the repository
(VAKT_FALCO_RULES_DIR); where they are absent the test is skipped and says so."""

import os
import re
import subprocess
import sys
import unittest

import yaml

import harness
import live_acts
import upstream_acts
from node_copy import SENTINEL_RULES, NodeCopyCase

FOLDER = os.environ.get("VAKT_FALCO_RULES_DIR") or os.path.join(
    harness.SOURCE, "../shared/data/falco-rules")
FILES = [os.path.join(FOLDER, name)
         for name in ("falco_rules.yaml", "falco-incubating_rules.yaml")]


def skip_without_files(test):
    for file in FILES:
        if not os.path.exists(file):
            test.skipTest(f"{file} is absent")


def upstream_rules():
    rules = {}
    for path in FILES:
        with open(path) as file:
            rules.update({item["rule"]: item for item in yaml.safe_load(file) if "rule" in item})
    return rules


def vaktctl(*arguments):
    return subprocess.run([os.path.join(harness.BIN, "vaktctl"), *arguments], capture_output=True,
                          text=True, check=True).stdout


def waiting_rules():
    """Rules of which the loader says that they cannot fire yet, with its reason: their events are
    not there. They are tried as soon as it no longer says so."""
    waiting = {}
    if not os.path.exists("/proc/modules"):
        waiting["Linux Kernel Module Injection Detected"] = "this kernel has no modules"
    for line in vaktctl("rules", "check", *FILES).splitlines():
        found = re.search(r"warning: (.*) \(rule \"(.*)\"\) \[(LOAD_[A-Z_]*)\]", line)
        if found and found[3] == "LOAD_NO_PROBE":
            waiting[found[2]] = found[1]
    return waiting


class Table(unittest.TestCase):
    def test_every_rule_has_an_act_or_a_reason(self):
        skip_without_files(self)
        acted = {act.rule for act in upstream_acts.STABLE + upstream_acts.INCUBATING}
        self.assertEqual(acted & set(upstream_acts.CANNOT), set())
        self.assertEqual(acted | set(upstream_acts.CANNOT), set(upstream_rules()))


class UpstreamRules(NodeCopyCase):
    def setUp(self):
        skip_without_files(self)
        super().setUp()
        self.waiting = waiting_rules()
        for rule, reason in (upstream_acts.CANNOT | self.waiting).items():
            print(f"not tried: {rule}: {reason}", file=sys.stderr)

    def try_all(self, acts):
        self.start_agent("--rule-matching", "all", rules=(*FILES, *SENTINEL_RULES))
        acts = [act for act in acts if act.rule not in self.waiting]
        self.assertGreater(len(acts), 10)
        seen = 0
        for act in acts:
            with self.subTest(act.rule):
                status = self.run_in_copy(act.rule, live_acts.PRELUDE + act.script,
                                          live_acts.PRELUDE + act.preparation, act.in_container, 60)
                self.assertEqual(status, 0, self.end_of_log())
                alerts = self.alerts_until_now()
                fired = {alert["rule"] for alert in alerts[seen:]}
                seen = len(alerts)
                self.assertIn(act.rule, fired, self.end_of_log())

    def test_stable_rules(self):
        self.try_all(upstream_acts.STABLE)

    def test_incubating_rules(self):
        self.try_all(upstream_acts.INCUBATING)


if __name__ == "__main__":
    unittest.main(verbosity=2)
