#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""From the kernel to the collector's store, with things dying on the way."""

import json
import os
import signal
import time
import unittest

from harness import KernelTestCase, free_port, stop, wait_for

RULE = """
- rule: Numbered act
  desc: test
  condition: evt.type in (execve, execveat) and proc.name = true and proc.args startswith act-
  output: "%proc.args"
  priority: ERROR
"""


class Delivery(KernelTestCase):
    def setUp(self):
        super().setUp()
        self.port = free_port()

    def agent(self, *other_ports):
        addresses = ",".join(f"127.0.0.1:{port}" for port in (self.port, *other_ports))
        return self.start_agent("--collector", addresses, *self.tls("agent"),
                                "--heartbeat", "500ms", "--node-name", os.uname().nodename,
                                rules=[self.rule_file(RULE)], alone=False)

    def stored(self):
        out = self.vaktctl(self.port, "alerts", "query", "--format", "json", "--limit", "100000",
                           "--rule", "Numbered act", check=False)
        if out.returncode != 0:
            return []
        return [json.loads(line) for line in out.stdout.splitlines()]

    def numbers(self):
        return sorted(int(output_of(record).split("-")[1].split()[0]) for record in self.stored())

    def acts(self, first, count):
        self.act("sh", "-c", f"i={first}; while [ $i -lt {first + count} ]; do "
                 "/bin/true act-$i; i=$((i+1)); done")

    def expect_exactly(self, count):
        wait_for(lambda: len(self.numbers()) >= count, 30, 0.2)
        self.assertEqual(self.numbers(), list(range(count)))

    def test_an_alert_reaches_the_store(self):
        self.start_collector(self.port)
        self.agent()
        self.acts(0, 3)
        self.expect_exactly(3)
        nodes = self.vaktctl(self.port, "nodes", "--format", "json").stdout
        self.assertIn(os.uname().nodename, nodes)

    def test_the_collector_comes_late_and_dies_in_between(self):
        self.agent()  # nobody to talk to yet
        self.acts(0, 50)
        collector = self.start_collector(self.port)
        self.expect_exactly(50)
        collector.kill()
        collector.wait()
        self.acts(50, 50)
        collector = self.start_collector(self.port)
        self.acts(100, 50)
        self.expect_exactly(150)

    def test_the_agent_dies_with_alerts_on_disk(self):
        agent = self.agent()
        self.acts(0, 50)
        wait_for(lambda: self.stats()["spool_pending_records"] >= 50, 10)
        time.sleep(1.5)  # longer than any group waits for its sync
        agent.kill()
        agent.wait()
        os.unlink(self.path("agent.ready"))
        self.start_collector(self.port)
        self.agent()
        self.acts(50, 50)
        self.expect_exactly(100)

    def test_a_dead_collector_does_not_slow_the_agent(self):
        self.agent()
        self.acts(0, 300)
        self.wait_alert("Numbered act", 300, seconds=20)
        self.assertEqual(self.stats()["events_lost_total"], 0)

    def test_a_stopped_collector_does_not_slow_the_agent(self):
        collector = self.start_collector(self.port)
        self.agent()
        self.acts(0, 10)
        self.expect_exactly(10)
        collector.send_signal(signal.SIGSTOP)  # holds its connection and takes nothing
        try:
            self.acts(10, 300)
            self.wait_alert("Numbered act", 310, seconds=20)
            self.assertEqual(self.stats()["events_lost_total"], 0)
            self.assertEqual(self.stats()["alerts_shed_total"], 0)
            self.assertGreaterEqual(self.stats()["spool_pending_records"], 300)
        finally:
            collector.send_signal(signal.SIGCONT)
        self.expect_exactly(310)

    def test_the_second_collector_takes_over(self):
        first, second = self.port, free_port()
        collector = self.start_collector(first)
        self.agent(second)
        self.acts(0, 20)
        self.expect_exactly(20)
        collector.kill()
        collector.wait()
        self.port = second
        self.start_collector(second)  # on the same store
        self.acts(20, 20)
        self.expect_exactly(40)

    def test_stopping_hands_over_what_is_left(self):
        self.start_collector(self.port)
        agent = self.agent()
        self.acts(0, 20)
        self.wait_alert("Numbered act", 20)
        self.assertEqual(stop(agent), 0)
        self.expect_exactly(20)


def output_of(record):
    """The alert's message, wherever the JSON form of a stored record keeps it."""
    if "output" in record:
        return record["output"]
    return record.get("alert", record.get("record", {}).get("alert", {}))["output"]


if __name__ == "__main__":
    unittest.main(verbosity=2)
