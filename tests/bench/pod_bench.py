#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What the agent's pod costs its node: the image that scripts/build-images makes, run with what the
chart says of capabilities, mounts, memory and CPU.

  pod_bench.py [--idle SECONDS] [--opens N]

  start    from the container's start until its probes are attached and it is ready, with the CPU limit
           of the chart and without one
  memory   of the container's control group, idle and at most while two processes open files; BPF maps
           and all other kernel memory are part of it, as of the limit
  idle     CPU time of the control group over SECONDS, by thread; nothing else should run meanwhile

Needs root, podman and an idle machine.
"""

import argparse
import os
import re
import sys
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../e2e"))
import pod_runner  # noqa: E402
from daemonset_world import RULE, DaemonSetCase  # noqa: E402

# Its opens come to the agent: nothing of it can be decided in the kernel.
EACH_OPEN = """
- rule: Never
  desc: bench
  condition: evt.type in (open, openat, openat2) and fd.name = /bin/busybox and evt.rawres > 1000000
  output: "%fd.name"
  priority: WARNING
"""
OPTIONS = None


def threads_of(pid):
    """(name, number) -> nanoseconds on a CPU, times it was put on one"""
    threads = {}
    for task in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{task}/comm") as comm, \
                open(f"/proc/{pid}/task/{task}/schedstat") as schedstat:
            busy, _, turns = map(int, schedstat.read().split())
            threads[comm.read().strip(), task] = (busy, turns)
    return threads


class Pod(DaemonSetCase):
    def started(self, cpu_limit):
        begin = time.monotonic()
        self.start_agent_pod(collector=False, cpu_limit=cpu_limit)
        ready = time.monotonic() - begin
        log = self.podman.logs("agent")
        stamps = {word: re.search(rf"^\S+T([0-9:.]+)Z.*{word}", log, re.MULTILINE) for word in ("rules:", "probes:")}
        print(f"start, {'CPU limit of the chart' if cpu_limit else 'no CPU limit'}: ready after {ready:.1f} s "
              f"({', '.join(f'{word} {found[1]}' for word, found in stamps.items() if found)}; "
              f"{self.cpu_seconds():.2f} s of CPU time)")

    def test_pod(self):
        pod_runner.write_volume(self.path("agent-rules"),
                                {"rules.yaml": RULE.format(name="Marked", mark="vakt-marked") + EACH_OPEN})
        self.started(cpu_limit=False)
        self.podman.remove_containers()
        self.started(cpu_limit=True)
        self.idle()
        maps = [size for (kind, _), size in self.kernel_objects().items() if kind == "map"]
        print(f"memory: {self.memory_bytes() / 2**20:.1f} MiB idle, of which kernel "
              f"{self.kernel_memory_bytes() / 2**20:.1f} MiB, of which {len(maps)} BPF maps {sum(maps) / 2**20:.1f} MiB")
        self.start_neighbour()
        before = self.events_seen()
        self.flood(OPTIONS.opens)
        print(f"memory: at most {self.most_memory_bytes() / 2**20:.1f} MiB while {OPTIONS.opens} files are opened, "
              f"{self.events_seen() - before} events")

    def idle(self):
        pid = self.podman.inspect("agent", "{{.State.Pid}}")
        time.sleep(2)
        threads, cpu, events = threads_of(pid), self.cpu_seconds(), self.events_seen()
        begin = time.monotonic()
        time.sleep(OPTIONS.idle)
        seconds = time.monotonic() - begin
        used = self.cpu_seconds() - cpu
        after = threads_of(pid)
        print(f"idle: {used / seconds * 100:.3f} % of a core over {seconds:.0f} s, "
              f"{self.events_seen() - events} events")
        rows = sorted(((after[t][0] - threads[t][0], after[t][1] - threads[t][1], t[0])
                       for t in after if t in threads), reverse=True)
        for busy, turns, name in rows:
            if turns:
                print(f"  {name:16} {busy / 1e7 / seconds:.4f} %  {turns / seconds:.2f} times a second")


def main():
    global OPTIONS
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--idle", type=float, default=60)
    parser.add_argument("--opens", type=int, default=600_000)
    OPTIONS = parser.parse_args()
    result = unittest.TextTestRunner(verbosity=0).run(unittest.TestSuite([Pod("test_pod")]))
    sys.exit(not result.wasSuccessful())


if __name__ == "__main__":
    main()
