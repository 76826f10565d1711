#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What the agent's hooks add to the work of a machine, counted in instructions and exactly: in a
virtual machine whose clock counts them, without an agent and with one that has all shipped rules.

    scripts/vm-test 6.12 instructions_test --icount

Elsewhere the test starts that machine itself, and skips, saying why, where there can be none.

The agent is stopped while the work is counted: what is counted is what the kernel does in its hooks,
on behalf of the process that works. VAKT_TEST_RECORD keeps the figures for docs/figures.md."""

import json
import os
import platform
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../e2e"))
import harness  # noqa: E402
import program_cost  # noqa: E402

COST = os.path.join(harness.BUILD, "tests", "kernel_cost")
WORKLOADS = os.path.join(harness.BUILD, "tests", "workloads")
ROUNDS = "300"
# Workload: what it may cost with an agent in the inline tier, to without: what we want, and what it may
# not exceed.
GOALS = {"getpid": 1.0, "read": 1.0, "write": 1.0, "stat": 1.0, "open": 1.06, "exec": 1.02, "tcp": 1.015}
VM_TEST = os.path.join(harness.SOURCE, "scripts/vm-test")
KERNEL = "6.12"
NO_MACHINE = 2  # status of vm-test where there can be none
LIMITS = {**GOALS, "open": 1.40, "tcp": 1.14}


def counted(directory):
    """Instructions by workload. The program and its file lie in `directory`: in memory, for whoever waits
    for a device is charged for the time."""
    program = shutil.copy(WORKLOADS, directory)
    out = subprocess.run([program, ROUNDS], check=True, capture_output=True, text=True, cwd=directory).stdout
    return {name: float(value) for name, value in (line.split() for line in out.splitlines())}


def tell(record):
    """For people: what the record says."""
    figures = record.get("instructions", {})
    for name, bare in figures.get("none", {}).items():
        print(f"{name:8} {bare:10.1f}" + "".join(
            f"  {tier} {figures[tier][name]:10.1f} ({figures[tier][name] / bare:.4f})"
            for tier in ("inline", "tracepoint"))
            + ("" if figures["inline"][name] <= bare * GOALS[name] else f"  the goal is {GOALS[name]}"))
    for tier, programs in record.get("programs", {}).items():
        print(f"{tier}, instructions per run:")
        for name, instructions in programs.items():
            print(f"  {name:42}{instructions:9}", flush=True)


def is_counted():
    with open("/proc/cmdline", encoding="utf-8") as line:
        return "vakt.icount" in line.read()


@unittest.skipIf(is_counted(), "this is such a machine")
class Machine(unittest.TestCase):
    def test_in_a_machine_that_counts(self):
        with tempfile.NamedTemporaryFile(suffix=".json") as outcome:
            done = subprocess.run([VM_TEST, KERNEL, "instructions_test", "--icount", "--seconds", "500",
                                   "--json", outcome.name], capture_output=True, text=True)
            if done.returncode == NO_MACHINE:
                self.skipTest(done.stderr.strip())
            print(done.stdout, flush=True)
            for run in json.load(outcome):
                tell(run["records"].get("instructions_test", {}))
        self.assertEqual(done.returncode, 0, done.stderr)


@unittest.skipUnless(is_counted(), "this machine's clock counts time")
class Instructions(harness.KernelTestCase):
    record = {"kernel": platform.release()}

    @classmethod
    def tearDownClass(cls):
        if path := os.environ.get("VAKT_TEST_RECORD"):
            with open(path, "w", encoding="utf-8") as out:
                json.dump(cls.record, out)

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
        self.record["instructions"] = figures
        over = [f"{name}: {figures['inline'][name] / bare:.4f}, the limit is {LIMITS[name]}"
                for name, bare in figures["none"].items() if figures["inline"][name] > bare * (LIMITS[name] + 0.0005)]
        self.assertEqual(over, [])

    def test_what_each_program_executes(self):
        """The kernel's own measure of its programs' time is instructions here, with some for the measure
        itself; of one run on the average of a fixed round of acts."""
        for tier in ("inline", "tracepoint"):
            figures = program_cost.measure(COST, tier, seconds=2)
            ran = {name: cost["ns"] for name, cost in figures["programs"].items() if cost["runs"] > 0}
            self.assertTrue({"process_exec", "network_state"} <= set(ran), ran)
            self.record.setdefault("programs", {})[tier] = {name: round(value) for name, value in ran.items()}


if __name__ == "__main__":
    unittest.main()
