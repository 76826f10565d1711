#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Prints docs/reference/capabilities.md from the kept outcome of capabilities_test.py --write."""

import json
import os

KEPT = os.path.join(os.path.dirname(__file__), "capabilities.json")
ACTS = ["Program ran", "File opened", "Stream connected", "Datagram connected"]
HEAD = """# Capabilities

Generated from the outcome of `tests/e2e/capabilities_test.py --write` on Linux {kernel}, which starts the agent
as root with all of them but one, in a cgroup of its own, does four acts there, and looks for their alerts.

| Given | Starts | {acts} | Says |
|---|---|{lines}|---|
"""
TAIL = """
With CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON the agent sees everything that its kernel allows: that is the measured
minimum, and what [chart](../install.md) and [unit](../../daemonset/systemd/vakt-agent.service) give. What is
missing is in the log and in `vaktctl agent status` by name, with what is lost.

Others that it makes use of when it has them, and does not miss elsewhere:

| Capability | For | After the start |
|---|---|---|
| CAP_SYS_ADMIN | system-call tracepoints where tracefs is not mounted on `/sys/kernel/tracing`; `vaktctl agent programs --measure` | kept by the thread for hooks |
| CAP_SYS_PTRACE | what belongs to other processes: the environment of those that ran before the agent, files in containers | kept by all threads |
| CAP_SYS_NICE | priority over ordinary processes | given up |
| CAP_DAC_READ_SEARCH, CAP_DAC_OVERRIDE | rules, certificates and state that are not root's own | given up; the second is kept where one of the paths is closed without it |

After the start, on Linux 5.19 and later, CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON belong to the thread that loads and
attaches and to the one that measures, and to no other ([why](../decisions/0028-capabilities-belong-to-one-thread.md)).
Before 5.19 all threads keep CAP_BPF, for those kernels refuse maps to who has it not.
"""


def given(case):
    if case["missing"] == "all":
        return "none of the three"
    text = "all but CAP_" + case["missing"] if case["missing"] else "CAP_BPF, CAP_NET_ADMIN, CAP_PERFMON"
    text += "" if case["tracefs"] else "; no tracefs mounted"
    return text if case["files"] else text + "; no rule about files"


def says(case):
    if not case["starts"]:
        return case["says"]
    spots = case["blind_spots"]
    if not spots:
        return case["state"]
    return f"{case['state']}: {'; '.join(spots[:3])}" + (f"; and {len(spots) - 3} more" if len(spots) > 3 else "")


def cell(case, act):
    if not case["starts"]:
        return "-"
    if act in case["detected"]:
        return "seen"
    return "**not seen**" if case["files"] or act != "File opened" else "not asked for"


def main():
    with open(KEPT) as file:
        kept = json.load(file)
    print(HEAD.format(kernel=kept["kernel"], acts=" | ".join(ACTS), lines="|".join("---" for _ in ACTS)), end="")
    for case in kept["cases"]:
        seen = [cell(case, act) for act in ACTS]
        print("| " + " | ".join([given(case), "yes" if case["starts"] else "**no**", *seen, says(case)]) + " |")
    print(TAIL, end="")


if __name__ == "__main__":
    main()
