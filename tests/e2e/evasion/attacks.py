# SPDX-License-Identifier: Apache-2.0
"""Attacks on the agent itself: functions of the running test, each with an agent of its own.

Each returns when the attack was seen, raises NotApplicable when it cannot be done here, or fails an
assertion, which counts as missed."""

import os
import subprocess

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
