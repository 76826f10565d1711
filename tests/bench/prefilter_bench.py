#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How much the kernel leaves out, and what the agent then costs, while programs read many files.

  prefilter_bench.py [--rules PATH]... [--rounds N] [WORKLOAD...]

Runs the agent confined to a cgroup of its own and each workload in that cgroup: `tar` packs
/usr/include three times, `find` walks /usr/share and /usr/include three times. First once with
`--prefilter off`: so many opens the workload makes. Then, as medians over the rounds, how many of them
are sent, the share that is not, what else is sent, what was lost, and the agent's CPU time until it is
quiet again. Needs root, and an idle machine for the CPU times; the shares do not depend on load.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../e2e"))
from harness import BIN, RULES, cgroup_root, stop, wait_for, why_not  # noqa: E402

WORKLOADS = {
    "tar": "for i in 1 2 3; do tar cf - /usr/include | cat >/dev/null; done",
    "find": "for i in 1 2 3; do find /usr/share /usr/include -xdev -printf '%s\\n' >/dev/null; done",
}
QUIET_TICKS = 0.4  # seconds between two looks at whether the agent still works


def cpu_seconds(pid):
    """Of all threads, in nanosecond steps where the scheduler tells them."""
    total = 0
    for task in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{task}/schedstat") as file:
            total += int(file.read().split()[0])
    return total / 1e9


def wait_quiet(pid):
    last = cpu_seconds(pid)
    for _ in range(25):
        time.sleep(QUIET_TICKS)
        now = cpu_seconds(pid)
        if now - last < 0.004:
            return
        last = now


class Bench:
    def __init__(self, directory, rules, flags):
        self.state = os.path.join(directory, "state")
        self.cgroup = os.path.join(cgroup_root(), f"vakt-bench-{os.getpid()}")
        os.mkdir(self.cgroup)
        ready = os.path.join(directory, "ready")
        command = [os.path.join(BIN, "vakt-agent"), "--scope", self.cgroup, "--state-dir", self.state,
                   "--ready-file", ready, "--alerts", os.path.join(directory, "alerts.jsonl"),
                   "--no-collector", *flags]
        for path in rules:
            command += ["--rules", path]
        with open(os.path.join(directory, "agent.log"), "w") as log:
            self.agent = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        if not wait_for(lambda: os.path.exists(ready) or self.agent.poll() is not None):
            sys.exit("the agent is not ready")
        if self.agent.poll() is not None:
            sys.exit(open(os.path.join(directory, "agent.log")).read())

    def close(self):
        stop(self.agent)
        wait_for(lambda: not os.path.exists(self.cgroup) or self._remove(), 5)

    def _remove(self):
        try:
            os.rmdir(self.cgroup)
        except OSError:
            return False
        return True

    def enter(self):
        with open(os.path.join(self.cgroup, "cgroup.procs"), "w") as procs:
            procs.write("0")

    def stats(self):
        out = subprocess.run([os.path.join(BIN, "vaktctl"), "agent", "stats", "--state-dir", self.state,
                              "--format", "kv"], capture_output=True, text=True, check=True, timeout=10)
        pairs = (line.rpartition(" ") for line in out.stdout.splitlines())
        return {key: float(value) for key, _, value in pairs if value.replace(".", "").isdigit()}

    def run(self, script):
        """What the workload made, and what the agent spent on it."""
        wait_quiet(self.agent.pid)
        before, spent = self.stats(), cpu_seconds(self.agent.pid)
        begin = time.monotonic()
        subprocess.run(["sh", "-c", script], preexec_fn=self.enter, stdin=subprocess.DEVNULL, check=True,
                       stderr=subprocess.DEVNULL)
        wall = time.monotonic() - begin
        wait_quiet(self.agent.pid)
        spent = cpu_seconds(self.agent.pid) - spent
        after = self.stats()
        grown = {key: after[key] - before.get(key, 0) for key in after}
        sent = {key: value for key, value in grown.items() if key.startswith("events_delivered_total{")}
        opens = sent.pop("events_delivered_total{kind=file_open}", 0)
        return {"opens": opens, "others": sum(sent.values()), "cpu": spent, "wall": wall,
                "lost": grown.get("events_lost_total", 0)}


def measure(rules, flags, names, rounds):
    """By workload, medians over the rounds."""
    with tempfile.TemporaryDirectory(prefix="vakt-bench-") as directory:
        bench = Bench(directory, rules, flags)
        try:
            runs = {name: [bench.run(WORKLOADS[name]) for _ in range(rounds)] for name in names}
        finally:
            bench.close()
    return {name: {key: statistics.median(run[key] for run in of_one) for key in of_one[0]}
            for name, of_one in runs.items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rules", action="append", default=[])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("workloads", nargs="*", metavar="WORKLOAD", help=", ".join(WORKLOADS))
    arguments = parser.parse_args()
    if why_not():
        sys.exit(why_not())
    names = arguments.workloads or list(WORKLOADS)
    rules = arguments.rules or [RULES]
    all_sent = measure(rules, ["--prefilter", "off"], names, 1)
    filtered = measure(rules, [], names, arguments.rounds)
    print(f"{'workload':9} {'opens':>8} {'left out':>9} {'sent':>6} {'others':>7} {'lost':>5} "
          f"{'agent CPU ms':>13} {'unfiltered':>11} {'wall s':>7}")
    for name in names:
        before, now = all_sent[name], filtered[name]
        share = 1 - now["opens"] / max(1, before["opens"])
        print(f"{name:9} {before['opens']:8.0f} {share:9.2%} {now['opens']:6.0f} {now['others']:7.0f} "
              f"{now['lost']:5.0f} {now['cpu'] * 1e3:13.2f} {before['cpu'] * 1e3:11.2f} "
              f"{now['wall']:7.2f}")


if __name__ == "__main__":
    main()
