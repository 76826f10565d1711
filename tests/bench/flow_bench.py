#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What flows and all shipped rules cost connections and bytes over loopback.

  flow_bench.py [--rounds N] [--rules PATH]... [--load connect|bulk] [-- AGENT FLAGS]

Each round runs both loads (tcp_load.cc) three times without an agent and three times with one that watches the
whole node, by turns which comes first; what is printed are medians over the rounds of the ratios within each:
wall time and CPU time of the loads, and the agent's own CPU time per connection. Needs root and an idle
machine."""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../e2e"))
from harness import BIN, RULES, stop, wait_for, why_not  # noqa: E402
from prefilter_bench import cpu_seconds, wait_quiet  # noqa: E402

LOAD = os.path.join(BIN, "..", "bench", "tcp_load")
LOADS = {"connect": 20_000, "bulk": 4 << 30}
REPEATS = 3  # of each load, of which the fastest counts: what disturbs a run only slows it down


def start_agent(directory, rules, flags):
    ready = os.path.join(directory, "ready")
    command = [os.path.join(BIN, "vakt-agent"), "--state-dir", os.path.join(directory, "state"),
               "--ready-file", ready, "--alerts", os.path.join(directory, "alerts.jsonl"),
               "--no-collector", *flags]
    for path in rules:
        command += ["--rules", path]
    log_path = os.path.join(directory, "agent.log")
    with open(log_path, "w") as log:
        agent = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    if not wait_for(lambda: os.path.exists(ready) or agent.poll() is not None) or agent.poll() is not None:
        sys.exit("the agent is not ready: " + open(log_path).read())
    wait_quiet(agent.pid)
    return agent


def run_loads(agent=None):
    """Load -> seconds of wall, of its CPU, and of the agent's CPU until it is quiet again."""
    found = {}
    for name, count in LOADS.items():
        runs = []
        for _ in range(REPEATS):
            before = cpu_seconds(agent.pid) if agent else 0
            out = subprocess.run([LOAD, name, str(count)], check=True, capture_output=True, text=True).stdout
            wall, cpu = (int(number) / 1e9 for number in out.split())
            if agent:
                wait_quiet(agent.pid)
            runs.append((wall, cpu, (cpu_seconds(agent.pid) if agent else 0) - before))
        found[name] = min(runs)
        time.sleep(0.2)
    return found


def run_round(is_agent_first, rules, flags):
    found = {}
    for with_agent in (is_agent_first, not is_agent_first):
        if not with_agent:
            found[False] = run_loads()
            continue
        with tempfile.TemporaryDirectory(prefix="vakt-bench-") as directory:
            agent = start_agent(directory, rules, flags)
            try:
                found[True] = run_loads(agent)
            finally:
                stop(agent)
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--rules", action="append", help="the shipped ones, when none are given")
    parser.add_argument("--load", choices=list(LOADS), help="this one alone")
    parser.add_argument("flags", nargs="*", help="of the agent")
    arguments = parser.parse_args()
    for name in list(LOADS):
        if arguments.load not in (None, name):
            del LOADS[name]
    if reason := why_not():
        sys.exit(reason)
    rounds = [run_round(number % 2 == 1, arguments.rules or [RULES], arguments.flags)
              for number in range(arguments.rounds)]
    for name, count in LOADS.items():
        walls = sorted(found[True][name][0] / found[False][name][0] for found in rounds)
        cpus = [found[True][name][1] / found[False][name][1] for found in rounds]
        alone = statistics.median(found[False][name][0] for found in rounds)
        agent = statistics.median(found[True][name][2] for found in rounds)
        wall = statistics.median(walls)
        line = (f"time x{wall:.3f} ({walls[0]:.3f} to {walls[-1]:.3f}), rate x{1 / wall:.3f}, CPU of the load "
                f"x{statistics.median(cpus):.3f}, of the agent {agent:.2f} s")
        if name == "bulk":
            print(f"bulk: {count / alone / 1e9:.2f} GB/s alone; {line}")
        else:
            print(f"connect: {alone / count * 1e6:.1f} us alone; {line}, {agent / count * 1e6:.2f} us each")


if __name__ == "__main__":
    main()
