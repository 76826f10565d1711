# SPDX-License-Identifier: Apache-2.0
"""From cases to rules, and from alerts to verdicts."""

import dataclasses
import re

import cases

DETECTED, WRONG, MISSED, NOT_APPLICABLE = "detected", "wrong", "missed", "not applicable"


@dataclasses.dataclass
class Verdict:
    status: str
    reason: str = ""

    def as_json(self):
        return {"status": self.status, "reason": self.reason} if self.reason else {"status": self.status}


def rule_name(case, index):
    return f"Case {case.number}.{index + 1}"


def fill(text, facts):
    """Puts facts in the place of {names}; an unknown name stays."""
    return re.sub(r"{(\w+)}", lambda match: str(facts.get(match[1], match[0])), text)


def rule_text(case, index, facts):
    """One expectation as a rule that prints the fields it is judged by."""
    expect = case.expect[index]
    fields = " ".join(f"{name}=%{name}" for name in sorted(expect.fields))
    return (f"- rule: {rule_name(case, index)}\n"
            f"  desc: '{case.title}'\n"
            f"  condition: >\n    {fill(expect.condition, facts)}\n"
            f"  output: 'evasion {fields}'\n"
            f"  priority: WARNING\n")


def shown(value):
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)


def judge_expectation(expect, facts, alerts):
    """Why the expectation does not hold, as a verdict; None when it does."""
    if len(alerts) < expect.count:
        count = f" ({len(alerts)} of {expect.count})" if expect.count > 1 else ""
        return Verdict(MISSED, f"no alert of: {expect.condition}{count}")
    right, difference = 0, ""
    for alert in alerts:
        seen = alert["output_fields"]
        wrong = [(name, seen.get(name), fill(value, facts)) for name, value in expect.fields.items()
                 if shown(seen.get(name)) != fill(value, facts)]
        if wrong:
            name, got, wanted = wrong[0]
            difference = f"{name} is {shown(got)!r}, not {wanted!r}"
        else:
            right += 1
    return None if right >= expect.count else Verdict(WRONG, difference)


def judge(case, facts, alerts, unloaded=()):
    """The verdict on an act that was done. `alerts` are all of the run; `unloaded` maps the rules
    that did not load to the reason."""
    if not case.expect:
        return Verdict(MISSED, case.why_not)
    verdicts = []
    for index, expect in enumerate(case.expect):
        name = rule_name(case, index)
        if name in unloaded:
            verdicts.append(Verdict(MISSED, unloaded[name]))
            continue
        verdict = judge_expectation(expect, facts, [a for a in alerts if a["rule"] == name])
        if verdict:
            verdicts.append(verdict)
    if not verdicts:
        return Verdict(DETECTED)
    worst = min(verdicts, key=lambda verdict: verdict.status != MISSED)
    if worst.status == MISSED and case.why_not:
        worst.reason = case.why_not
    return worst


def count(results):
    """(detected, cases)"""
    return sum(r["status"] == DETECTED for r in results.values()), len(cases.CASES)
