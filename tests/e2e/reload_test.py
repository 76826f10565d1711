#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Rules are replaced while the agent runs: nothing is missed, and files that do not load change
nothing."""

import json
import os
import re
import signal
import subprocess
import threading
import unittest

from harness import BIN, KernelTestCase, free_port, wait_for

FILLER = """
- rule: filler {set} {i}
  desc: test
  condition: evt.type in (open, openat) and fd.name startswith /srv/{set}/{i}/ and proc.name = tool{i}
  output: o %fd.name
  priority: NOTICE
"""

PLANTED = """
- rule: planted {set}
  desc: test
  condition: evt.type in (open, openat) and fd.name contains /vakt-planted-
  output: opened %fd.name
  priority: WARNING
"""

RAN = """
- rule: ran {set}
  desc: test
  condition: evt.type in (execve, execveat) and proc.args contains vakt-marked
  output: ran %proc.cmdline
  priority: WARNING
"""


def rules_of(name, fillers=999):
    return PLANTED.format(set=name) + "".join(FILLER.format(set=name, i=i) for i in range(fillers))


class Reload(KernelTestCase):
    def setUp(self):
        super().setUp()
        self.rules = self.path("rules")
        os.mkdir(self.rules)

    def write(self, text, name="rules.yaml"):
        """Replaces the file whole, as editors and package managers do."""
        path = os.path.join(self.rules, name)
        with open(path + ".new", "w") as file:
            file.write(text)
        os.rename(path + ".new", path)

    def ask(self, *verb):
        return subprocess.run([os.path.join(BIN, "vaktctl"), "agent", *verb, "--state-dir",
                               self.path("state")], capture_output=True, text=True, timeout=60)

    def status(self):
        return json.loads(self.ask("status", "--format", "json").stdout)

    def test_no_event_goes_unevaluated_while_a_thousand_rules_are_replaced(self):
        self.write(rules_of("a"))
        agent = self.start_agent(rules=[self.rules])
        marks = self.path("marks")
        os.mkdir(marks)
        script = (f"i=0; while [ ! -e {marks}/stop ]; do : < /etc/hostname; : < /etc/passwd; "
                  f"i=$((i+1)); : > {marks}/vakt-planted-$i; done; echo $i > {marks}/count")
        actor = threading.Thread(target=self.act, args=("sh", "-c", script))
        actor.start()
        pauses = []
        try:
            for number in range(6):
                self.write(rules_of("ba"[number % 2] + str(number)))
                agent.send_signal(signal.SIGHUP)
                wanted = number + 1
                self.assertTrue(wait_for(
                    lambda: self.stats()["rule_reloads_total{result=loaded}"] >= wanted))
                pauses.append(self.stats()["rule_reload_pause_ns"])
        finally:
            with open(os.path.join(marks, "stop"), "w"):
                pass
            actor.join()
        with open(os.path.join(marks, "count")) as file:
            count = int(file.read())

        def numbers():
            found = set()
            for alert in self.alerts():
                match = re.search(r"vakt-planted-(\d+)", alert["output"])
                if match:
                    found.add(int(match.group(1)))
            return found if len(found) >= count else None
        found = wait_for(numbers, 20) or set()
        self.assertEqual(set(range(1, count + 1)) - found, set())
        self.assertGreaterEqual(len({a["rule"] for a in self.alerts()}), 6)
        print(f"{count} planted opens, none missed over {len(pauses)} reloads; "
              f"longest pause {max(pauses) / 1e6:.2f} ms")

    def test_a_swapped_link_of_a_volume_is_noticed(self):
        for name in ("one", "two"):
            os.mkdir(os.path.join(self.rules, ".." + name))
            with open(os.path.join(self.rules, ".." + name, "rules.yaml"), "w") as file:
                file.write(rules_of(name, fillers=1))
        os.symlink("..one", os.path.join(self.rules, "..data"))
        os.symlink("..data/rules.yaml", os.path.join(self.rules, "rules.yaml"))
        self.start_agent(rules=[self.rules])
        self.act("sh", "-c", f": > {self.path('vakt-planted-1')}")
        self.wait_alert("planted one")
        os.symlink("..two", os.path.join(self.rules, "..new"))
        os.rename(os.path.join(self.rules, "..new"), os.path.join(self.rules, "..data"))
        self.assertTrue(wait_for(lambda: self.stats()["rule_reloads_total{result=loaded}"] == 1))
        self.act("sh", "-c", f": > {self.path('vakt-planted-2')}")
        self.wait_alert("planted two")

    def test_files_that_do_not_load_change_nothing(self):
        self.write(rules_of("good", fillers=1))
        self.start_agent(rules=[self.rules])
        good = self.status()
        self.write("- rule: bad\n  condition: no.such.field = 1\n")
        out = self.ask("reload")
        self.assertNotEqual(out.returncode, 0)
        self.assertIn("rules.yaml", out.stderr)
        status = self.status()
        self.assertIn("rules.yaml", status["rules_error"])
        self.assertEqual(status["rule_set_hash"], good["rule_set_hash"])
        self.assertIn("the rules stay as they are", self.log_text("vakt-agent"))
        self.act("sh", "-c", f": > {self.path('vakt-planted-1')}")
        self.wait_alert("planted good")
        self.write(rules_of("better", fillers=1))
        out = self.ask("reload")
        self.assertEqual(out.returncode, 0, out.stderr)
        self.assertEqual(self.status().get("rules_error", ""), "")
        self.act("sh", "-c", f": > {self.path('vakt-planted-2')}")
        self.wait_alert("planted better")

    def test_probes_come_and_go_with_the_rules_that_need_them(self):
        def opens():
            return {p["state"] for p in self.status()["probes"]
                    if p["kind"] == "file_open" and not p["name"].startswith("compat_call@")}
        self.write(RAN.format(set="first"))
        self.start_agent(rules=[self.rules])
        self.assertEqual(opens(), {"not needed"})
        self.write(rules_of("opens", fillers=0) + RAN.format(set="second"))
        self.assertEqual(self.ask("reload").returncode, 0)
        self.assertEqual(opens(), {"attached"})
        self.act("sh", "-c", f": > {self.path('vakt-planted-1')}")
        self.wait_alert("planted opens")
        self.write(RAN.format(set="third"))
        self.assertEqual(self.ask("reload").returncode, 0)
        self.assertEqual(opens(), {"not needed"})
        self.act("true", "vakt-marked")
        self.wait_alert("ran third")

    def test_the_stream_tells_of_reloads(self):
        self.write(rules_of("one", fillers=0))
        port = free_port()
        self.start_collector(port)
        self.start_agent("--collector", f"127.0.0.1:{port}", *self.tls("agent"), "--node-name",
                         os.uname().nodename, rules=[self.rules], alone=False)
        before = self.status()["rule_set_hash"]
        self.write(rules_of("two", fillers=0))
        self.assertEqual(self.ask("reload").returncode, 0)
        self.write("- rule: [")
        self.assertNotEqual(self.ask("reload").returncode, 0)

        def notes():
            out = self.vaktctl(port, "alerts", "query", "--gaps", "--format", "json", check=False)
            found = [json.loads(line).get("lifecycle") or {} for line in out.stdout.splitlines()]
            return found if any("FAILED" in n.get("what", "").upper() for n in found) else None
        found = wait_for(notes, 20, step=0.3)
        self.assertIsNotNone(found)
        [reload] = [n for n in found if n.get("previous_rule_set_hash")]
        self.assertEqual(reload["previous_rule_set_hash"], before)
        self.assertNotEqual(reload["rule_set_hash"], before)


if __name__ == "__main__":
    unittest.main(verbosity=2)
