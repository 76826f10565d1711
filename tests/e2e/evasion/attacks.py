# SPDX-License-Identifier: Apache-2.0
"""Attacks on the agent itself: functions of the running test, each with an agent of its own.

Each returns when the attack was seen, raises NotApplicable when it cannot be done here, or fails an
assertion, which counts as missed."""

import hashlib
import json
import os
import shutil
import socket
import subprocess
import threading

import harness


class NotApplicable(Exception):
    pass


def older_process(test):
    """A process that started before the agent is known with its program, arguments and parent."""
    sleeper = subprocess.Popen(["sh", "-c", "read line; cat secret; exit 0", "older-process"],
                               stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, cwd=test.path("case60"),
                               preexec_fn=test.enter_cgroup)
    rules = test.rule_file("- rule: Older\n  desc: x\n"
                           "  condition: evt.type in (open, openat) and fd.name endswith case60/secret\n"
                           "  output: '%proc.pcmdline %proc.ppid'\n  priority: WARNING\n", "older.yaml")
    test.start_agent(rules=(rules,))
    sleeper.communicate(b"go\n")
    [alert] = test.wait_alert("Older")
    test.assertIn("older-process", alert["output_fields"]["proc.pcmdline"])
    test.assertEqual(str(alert["output_fields"]["proc.ppid"]), str(sleeper.pid))


def flood(test):
    """Two processes that open files flat out hide none of twenty other acts, and what was lost is
    counted to the event."""
    rules = test.rule_file("- rule: Planted\n  desc: x\n"
                           "  condition: evt.type in (execve, execveat) and proc.args = planted\n"
                           "  output: planted\n  priority: WARNING\n"
                           "- rule: Opens\n  desc: x\n"
                           "  condition: evt.type in (open, openat) and fd.name = /never\n"
                           "  output: opened\n  priority: WARNING\n", "flood.yaml")
    test.start_agent(rules=(rules,))
    storm = [subprocess.Popen(["sh", "-c", "while :; do : < /etc/hostname; done"],
                              preexec_fn=test.enter_cgroup) for _ in range(2)]
    try:
        for _ in range(20):
            test.act("true", "planted")
    finally:
        for process in storm:
            process.kill()
            process.wait()
    test.wait_alert("Planted", count=20)

    def all_told():
        stats = test.stats()
        told = ("events_filtered_total", "events_delivered_total", "events_lost_total")
        return stats["events_hook_hits_total"] == sum(stats[name] for name in told)
    test.assertTrue(harness.wait_for(all_told), "hits are not all filtered, delivered or lost")


def skipped_events(test):
    """The kernel's own counter of runs that it left out is read for each program, and told."""
    test.start_agent(rules=(test.rule_file(
        "- rule: Any\n  desc: x\n  condition: evt.type = execve and proc.args = any\n  output: any\n"
        "  priority: WARNING\n", "any.yaml"),))
    programs = test.measured_programs("500ms", during=lambda: test.act("true"))
    test.assertGreater(programs["process_exec"]["runs"], 0)
    names = {name for name in test.stats() if name.startswith("programs_skipped_total{")}
    test.assertIn("programs_skipped_total{program=process_exec}", names)


EXECS = ("- rule: Any\n  desc: x\n  condition: evt.type = execve and proc.args = any\n  output: {0}\n"
         "  priority: WARNING\n")


def flip(path, text):
    """Changes the text's last byte in the file; False when it is not there."""
    with open(path, "r+b") as file:
        at = file.read().find(text)
        if at < 0:
            return False
        file.seek(at + len(text) - 1)
        file.write(b"!")
    return True


def altered_spool(test):
    """A byte that was changed in the spool of a stopped agent is found, and its place told."""
    agent = test.start_agent("--collector", "127.0.0.1:1", *test.tls("agent"), alone=False,
                             rules=(test.rule_file(EXECS.format("any"), "any.yaml"),), state="altered")
    test.act("true", "any")
    test.wait_alert("Any")
    harness.stop(agent)
    spool = test.path("altered/spool")

    def verify():
        return subprocess.run([os.path.join(harness.BIN, "vaktctl"), "spool", "verify", spool],
                              capture_output=True, text=True)
    test.assertEqual(verify().returncode, 0, verify().stdout)
    for name in os.listdir(spool):
        if flip(os.path.join(spool, name), b"Any"):
            break
    test.assertEqual(verify().returncode, 1, verify().stdout)


def altered_rules(test):
    """Rules that were changed under a running agent change the hash that every record carries."""
    rules = test.rule_file(EXECS.format("any"), "any.yaml")
    test.start_agent(rules=(rules,))
    before = test.status()["rule_set_hash"]
    test.rule_file(EXECS.format("weakened"), "any.yaml")
    test.assertTrue(harness.wait_for(lambda: test.status()["rule_set_hash"] != before))


class Wire:
    """A relay to a port of this machine that can be cut: what is sent then arrives nowhere."""

    def __init__(self, to_port):
        self._to_port = to_port
        self._whole = threading.Event()
        self._whole.set()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self):
        self._whole.clear()

    def mend(self):
        self._whole.set()

    def close(self):
        self.mend()
        self._listener.close()

    def _accept(self):
        while True:
            try:
                here, _ = self._listener.accept()
                there = socket.create_connection(("127.0.0.1", self._to_port))
            except OSError:
                return
            for one, other in ((here, there), (there, here)):
                threading.Thread(target=self._carry, args=(one, other), daemon=True).start()

    def _carry(self, source, sink):
        try:
            while data := source.recv(65536):
                self._whole.wait()
                sink.sendall(data)
        except OSError:
            pass
        for end in (source, sink):
            end.close()


def stored(test, port, *arguments):
    out = test.vaktctl(port, "alerts", "query", "--format", "json", *arguments, check=False).stdout
    return [json.loads(line) for line in out.splitlines()]


def network_cut(test):
    """A node that cannot be heard is told as silent, and what it saw meanwhile arrives later."""
    port = harness.free_port()
    test.start_collector(port)
    wire = Wire(port)
    try:
        test.start_agent("--collector", f"127.0.0.1:{wire.port}", *test.tls("agent"), "--heartbeat", "500ms",
                         "--node-name", os.uname().nodename, alone=False, state="cut",
                         rules=(test.rule_file(EXECS.format("any"), "any.yaml"),))
        test.assertTrue(harness.wait_for(lambda: os.uname().nodename in test.vaktctl(port, "nodes").stdout))
        wire.cut()
        test.act("true", "any")
        test.assertTrue(harness.wait_for(lambda: stored(test, port, "--rule", "Vakt node silent"), 60, 0.2))
        wire.mend()
        test.assertTrue(harness.wait_for(lambda: stored(test, port, "--rule", "Any"), 60, 0.2))
    finally:
        wire.close()


def exchanged_program(test):
    """An agent that comes back as another program of the same version is told by the collector."""
    port = harness.free_port()
    test.start_collector(port)
    rules = (test.rule_file(EXECS.format("any"), "any.yaml"),)
    flags = ("--collector", f"127.0.0.1:{port}", *test.tls("agent"), "--heartbeat", "500ms", "--node-name",
             os.uname().nodename)

    def connected():
        return " connected" in test.vaktctl(port, "nodes").stdout
    agent = test.start_agent(*flags, alone=False, rules=rules)
    test.assertTrue(harness.wait_for(connected))
    harness.stop(agent)
    other = test.path("vakt-agent-other")
    shutil.copy(os.path.join(harness.BIN, "vakt-agent"), other)
    with open(other, "ab") as file:
        file.write(b"!")
    test.start_agent(*flags, alone=False, rules=rules, program=other)
    [alert] = harness.wait_for(lambda: stored(test, port, "--rule", "Vakt node runs another program"), 30, 0.2) or [None]
    test.assertIsNotNone(alert)
    with open(other, "rb") as file:
        test.assertIn(hashlib.sha256(file.read()).hexdigest(), alert["output"])


def fill(directory):
    """Takes all room; returns the file that has it."""
    path = os.path.join(directory, "ballast")
    with open(path, "wb", buffering=0) as ballast:
        try:
            while ballast.write(bytes(65536)) == 65536:
                pass
        except OSError:
            return path
    return path


def filled_disk(test):
    """On a full disk alerts wait in memory; what finds no room there is told with its exact number,
    and the rest arrives, once the disk has room again."""
    state, count = test.path("small"), 400
    os.mkdir(state)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64m", "vakt-small", state], check=True)
    test.addCleanup(subprocess.run, ["umount", "--lazy", state], check=True)
    port = harness.free_port()
    agent = test.start_agent("--collector", f"127.0.0.1:{port}", *test.tls("agent"),
                             "--node-name", os.uname().nodename, "--flows", "off", alone=False, state="small",
                             rules=(test.rule_file(EXECS.format("'%proc.args'").replace("= any", "startswith any")
                                                   .replace("rule: Any", "rule: Kept"),
                                                   "any.yaml"),))
    ballast = fill(state)
    for _ in range(count):
        test.act("true", "any" + "x" * 12000)
    test.assertIsNone(agent.poll(), "the agent ended")
    os.unlink(ballast)
    test.start_collector(port)

    def told():
        gaps = [record["gap"] for record in stored(test, port, "--gaps", "--limit", "100000") if "gap" in record]
        return sum(int(gap["count_by_priority"].get("Warning", 0)) if gap.get("count_by_priority")
                   else int(gap["count"]) for gap in gaps if gap["class"] == "shed")

    def kept():
        return len(stored(test, port, "--rule", "Kept", "--limit", "100000"))
    test.assertTrue(harness.wait_for(lambda: told() + kept() == count, 60, 0.5),
                    f"of {count} alerts {kept()} are stored and {told()} are told as shed")
