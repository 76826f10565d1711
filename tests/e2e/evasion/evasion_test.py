#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The evasion cases on this kernel: does each act harmlessly inside a cgroup that the agent watches,
and judges the alerts. Prints the grid; with --results FILE also writes it, as the reference page
wants it. Fails when a case that results/ says was detected on this kernel is not detected any more.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import attacks
import cases
import grid
import harness

ACTS = os.environ.get("VAKT_EVASION_ACTS") or os.path.join(
    os.path.realpath(harness.BUILD), "tests/evasion_acts")
TIER = os.environ.get("VAKT_TEST_TIER", "auto")
RESULTS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "results")
NOT_APPLICABLE = 77


def kernel():
    return ".".join(platform.release().split(".")[:2])


class Evasion(harness.KernelTestCase):
    """All cases under one agent; those against the agent itself have agents of their own."""

    results_file = os.environ.get("VAKT_TEST_RECORD")
    cases = cases.CASES

    def test_cases(self):
        facts = {case.number: self.prepare(case) for case in self.cases}
        unloaded, rules = self.rules_for(facts)
        self.start_agent(*self.strict(), "--rule-matching", "all", "--tier", TIER, rules=(rules,))
        self.tier = self.status()["tier"]
        results = {}
        for case in self.cases:
            results[case.number] = self.do_act(case, facts[case.number])
        self.act("true", "evasion-end")
        self.wait_alert("End of the acts", seconds=60)
        alerts = self.alerts()
        for case in self.cases:
            if results[case.number] is None:
                results[case.number] = grid.judge(case, facts[case.number], alerts, unloaded)
        for program in reversed(self.programs):
            harness.stop(program)
        for case in self.cases:
            if case.attack:
                results[case.number] = self.attack(case, results[case.number])
        self.report({str(n): verdict.as_json() for n, verdict in results.items()})

    def strict(self):
        """The flags that show every case, whatever the cost; none where the agent has no such mode."""
        help_text = subprocess.run([os.path.join(harness.BIN, "vakt-agent"), "--help"],
                                   capture_output=True, text=True).stdout
        return ("--coverage", "strict") if "--coverage" in help_text else ()

    def prepare(self, case):
        """The act's directory with its secret, and the facts that are known before the act."""
        directory = self.path(f"case{case.number:02}")
        os.mkdir(directory)
        secret = os.path.join(directory, "secret")
        with open(secret, "w") as file:
            file.write("hidden\n")
        return {"dir": directory, "acts": ACTS, "secret_ino": os.stat(secret).st_ino}

    def rules_for(self, facts):
        """(rules that do not load: why, a file of those that do)"""
        end = ("- rule: End of the acts\n  desc: the last act\n"
               "  condition: evt.type in (execve, execveat) and proc.args = evasion-end\n"
               "  output: end\n  priority: NOTICE\n")
        rules = {grid.rule_name(case, index): grid.rule_text(case, index, facts[case.number])
                 for case in self.cases for index in range(len(case.expect))}
        unloaded = self.not_loaded("".join(rules.values()))
        text = end + "".join(rule for name, rule in rules.items() if name not in unloaded)
        return unloaded, self.rule_file(text, "evasion.yaml")

    def not_loaded(self, rules):
        """Rules that do not load, by name: why."""
        path = self.rule_file(rules, "all.yaml")
        out = subprocess.run([os.path.join(harness.BIN, "vaktctl"), "rules", "check", "--format",
                              "json", path], capture_output=True, text=True)
        errors = [e for file in json.loads(out.stdout) for e in file["errors"]]
        return {e["item_name"]: "not expressible: " + e["message"] for e in errors}

    def do_act(self, case, facts):
        """Does the act and adds what it printed to the facts; a verdict when it could not be done,
        or when there is no act."""
        if not case.expect:
            return grid.Verdict(grid.MISSED, case.why_not)
        out = self.act(ACTS, str(case.number), cwd=facts["dir"],
                       env={**os.environ, "VAKT_CGROUP": self.cgroup})
        text = out.stdout.decode(errors="replace")
        for line in text.splitlines():
            name, _, value = line.partition(" ")
            facts[name] = value
        if out.returncode == NOT_APPLICABLE:
            return grid.Verdict(grid.NOT_APPLICABLE, facts.get("not_applicable", ""))
        self.assertEqual(out.returncode, 0, f"act {case.number} failed: {text}")
        return None

    def attack(self, case, seen):
        """An attack on an agent of its own; `seen` is the verdict on the act's events, if any."""
        for name in ("alerts.jsonl", "agent.ready"):
            if os.path.exists(self.path(name)):
                os.unlink(self.path(name))
        try:
            getattr(attacks, case.attack)(self)
            verdict = grid.Verdict(grid.DETECTED)
        except attacks.NotApplicable as reason:
            return grid.Verdict(grid.NOT_APPLICABLE, str(reason))
        except AssertionError as reason:
            verdict = grid.Verdict(grid.MISSED, str(reason).splitlines()[-1][:200])
        finally:
            for program in reversed(self.programs):
                harness.stop(program)
        if case.expect and seen.status != grid.DETECTED:
            return seen
        return verdict

    def report(self, results):
        for case in self.cases:
            result = results[str(case.number)]
            print(f"{case.number:3} {result['status']:15} {case.section}: {case.title}"
                  + (f" ({result['reason']})" if "reason" in result else ""))
        detected, total = grid.count(results)
        print(f"{detected} of {total} detected on {platform.release()}")
        record = {"kernel": kernel(), "tier": self.tier, "cases": results}
        if len(results) < len(cases.CASES):  # the others keep what they had
            record["cases"] = {**self.known(record), **results}
        if Evasion.results_file:
            with open(Evasion.results_file, "w") as file:
                json.dump(record, file, indent=1)
                file.write("\n")
        self.compare(record)

    def known(self, record):
        """What results/ says of this kernel, by case."""
        path = os.path.join(RESULTS, f"{record['kernel']}-{record['tier']}.json")
        if not os.path.exists(path):
            return {}
        with open(path) as file:
            return json.load(file)["cases"]

    def compare(self, record):
        if Evasion.results_file:
            return
        before = self.known(record)
        lost = [f"case {n}: {record['cases'][n]}" for n, result in before.items()
                if result["status"] == grid.DETECTED
                and record["cases"][n]["status"] not in (grid.DETECTED, grid.NOT_APPLICABLE)]
        self.assertEqual(lost, [], "cases that were detected before")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--results", help="write the results as JSON to this file")
    parser.add_argument("--cases", help="only these, by number: 42,43")
    options, rest = parser.parse_known_args()
    if options.cases:
        wanted = {int(number) for number in options.cases.split(",")}
        Evasion.cases = [case for case in cases.CASES if case.number in wanted]
    Evasion.results_file = options.results or Evasion.results_file
    unittest.main(argv=[sys.argv[0], *rest], verbosity=1)
