#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What the agent's hooks add to the work of a machine, counted in instructions and exactly: in a
virtual machine whose clock counts them, without an agent and with one that has all shipped rules.

    scripts/vm-test 6.12 instructions_test --icount

The agent is stopped while the work is counted: what is counted is what the kernel does in its hooks,
on behalf of the process that works. VAKT_TEST_RECORD keeps the figures for docs/figures.md."""

import json
import os
import platform
import shutil
import signal
import subprocess
import sys
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../e2e"))
import harness  # noqa: E402

WORKLOADS = os.path.join(harness.BUILD, "tests", "workloads")
ROUNDS = "300"
# Workload: what it may cost with an agent in the inline tier, to without: what we want, and what it may
# not exceed.
GOALS = {"getpid": 1.0, "read": 1.0, "write": 1.0, "stat": 1.0, "open": 1.06, "exec": 1.02, "tcp": 1.015}
LIMITS = {**GOALS, "open": 1.40, "tcp": 1.17}


def counted(directory):
    """Instructions by workload. The program and its file lie in `directory`: in memory, for whoever waits
    for a device is charged for the time."""
    program = shutil.copy(WORKLOADS, directory)
    out = subprocess.run([program, ROUNDS], check=True, capture_output=True, text=True, cwd=directory).stdout
    return {name: float(value) for name, value in (line.split() for line in out.splitlines())}


class Instructions(harness.KernelTestCase):
    def setUp(self):
        super().setUp()
        with open("/proc/cmdline", encoding="utf-8") as line:
            if "vakt.icount" not in line.read():
                self.skipTest("this machine's clock counts time: scripts/vm-test KERNEL instructions_test --icount")

    def with_agent(self, tier):
        state, ready = self.path(tier), self.path(f"{tier}.ready")
        agent = self.start("vakt-agent", "--rules", harness.RULES, "--state-dir", state, "--ready-file", ready,
                           "--tier", tier, "--canary", "off", "--no-collector", "--alerts", self.path("alerts"))
        self.assertTrue(harness.wait_for(lambda: os.path.exists(ready) or agent.poll() is not None))
        self.assertIsNone(agent.poll(), self.log_text("vakt-agent"))
        self.assertEqual(self.status(state)["tier"], tier)
        # Stopped while it has work, and so is awake: nothing that is counted has to wake it.
        busy = subprocess.Popen(["sh", "-c", "while :; do /bin/true; done"], start_new_session=True)
        time.sleep(1)
        agent.send_signal(signal.SIGSTOP)
        os.killpg(busy.pid, signal.SIGKILL)
        busy.wait()
        try:
            return counted(self.dir)
        finally:
            agent.send_signal(signal.SIGCONT)
            harness.stop(agent)

    def test_the_inline_tier_costs_only_what_it_looks_at(self):
        counted(self.dir)  # the first use of memory and of programs costs more
        figures = {"none": counted(self.dir)}
        again = counted(self.dir)
        for name, value in figures["none"].items():
            self.assertLess(abs(again[name] - value), 0.01 * value, f"{name} is not counted exactly")
        for tier in ("inline", "tracepoint"):
            figures[tier] = self.with_agent(tier)
        self.tell(figures)
        over = [f"{name}: {figures['inline'][name] / bare:.4f}, the limit is {LIMITS[name]}"
                for name, bare in figures["none"].items() if figures["inline"][name] > bare * (LIMITS[name] + 0.0005)]
        self.assertEqual(over, [])

    def tell(self, figures):
        for name, bare in figures["none"].items():
            print(f"{name:8} {bare:10.1f}" + "".join(
                f"  {tier} {figures[tier][name]:10.1f} ({figures[tier][name] / bare:.4f})"
                for tier in ("inline", "tracepoint"))
                + ("" if figures["inline"][name] <= bare * GOALS[name] else f"  the goal is {GOALS[name]}"),
                flush=True)
        if record := os.environ.get("VAKT_TEST_RECORD"):
            with open(record, "w", encoding="utf-8") as out:
                json.dump({"kernel": platform.release(), "instructions": figures}, out)


if __name__ == "__main__":
    unittest.main()
