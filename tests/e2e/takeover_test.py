#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""An agent whose hooks and rings are pinned is killed, and the next one goes on where it ended."""

import collections
import ctypes
import json
import os
import re
import signal
import socket
import subprocess
import tempfile
import time
import unittest

from harness import BIN, SLOWER, KernelTestCase, free_port, stop, wait_for, why_not

MARKED = """
- rule: Marked command
  desc: test
  condition: evt.type in (execve, execveat) and proc.args startswith vakt-marked
  output: ran %proc.args by %proc.exepath of %proc.pname
  priority: NOTICE
"""
OPENS = """
- rule: Marked file opened
  desc: test
  condition: evt.type in (open, openat, openat2) and fd.name endswith vakt-marked
  output: opened %fd.name by %proc.name
  priority: NOTICE
"""

KILLED = "the last run was killed before it had written what came of its last records"
COMMANDS = int(5000 / SLOWER)

CLONE_NEWNS = 0x20000
MS_REC, MS_PRIVATE = 0x4000, 0x40000


def own_bpf_file_system(directory):
    """A BPF file system that this process and its children alone see; it goes with the last of them."""
    libc = ctypes.CDLL(None, use_errno=True)

    def must(result):
        if result != 0:
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    must(libc.unshare(CLONE_NEWNS))
    must(libc.mount(b"none", b"/", None, MS_REC | MS_PRIVATE, None))
    must(libc.mount(b"none", directory.encode(), b"bpf", 0, None))


class Takeover(KernelTestCase):
    @classmethod
    def setUpClass(cls):
        if why_not():
            raise unittest.SkipTest(why_not())
        cls.bpffs = tempfile.mkdtemp(prefix="vakt-bpffs-")
        own_bpf_file_system(cls.bpffs)

    @classmethod
    def tearDownClass(cls):
        ctypes.CDLL(None).umount2(cls.bpffs.encode(), 2)
        os.rmdir(cls.bpffs)

    def setUp(self):
        super().setUp()
        self.pins = os.path.join(self.bpffs, "vakt")
        self.addCleanup(lambda: os.path.exists(self.pins) and self.unpin())

    def unpin(self):
        for program in self.programs:
            stop(program)
        out = subprocess.run([os.path.join(BIN, "vakt-agent"), "--pin", self.pins, "--unpin"],
                             capture_output=True, text=True)
        self.assertEqual(out.returncode, 0, out.stderr)

    def start_pinned(self, *flags, rules=MARKED, collector=None, **options):
        if collector:
            flags += ("--collector", collector, *self.tls("agent"), "--heartbeat", "500ms",
                      "--node-name", os.uname().nodename)
        try:
            os.unlink(self.path("agent.ready"))
        except FileNotFoundError:
            pass
        return self.start_agent("--pin", self.pins, *flags, rules=[self.rule_file(rules)], **options)

    def kill(self, agent):
        agent.kill()
        agent.wait()

    def run_marked(self, count, first=1):
        self.act("sh", "-c", f"seq {first} {first + count - 1} | xargs -I N true vakt-marked-N")

    def marked(self):
        """How often each marked command was told of."""
        told = collections.Counter()
        for alert in self.alerts():
            if alert["rule"] != "Marked command":
                continue
            found = re.search(r"ran vakt-marked-(\d+) by (?:/usr)?/bin/true of xargs ", alert["output"])
            self.assertIsNotNone(found, alert["output"])
            told[int(found.group(1))] += 1
        return told

    def settled(self):
        stats = self.stats()
        parts = [stats[f"events_{part}_total"] for part in ("filtered", "delivered", "lost")]
        return stats if stats["events_hook_hits_total"] == sum(parts) else None

    def assert_settled(self):
        stats = wait_for(self.settled, 10)
        self.assertIsNotNone(stats, self.stats())
        return stats

    def with_collector(self):
        """Makes one, once; what start_pinned takes besides."""
        if not hasattr(self, "port"):
            self.port = free_port()
            self.start_collector(self.port)
        return {"collector": f"127.0.0.1:{self.port}"}

    def records(self):
        out = self.vaktctl(self.port, "alerts", "query", "--gaps", "--format", "json", "--limit",
                           "100000", check=False)
        return [json.loads(line) for line in out.stdout.splitlines()] if out.returncode == 0 else []

    def stored(self):
        """The numbers of the marked commands that the collector has."""
        return [int(re.search(r"ran vakt-marked-(\d+) by ", record["output"]).group(1))
                for record in self.records() if record.get("rule") == "Marked command"]

    def gaps(self):
        return [record["gap"] for record in self.records() if "gap" in record]

    def notes(self):
        return [record["lifecycle"]["what"] for record in self.records() if "lifecycle" in record]

    def told_lost(self, expected=0):
        def told():
            return sum(int(gap["count"]) for gap in self.gaps() if gap["class"] == "loss")
        wait_for(lambda: told() >= (expected or self.stats()["events_lost_total"]), 10, 0.2)
        return told()

    def hooks(self):
        """The ids of some programs of all agents that run here, or have left theirs."""
        out = subprocess.run(["bpftool", "-j", "prog", "show"], capture_output=True, text=True)
        names = {"process_fork", "process_exec", "process_exit"}
        return {program["id"] for program in json.loads(out.stdout or "[]") if program.get("name") in names}

    # -- the same agent again --------------------------------------------------------------------

    def test_commands_of_its_absence_are_told_once(self):
        agent = self.start_pinned("--ring-bytes", "32MiB")
        self.run_marked(20)
        self.wait_alert("Marked command", 20)
        before = self.assert_settled()
        self.kill(agent)
        self.run_marked(COMMANDS, first=21)
        self.start_pinned("--ring-bytes", "32MiB")
        self.run_marked(20, first=COMMANDS + 21)
        self.wait_alert("Marked command", COMMANDS + 40, 30)
        self.assertEqual(self.marked(), collections.Counter(range(1, COMMANDS + 41)))
        after = self.assert_settled()
        self.assertEqual(after["events_lost_total"], 0)
        # A fork, an exec and an exit of each, and of xargs and its kin.
        self.assertGreaterEqual(after["events_delivered_total"] - before["events_delivered_total"],
                                3 * (COMMANDS + 20))

    def test_commands_under_kills_are_stored_once(self):
        """Not only what happens while no agent lives: also what one was about to tell."""
        flags = ["--ring-bytes", "32MiB"]
        options = dict(alone=False, **self.with_collector())
        agent = self.start_pinned(*flags, **options)
        load = subprocess.Popen(["sh", "-c", f"seq {COMMANDS} | xargs -I N true vakt-marked-N"],
                                preexec_fn=self.enter_cgroup)
        kills = 0
        while load.poll() is None or kills == 0:
            time.sleep(0.7)
            self.kill(agent)
            kills += 1
            agent = self.start_pinned(*flags, **options)
        self.assertGreater(kills, 1 if SLOWER == 1 else 0)

        wait_for(lambda: len(self.stored()) >= COMMANDS, 30, 0.5)
        told = collections.Counter(self.stored())
        self.assertEqual({number: times for number, times in told.items() if times != 1}, {})
        self.assertEqual(sorted(set(range(1, COMMANDS + 1)) - set(told)), [])

    def test_what_waited_for_the_container_runtime_is_the_successors(self):
        """The agent had taken the event and told what came after it."""
        self.kill_one_that_waits(100, "--ring-bytes", "8MiB")
        self.start_pinned("--ring-bytes", "8MiB", "--no-container-runtime", alone=False,
                          **self.with_collector())
        wait_for(lambda: len(self.stored()) >= 101, 20, 0.2)
        self.assertEqual(sorted(self.stored()), list(range(1, 102)))
        self.assertEqual(self.gaps_of(KILLED), [])

    def test_what_waited_is_the_successors_with_other_maps_too(self):
        self.kill_one_that_waits(100, "--ring-bytes", "8MiB")
        self.start_pinned("--ring-bytes", "16MiB", "--no-container-runtime", alone=False,
                          **self.with_collector())
        wait_for(lambda: len(self.stored()) >= 101, 20, 0.2)
        self.assertEqual(sorted(self.stored()), list(range(1, 102)))

    def test_what_waited_and_was_given_up_for_room_is_told(self):
        self.kill_one_that_waits(300, "--ring-bytes", "512KiB")
        self.start_pinned("--ring-bytes", "512KiB", "--no-container-runtime", alone=False,
                          **self.with_collector())
        self.act("true", "vakt-marked-302")
        wait_for(lambda: 302 in self.stored(), 20, 0.2)
        self.assertEqual(sorted(self.stored()), list(range(2, 303)))
        self.assertEqual([gap["class"] for gap in self.gaps_of(KILLED)], ["degraded"])

    def kill_one_that_waits(self, count, *flags):
        """An agent that waits for what a container runtime says of command 1, and has told `count`
        more."""
        silent = self.path("runtime.sock")
        with socket.socket(socket.AF_UNIX) as runtime:
            runtime.bind(silent)
            runtime.listen()  # and never says a word
            container = os.path.join(self.cgroup, "c0" * 32)
            os.mkdir(container)
            self.addCleanup(os.rmdir, container)
            agent = self.start_pinned(*flags, "--container-runtime", silent, "--container-wait", "10m",
                                      alone=False, **self.with_collector())

            def join_the_container():
                with open(f"{container}/cgroup.procs", "w") as own:
                    own.write("0")
            subprocess.run(["true", "vakt-marked-1"], check=True, preexec_fn=join_the_container)
            self.assertTrue(wait_for(lambda: self.stats().get("events_held") == 1, 10))
            self.run_marked(count, first=2)
            self.assertTrue(wait_for(lambda: len(self.stored()) == count, 20, 0.2), self.stored())
            self.kill(agent)

    def gaps_of(self, reason):
        return [gap for gap in self.gaps() if gap["reason"] == reason]

    def test_what_found_no_room_meanwhile_is_counted_exactly(self):
        agent = self.start_pinned("--ring-bytes", "64KiB", "--prefilter", "off", rules=MARKED + OPENS)
        self.kill(agent)
        self.act("sh", "-c", "i=0; while [ $i -lt 3000 ]; do : < /etc/hostname; i=$((i+1)); done")
        self.start_pinned("--ring-bytes", "64KiB", "--prefilter", "off", rules=MARKED + OPENS,
                          alone=False, **self.with_collector())
        stats = self.assert_settled()
        self.assertGreater(stats["events_lost_total"], 1000)
        self.assertEqual(self.told_lost(), stats["events_lost_total"])

    def test_what_a_predecessor_told_is_not_told_again(self):
        flags = ["--ring-bytes", "64KiB", "--prefilter", "off"]
        flood = ("sh", "-c", "i=0; while [ $i -lt 2000 ]; do : < /etc/hostname; i=$((i+1)); done")
        agent = self.start_pinned(*flags, rules=MARKED + OPENS, alone=False, **self.with_collector())
        agent.send_signal(signal.SIGSTOP)
        self.act(*flood)
        agent.send_signal(signal.SIGCONT)
        lost = self.assert_settled()["events_lost_total"]
        self.assertGreater(lost, 500)
        self.assertEqual(self.told_lost(lost), lost)
        self.kill(agent)
        self.act(*flood)
        self.start_pinned(*flags, rules=MARKED + OPENS, alone=False, **self.with_collector())
        stats = self.assert_settled()
        self.assertGreater(stats["events_lost_total"], lost)
        self.assertEqual(self.told_lost(stats["events_lost_total"]), stats["events_lost_total"])

    def test_events_before_an_exec_that_waits_are_not_the_new_programs(self):
        agent = self.start_pinned(rules=OPENS.replace("by %proc.name", "by %proc.exepath"))
        self.kill(agent)
        marked = self.path("vakt-marked")
        # It lives on when the next agent lists what runs, and is another program by then.
        late = subprocess.Popen(["sh", "-c", f": > {marked}; exec sleep 60"],
                                preexec_fn=self.enter_cgroup)
        self.addCleanup(lambda: (late.kill(), late.wait()))
        self.assertTrue(wait_for(lambda: os.readlink(f"/proc/{late.pid}/exe").endswith("/sleep")))
        self.start_pinned(rules=OPENS.replace("by %proc.name", "by %proc.exepath"))
        [alert] = self.wait_alert("Marked file opened")
        self.assertRegex(alert["output"], "by (/usr)?/bin/(da)?sh ")

    # -- what is said of it ----------------------------------------------------------------------

    def test_the_stream_tells_of_a_takeover_and_of_no_blindness(self):
        agent = self.start_pinned(alone=False, **self.with_collector())
        self.kill(agent)
        self.run_marked(5)
        self.start_pinned(alone=False, **self.with_collector())
        self.wait_alert("Marked command", 5)
        self.assertTrue(wait_for(lambda: "takeover" in self.notes(), 10, 0.2), self.notes())
        self.assertEqual([gap for gap in self.gaps() if gap["class"] == "blind"], [])
        self.assertEqual(self.status()["pinned"], self.pins)

    def test_other_rules_tell_what_the_kernel_left_out(self):
        agent = self.start_pinned(alone=False, **self.with_collector())
        self.kill(agent)
        self.act("sh", "-c", f": > {self.path('vakt-marked')}")
        self.start_pinned(rules=MARKED + OPENS, alone=False, **self.with_collector())
        gaps = wait_for(lambda: [gap for gap in self.gaps() if gap.get("kind") == "file_open"], 10, 0.2)
        self.assertEqual([(gap["class"], gap["reason"]) for gap in gaps or []],
                         [("blind", "not_hooked_before")])
        self.assertIn("the kernel left out what the rules of before did not ask for",
                      [gap["reason"] for gap in self.gaps()])

    # -- other maps ------------------------------------------------------------------------------

    def test_another_size_of_rings_loses_and_doubles_nothing(self):
        agent = self.start_pinned("--ring-bytes", "16MiB")
        self.run_marked(10)
        self.wait_alert("Marked command", 10)
        self.kill(agent)
        self.run_marked(1000, first=11)
        # Goes on while both agents' hooks are attached.
        load = subprocess.Popen(["sh", "-c", "seq 1011 4010 | xargs -I N true vakt-marked-N"],
                                preexec_fn=self.enter_cgroup)
        self.start_pinned("--ring-bytes", "32MiB")
        load.wait()
        self.wait_alert("Marked command", 4010, 30)
        self.assertEqual(self.marked(), collections.Counter(range(1, 4011)))
        [pinned] = os.listdir(self.pins)  # the old set is gone
        self.assertRegex(pinned, "^[0-9a-f]{16}_[0-9a-f]{16}$")

    def test_records_of_another_layout_are_counted(self):
        agent = self.start_pinned(alone=False, **self.with_collector())
        self.kill(agent)
        [pinned] = os.listdir(self.pins)
        os.rename(f"{self.pins}/{pinned}", f"{self.pins}/{'0' * 16}_{pinned[17:]}")
        self.run_marked(100)
        self.start_pinned(alone=False, **self.with_collector())
        self.run_marked(1, first=101)
        self.wait_alert("Marked command")
        self.assertEqual(sum(self.marked().values()), 1)
        gaps = wait_for(lambda: {gap["reason"]: gap for gap in self.gaps()}, 10, 0.2)
        # Fork, exec and exit of each at least.
        self.assertGreaterEqual(int(gaps["left_by_another_layout"]["count"]), 300)
        self.assertIn("agent_ended", gaps)
        self.assertEqual(len(os.listdir(self.pins)), 1)

    def test_what_is_half_made_or_broken_is_replaced(self):
        agent = self.start_pinned()
        self.kill(agent)
        [pinned] = os.listdir(self.pins)
        os.unlink(f"{self.pins}/{pinned}/maps/cpu_state")
        os.mkdir(f"{self.pins}/unfinished")
        self.start_pinned()
        self.run_marked(1)
        self.wait_alert("Marked command")
        self.assertEqual(os.listdir(self.pins), [pinned])

    # -- stop, removal, refusals -----------------------------------------------------------------

    def test_a_stop_keeps_the_hooks_and_unpin_removes_them(self):
        others = self.hooks()
        agent = self.start_pinned()
        refused = subprocess.run([os.path.join(BIN, "vakt-agent"), "--pin", self.pins, "--unpin"],
                                 capture_output=True, text=True)
        self.assertEqual(refused.returncode, 1)
        self.assertIn("stop it first", refused.stderr)
        self.assertEqual(stop(agent), 0)
        self.run_marked(10)
        agent = self.start_pinned()
        self.wait_alert("Marked command", 10)
        self.assertEqual(self.marked(), collections.Counter(range(1, 11)))
        own = self.hooks() - others
        self.assertTrue(own)
        self.assertEqual(stop(agent), 0)
        self.unpin()
        self.assertFalse(os.path.exists(self.pins))
        self.assertTrue(wait_for(lambda: not own & self.hooks(), 5), own)

    def test_a_directory_elsewhere_is_refused(self):
        refused = subprocess.run([os.path.join(BIN, "vakt-agent"), "--pin", self.path("pins"),
                                  "--no-collector", "--alerts", "-", "--state-dir", self.path("state"),
                                  "--rules", self.rule_file(MARKED)], capture_output=True, text=True)
        self.assertEqual(refused.returncode, 2, refused.stderr)
        self.assertIn("BPF file system", refused.stderr)
        self.assertFalse(os.path.exists(self.path("pins")))

    def test_rules_that_ask_for_less_let_hooks_go(self):
        agent = self.start_pinned(rules=MARKED + OPENS)
        [pinned] = os.listdir(self.pins)
        folder = f"{self.pins}/{pinned}/links"
        self.assertTrue([name for name in os.listdir(folder) if name.startswith("file_open")])
        self.kill(agent)
        self.start_pinned()
        self.assertFalse([name for name in os.listdir(folder) if name.startswith("file_open")])
        self.assertFalse([name for name in os.listdir(f"{self.pins}/{pinned}/programs")
                          if name.startswith("file_open")])


if __name__ == "__main__":
    unittest.main()
