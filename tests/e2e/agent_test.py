#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The agent alone, on this machine's kernel: what scripts rely on."""

import os
import subprocess
import time
import unittest
import urllib.error
import urllib.request

import grpc
import harness
from harness import BIN, KernelTestCase, free_port, stop, wait_for

OPEN_RULE = """
- rule: Marked file opened
  desc: test
  condition: evt.type in (open, openat, openat2) and fd.name endswith vakt-marked
  output: opened %fd.name by %proc.name (%proc.cmdline)
  priority: WARNING
  tags: [test, a_tag]
"""

EXEC_RULE = """
- rule: Marked command
  desc: test
  condition: evt.type in (execve, execveat) and proc.args contains vakt-marked
  output: ran %proc.cmdline
  priority: NOTICE
"""


def run(program, *flags, **options):
    return subprocess.run([os.path.join(BIN, program), *flags], capture_output=True, text=True,
                          timeout=30, stdin=subprocess.DEVNULL, **options)


def health(port, service):
    """grpc.health.v1.Health/Check, as kubelet asks it; its messages are {1: string} and {1: enum}."""
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        check = channel.unary_unary("/grpc.health.v1.Health/Check")
        name = service.encode()
        answer = check(bytes([10, len(name)]) + name, timeout=10, wait_for_ready=True)
    return {b"\x08\x01": "SERVING", b"\x08\x02": "NOT_SERVING"}[answer]


def http(port, path):
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


class AgentAlone(KernelTestCase):
    def test_an_alert_line_has_what_consumers_read(self):
        self.start_agent(rules=[self.rule_file(OPEN_RULE)])
        marked = self.path("vakt-marked")
        self.act("sh", "-c", f"echo x > {marked}")
        [alert] = self.wait_alert("Marked file opened")
        self.assertEqual(sorted(alert), ["hostname", "output", "output_fields", "priority", "rule",
                                         "source", "tags", "time", "uid"])
        self.assertEqual(alert["priority"], "Warning")
        self.assertEqual(alert["source"], "syscall")
        self.assertEqual(alert["tags"], ["a_tag", "test"])
        self.assertEqual(alert["hostname"], os.uname().nodename)
        self.assertIn(f"opened {marked} by sh (sh -c echo x > {marked})", alert["output"])
        self.assertEqual(alert["output_fields"]["fd.name"], marked)
        self.assertEqual(alert["output_fields"]["proc.name"], "sh")
        self.assertEqual(alert["output_fields"]["container.id"], "host")
        self.assertRegex(alert["time"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z$")
        age = time.time() - time.mktime(time.strptime(alert["time"][:19], "%Y-%m-%dT%H:%M:%S")) + time.timezone
        self.assertLess(abs(age), 60)

    def test_only_the_scope_is_watched(self):
        self.start_agent(rules=[self.rule_file(EXEC_RULE)])
        subprocess.run(["true", "vakt-marked-outside"], check=True)
        self.act("true", "vakt-marked-inside")
        [alert] = self.wait_alert("Marked command")
        self.assertIn("inside", alert["output"])
        stats = self.stats()
        self.assertGreater(stats["events_filtered_total"], 0)

    def test_every_hit_is_filtered_delivered_or_lost_even_when_the_rings_overflow(self):
        agent = self.start_agent("--ring-bytes", "64KiB", "--prefilter", "off",
                                 rules=[self.rule_file(OPEN_RULE)])
        agent.send_signal(harness.signal.SIGSTOP)
        self.act("sh", "-c", "i=0; while [ $i -lt 3000 ]; do : < /etc/hostname; i=$((i+1)); done")
        agent.send_signal(harness.signal.SIGCONT)

        def settled():
            stats = self.stats()
            return stats["events_lost_total"] > 0 and stats["events_hook_hits_total"] == sum(
                stats[f"events_{part}_total"] for part in ("filtered", "delivered", "lost"))
        self.assertTrue(wait_for(settled, 10), self.stats())
        self.assertGreater(self.stats()["gaps_total"], 0)

    def test_stats_and_status(self):
        self.start_agent(rules=[self.rule_file(OPEN_RULE)])
        stats = self.stats()
        for name in ("events_hook_hits_total", "events_filtered_total", "events_delivered_total",
                     "events_lost_total", "alerts_total", "rss_bytes", "bpf_map_bytes"):
            self.assertIn(name, stats)
        self.assertLess(stats["rss_bytes"], 40 << 20)
        self.assertLess(stats["bpf_map_bytes"], 64 << 20)
        status = run("vaktctl", "agent", "status", "--state-dir", self.path("state"))
        self.assertEqual(status.returncode, 0, status.stderr)
        self.assertIn("ready", status.stdout)
        self.assertIn("process_exec", status.stdout)

    def test_those_who_look_after_it_are_answered_without_a_collector(self):
        metrics_port, health_port = free_port(), free_port()
        agent = self.start_agent(
            "--metrics-listen", f"127.0.0.1:{metrics_port}", "--health-listen",
            f"127.0.0.1:{health_port}", "--collector", "127.0.0.1:1", *self.tls("agent"),
            alone=False, rules=[self.rule_file(EXEC_RULE)])
        self.act("true", "vakt-marked")
        self.wait_alert("Marked command")
        status, metrics = http(metrics_port, "/metrics")
        self.assertEqual(status, 200)
        self.assertIn("\nvakt_alerts_total 1\n", metrics)
        self.assertIn('\nvakt_events_delivered_total{kind="process_exec"} ', metrics)
        self.assertIn("\nvakt_uplink_connected 0\n", metrics)
        self.assertEqual(http(metrics_port, "/healthz"), (200, "ok\n"))
        self.assertEqual(http(metrics_port, "/readyz"), (200, "ok\n"))
        for service in ("", "liveness", "readiness"):
            self.assertEqual(health(health_port, service), "SERVING", service)
        begin = time.monotonic()
        self.assertEqual(stop(agent), 0)
        self.assertLess(time.monotonic() - begin, 10)

    def test_an_agent_without_rules_is_alive_and_not_ready(self):
        metrics_port, health_port = free_port(), free_port()
        self.start_agent("--metrics-listen", f"127.0.0.1:{metrics_port}", "--health-listen",
                         f"127.0.0.1:{health_port}",
                         rules=[self.rule_file(EXEC_RULE + "  enabled: false\n")])
        self.assertEqual(http(metrics_port, "/readyz"), (503, "no rule is enabled\n"))
        self.assertEqual(http(metrics_port, "/healthz"), (200, "ok\n"))
        self.assertEqual(health(health_port, "readiness"), "NOT_SERVING")
        self.assertEqual(health(health_port, "liveness"), "SERVING")

    def test_programs_are_measured(self):
        self.start_agent(rules=[self.rule_file(OPEN_RULE)])
        programs = self.measured_programs("1s", during=lambda: self.act("cat", "/etc/hostname"))
        self.assertGreater(programs["file_open"]["runs"], 0)
        self.assertGreater(programs["file_open"]["run_time_ns"], 0)
        self.assertGreater(programs["file_open"]["verified_instructions"], 0)
        idle = run("vaktctl", "agent", "programs", "--state-dir", self.path("state"))
        self.assertIn("process_exec", idle.stdout)
        refused = run("vaktctl", "agent", "programs", "--state-dir", self.path("state"),
                      "--measure", "2m")
        self.assertEqual(refused.returncode, 2, refused.stdout)
        self.assertIn("at most 60 s", refused.stderr)

    def test_a_probe_that_is_missing_is_a_blind_spot_that_is_told(self):
        self.start_agent("--disable-probe", "process_exit", rules=[self.rule_file(EXEC_RULE)])
        status = run("vaktctl", "agent", "status", "--state-dir", self.path("state"))
        self.assertIn("degraded", status.stdout)
        self.assertIn("process ends are not seen", status.stdout)
        self.assertIn("process ends are not seen", self.log_text("vakt-agent"))
        self.act("true", "vakt-marked")  # the rest works
        self.wait_alert("Marked command")

    def test_stops_cleanly_and_leaves_nothing_behind(self):
        agent = self.start_agent(rules=[self.rule_file(OPEN_RULE)])
        self.assertEqual(stop(agent), 0)
        self.assertFalse(os.path.exists(self.path("agent.ready")))
        self.assertFalse(os.path.exists(self.path("state/admin.sock")))
        programs = subprocess.run(["bpftool", "prog", "show", "pids"], capture_output=True, text=True)
        if programs.returncode == 0:
            self.assertNotIn(f"vakt-agent({agent.pid})", programs.stdout)

    def test_runs_ahead_of_ordinary_processes(self):
        agent = self.start_agent(rules=[self.rule_file(EXEC_RULE)])
        self.assertEqual(os.getpriority(os.PRIO_PROCESS, agent.pid), -10)

    def test_starts_again_after_kill_9(self):
        agent = self.start_agent(rules=[self.rule_file(EXEC_RULE)])
        agent.kill()
        agent.wait()
        os.unlink(self.path("agent.ready"))
        self.start_agent(rules=[self.rule_file(EXEC_RULE)])
        self.act("true", "vakt-marked")
        self.wait_alert("Marked command")

    def test_a_second_agent_on_the_same_state_is_refused(self):
        self.start_agent(rules=[self.rule_file(EXEC_RULE)])
        second = run("vakt-agent", "--no-collector", "--alerts", "-", "--state-dir",
                     self.path("state"), "--rules", self.path("rules.yaml"))
        self.assertEqual(second.returncode, 1)
        self.assertIn("another agent", second.stderr)

    def test_recording_replays_to_the_same_alerts_without_root(self):
        rules = [harness.RULES, self.rule_file(OPEN_RULE + EXEC_RULE)]
        agent = self.start_agent("--record", self.path("events.vakt"), rules=rules)
        for i in range(20):
            self.act("sh", "-c", f"cat {self.path('vakt-marked')} {i}; true vakt-marked")
        self.wait_alert("Marked file opened", 20)
        self.act("sh", "-c", "/bin/true vakt-marked-last")
        self.wait_alert("Marked command", 1)
        self.assertEqual(stop(agent), 0)
        live = self.alerts()
        self.assertGreater(len(live), 20)
        os.chmod(self.dir, 0o755)
        os.chmod(self.path("events.vakt"), 0o644)
        replayed = subprocess.run(
            ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups",
             os.path.join(BIN, "vaktctl"), "replay", self.path("events.vakt"), "--rules", rules[0],
             "--rules", rules[1], "--format", "json"], capture_output=True, text=True)
        self.assertEqual(replayed.returncode, 0, replayed.stderr)
        again = [harness.json.loads(line) for line in replayed.stdout.splitlines()]
        self.assertEqual(again, live)


class Errors(unittest.TestCase):
    def expect(self, program, code, text, *flags, **options):
        out = run(program, *flags, **options)
        self.assertEqual(out.returncode, code, out.stdout + out.stderr)
        self.assertIn(text, out.stderr)
        last = out.stderr.strip().splitlines()[-1]
        self.assertTrue(last.startswith(program + ":"), out.stderr)

    def test_usage_errors_are_one_clear_line_and_exit_2(self):
        self.expect("vakt-agent", 2, "--no-such-flag", "--no-such-flag")
        self.expect("vakt-agent", 2, "ring", "--ring-bytes", "many")
        self.expect("vakt-agent", 2, "alerts would go nowhere", "--no-collector")
        self.expect("vakt-agent", 2, "--tls-cert", "--collector", "127.0.0.1:1")

    def test_rules_that_are_missing_or_broken(self):
        import tempfile
        with tempfile.TemporaryDirectory() as directory:
            flags = ["--no-collector", "--alerts", "-", "--state-dir", directory + "/state"]
            out = run("vakt-agent", *flags, "--rules", directory + "/absent.yaml")
            self.assertIn(out.returncode, (1, 2))
            self.assertIn("absent.yaml", out.stderr)
            broken = directory + "/broken.yaml"
            with open(broken, "w") as file:
                file.write(EXEC_RULE.replace("contains", "kontains"))
            self.expect("vakt-agent", 2, "broken.yaml:", *flags, "--rules", broken)

    def test_help_lists_every_flag_and_version_answers(self):
        for program in ("vakt-agent", "vakt-collector", "vaktctl"):
            out = run(program, "--help")
            self.assertEqual(out.returncode, 0, out.stderr)
            self.assertIn("--", out.stdout)
            self.assertEqual(run(program, "--version").returncode, 0)
        agent_help = run("vakt-agent", "--help").stdout
        for flag in ("--config", "--rules", "--alerts", "--scope", "--record", "--ready-file",
                     "--state-dir", "--collector", "--no-collector"):
            self.assertIn(flag, agent_help)

    def test_without_privileges_it_says_what_it_needs(self):
        if os.geteuid() != 0:
            self.skipTest("needs root to give root up")
        import tempfile
        with tempfile.TemporaryDirectory() as directory:
            os.chmod(directory, 0o777)
            out = subprocess.run(
                ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups",
                 os.path.join(BIN, "vakt-agent"), "--no-collector", "--alerts", "-",
                 "--state-dir", directory + "/state", "--rules", harness.RULES],
                capture_output=True, text=True, timeout=30)
            self.assertEqual(out.returncode, 1, out.stderr)
            self.assertIn("CAP_BPF", out.stderr)

    def test_a_scope_that_is_no_cgroup(self):
        if harness.why_not():
            self.skipTest(harness.why_not())
        import tempfile
        with tempfile.TemporaryDirectory() as directory:
            self.expect("vakt-agent", 2, "not a cgroup v2 directory", "--no-collector", "--alerts",
                        "-", "--state-dir", directory, "--rules", harness.RULES, "--scope", "/tmp")


if __name__ == "__main__":
    unittest.main(verbosity=2)
