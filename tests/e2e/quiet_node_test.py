#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A day in the life of a node, with all shipped rules: packages come and go, things are built, people
log in, jobs and containers run, and not one alert. What is noisy here is the rule's fault."""

import os
import shutil
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "quiet"))

import chores
import harness
from harness import KernelTestCase

ROOT_COPY = os.path.join(os.path.dirname(os.path.abspath(__file__)), "quiet/root_copy.sh")
SKIPPED = 77
SENTINEL = "Vakt demonstration"


def missing(chore):
    return [program for program in chore.needs if shutil.which(program, path=(
        "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")) is None]


class QuietNode(KernelTestCase):
    maxDiff = None

    def setUp(self):
        super().setUp()
        self.start_agent("--rule-matching", "all")

    def do(self, number, chore):
        """Runs it; its exit status."""
        directory = self.path(f"copy{number}")
        os.mkdir(directory)
        scripts = [self.script(f"preparation{number}.sh", chore.preparation),
                   self.script(f"chore{number}.sh", chore.script)]
        # A container's group lies inside the test's own, so that it is in the agent's sight.
        group = "/" + os.path.relpath(self.cgroup, harness.cgroup_root())
        environment = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                       "HOME": "/root", "LC_ALL": "C", "DEBIAN_FRONTEND": "noninteractive",
                       "CONTAINER_CGROUP": f"{group}/docker-{'ab' * 32}.scope"}
        with open(self.path("chores.log"), "ab") as log:
            log.write(f"\n==== {chore.name}\n".encode())
            log.flush()
            return subprocess.run(["sh", ROOT_COPY, directory, self.cgroup, *scripts], cwd="/",
                                  env=environment, stdin=subprocess.DEVNULL, stdout=log,
                                  stderr=subprocess.STDOUT, timeout=120).returncode

    def script(self, name, text):
        with open(self.path(name), "w") as file:
            file.write(text)
        return self.path(name)

    def alerts_so_far(self, number):
        """Those of a chore: behind a sentinel, all that was done before it has been evaluated."""
        self.act("true", f"vakt-demonstration-{number}")
        self.wait_alert(SENTINEL, count=number + 1, seconds=30)
        return [alert for alert in self.alerts() if alert["rule"] != SENTINEL]

    def test_a_day(self):
        ran, noise, seen = 0, [], 0
        for number, chore in enumerate(chores.CHORES):
            absent = missing(chore)
            if absent:
                print(f"skipped: {chore.name}: {', '.join(absent)} is not installed", file=sys.stderr)
            status = SKIPPED if absent else self.do(number, chore)
            with self.subTest(chore.name):
                self.assertIn(status, (0, SKIPPED), self.end_of_log())
            ran += status == 0
            alerts = self.alerts_so_far(number)
            noise += [f"{chore.name}: {alert['rule']}: {alert['output']}" for alert in alerts[seen:]]
            seen = len(alerts)
        self.assertEqual(noise, [])
        self.assertGreaterEqual(ran, len(chores.CHORES) // 2, "too many chores were skipped")
        self.assertEqual(self.stats()["events_lost_total"], 0)

    def test_the_day_is_watched(self):
        """Quiet is no blindness: what no healthy node does is seen in the same surroundings."""
        plant = chores.Chore("a plant", (), "cat /etc/shadow >/dev/null; echo x >/etc/cron.d/plant")
        self.assertEqual(self.do(0, plant), 0, self.end_of_log())
        self.assertEqual({alert["rule"] for alert in self.alerts_so_far(0)},
                         {"Credential file read by an unexpected program",
                          "Write to a place that survives a restart"})

    def end_of_log(self):
        with open(self.path("chores.log"), errors="replace") as log:
            return log.read()[-1500:]


if __name__ == "__main__":
    unittest.main(verbosity=2)
