#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""vaktctl as its users call it: the program, against a collector, an agent's socket and files."""

import concurrent.futures
import json
import os
import pathlib
import signal
import socket
import subprocess
import tempfile
import unittest

import grpc
import vakt_testing as vt

VAKTCTL = vt.BIN_DIR / "vaktctl"


def call(*words, **environment):
    """Runs vaktctl to its end. Variables VAKT_* come from `environment` alone."""
    env = {k: v for k, v in os.environ.items() if not k.startswith("VAKT_")} | environment
    return subprocess.run([VAKTCTL, *map(str, words)], env=env, text=True, capture_output=True,
                          timeout=vt.TIMEOUT_S, check=False)


class CliTest(unittest.TestCase):

    def setUp(self):
        directory = tempfile.TemporaryDirectory(prefix="vakt-")
        self.addCleanup(directory.cleanup)
        self.directory = pathlib.Path(directory.name)

    def assert_fails(self, result, status, *texts):
        """One line on stderr with these texts, nothing on stdout."""
        self.assertEqual(result.returncode, status, result)
        self.assertEqual(result.stdout, "")
        self.assertRegex(result.stderr, r"\Avaktctl: [^\n]+\n\Z")
        for text in texts:
            self.assertIn(text, result.stderr)


class CollectorTest(CliTest):

    def setUp(self):
        super().setUp()
        vt.make_certificates(self.directory)
        self.collector = vt.Collector(self.directory, self.directory)
        self.addCleanup(lambda: self.collector.stop())  # the one of then, not of now
        self.agent = vt.Agent()

    def flags(self, who="analyst"):
        return ["--collector", self.collector.address, "--tls-ca", self.directory / "ca.pem",
                "--tls-cert", self.directory / f"{who}.pem",
                "--tls-key", self.directory / f"{who}.key"]

    def json_lines(self, *words, who="analyst"):
        result = call(*words, "--format", "json", *self.flags(who))
        self.assertEqual(result.returncode, 0, result.stderr)
        return [json.loads(line) for line in result.stdout.splitlines()]

    def start_tail(self, *words):
        tail = subprocess.Popen([VAKTCTL, "alerts", "tail", *words, *self.flags()], text=True,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.addCleanup(tail.stdout.close)
        self.addCleanup(tail.stderr.close)
        self.addCleanup(tail.wait)
        self.addCleanup(tail.kill)
        return tail

    def test_query_prints_newest_first_and_oldest_first(self):
        self.agent.send(self.collector, [self.agent.alert(f"alert {i}") for i in range(3)])
        newest = self.json_lines("alerts", "query")
        oldest = self.json_lines("alerts", "query", "--oldest-first")
        self.assertEqual([a["uid"] for a in newest], [a["uid"] for a in reversed(oldest)])
        self.assertIn("alert 0", oldest[0]["output"])
        self.assertEqual(oldest[0]["node"], vt.NODE)
        self.assertEqual(oldest[0]["priority"], "Warning")
        fields = oldest[0]["output_fields"]
        self.assertIsInstance(fields.pop("evt.time"), int)
        self.assertEqual(fields, {"fd.name": None, "proc.name": "sh", "proc.pid": 7})

    def test_query_turns_pages_by_itself(self):
        self.agent.send(self.collector, [self.agent.alert(f"alert {i}") for i in range(2100)])
        alerts = self.json_lines("alerts", "query", "--oldest-first")
        self.assertEqual(len({a["uid"] for a in alerts}), 2100)
        self.assertEqual(len(self.json_lines("alerts", "query", "--limit", "1500")), 1500)

    def test_query_filters(self):
        self.agent.send(self.collector, [
            self.agent.alert("low", rule="A", priority=vt.alert_pb2.PRIORITY_NOTICE),
            self.agent.alert("high", rule="B", priority=vt.alert_pb2.PRIORITY_CRITICAL),
            self.agent.gap(7)])
        for flags, rules in ((["--priority", "error"], ["B"]), (["--rule", "A"], ["A"]),
                             (["--text", "HIGH"], ["B"]), (["--node", "other"], []),
                             (["--since", "1h"], ["B", "A"]), (["--until", "1h"], [])):
            with self.subTest(flags=flags):
                found = self.json_lines("alerts", "query", *flags)
                self.assertEqual([a["rule"] for a in found], rules)
        gaps = [r["gap"] for r in self.json_lines("alerts", "query", "--gaps") if "gap" in r]
        self.assertEqual([(g["class"], g["count"], g["reason"]) for g in gaps],
                         [("loss", 7, "ring_full")])

    def test_hostile_output_does_not_reach_the_terminal(self):
        self.agent.send(self.collector, [self.agent.alert("\x1b[2J\nfake line\x07")])
        human = call("alerts", "query", *self.flags()).stdout
        self.assertIn("\\x1b[2J\\x0afake line\\x07", human)
        self.assertEqual(human.count("\n"), 1)

    def test_get_prints_the_evidence(self):
        sent = self.agent.alert("x")
        self.agent.send(self.collector, [sent])
        [alert] = self.json_lines("alerts", "get", sent.alert.uid)
        self.assertEqual(alert["event"]["file_open"]["file"]["path"], "/tmp/\\xff")
        self.assertEqual((alert["boot_id"], alert["epoch"], alert["seq"]),
                         (self.agent.boot_id, 1, 1))
        self.assertIn("proc.name", call("alerts", "get", sent.alert.uid, *self.flags()).stdout)
        self.assert_fails(call("alerts", "get", "no-such-uid", *self.flags()), 1, "no-such-uid")

    def test_nodes(self):
        self.agent.send(self.collector, [self.agent.alert("x"), self.agent.gap(1)])
        [answer] = self.json_lines("nodes")
        [node] = answer["nodes"]
        self.assertEqual((node["node"], node["cluster"], node["alerts"], node["gaps"]),
                         (vt.NODE, "dev", 1, 1))
        human = call("nodes", *self.flags()).stdout.splitlines()
        self.assertEqual(human[0].split()[:3], ["NODE", "CLUSTER", "STATE"])
        self.assertEqual(human[1].split()[:2], [vt.NODE, "dev"])

    def test_nodes_watch_tells_what_is_and_what_changes(self):
        self.agent.send(self.collector, [self.agent.alert("x")])
        watched = self.json_lines("nodes", "--watch", "--timeout", "3s")
        self.assertEqual(watched[0]["node"]["node"], vt.NODE)
        self.assertTrue(any("up_to_date" in line for line in watched))
        human = call("nodes", "--watch", "--timeout", "2s", *self.flags())
        self.assertEqual(human.returncode, 0, human.stderr)
        self.assertRegex(human.stdout, rf"^\S+  dev/{vt.NODE}  not connected")
        self.assert_fails(call("nodes", "--timeout", "1s", *self.flags()), 2, "goes with --watch")

    def test_nodes_forget(self):
        self.agent.send(self.collector, [self.agent.alert("x")])
        self.assert_fails(call("nodes", "forget", "none", *self.flags()), 1, "knows no node")
        self.assert_fails(call("nodes", "forget", vt.NODE, *self.flags()), 1, "needs the role admin")
        result = call("nodes", "forget", vt.NODE, *self.flags("admin"))
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        self.assertIn("has not seen any node", call("nodes", *self.flags()).stderr)
        [alert] = self.json_lines("alerts", "query")  # it stays
        self.assertTrue(alert["output"].endswith("x"))

    def test_nodes_malformed(self):
        good = self.agent.alert("x")
        bad = self.agent.alert("y")
        bad.seq = 0
        self.agent.send(self.collector, [good, bad])
        [kept] = self.json_lines("nodes", "malformed", vt.NODE, who="admin")
        self.assertEqual(kept["reason"], "seq is 0, or 2^63 or more")
        self.assertIn("Test rule", kept["bytes"])
        self.assertEqual(kept["size_bytes"], len(bad.SerializeToString()))
        human = call("nodes", "malformed", vt.NODE, "--cluster", "dev",
                     *self.flags("admin")).stdout
        self.assertIn(f"{self.agent.epoch}/2", human)

    def test_tail_counts_and_goes_on(self):
        self.agent.send(self.collector, [self.agent.alert(f"alert {i}") for i in range(5)])
        first = self.json_lines("alerts", "tail", "--from-beginning", "--count", "2")
        rest = self.json_lines("alerts", "tail", "--after", first[-1]["cursor"], "--count", "3")
        outputs = [a["output"].split()[-1] for a in first + rest]
        self.assertEqual(outputs, ["0", "1", "2", "3", "4"])

    def test_tail_fails_when_too_few_come(self):
        result = call("alerts", "tail", "--count", "1", "--timeout", "500ms", *self.flags())
        self.assertEqual(result.returncode, 1)
        self.assertIn("ended after 0 of 1 records", result.stderr)
        self.assertEqual(call("alerts", "tail", "--timeout", "500ms", *self.flags()).returncode, 0)

    def test_tail_ends_cleanly_on_a_signal(self):
        self.agent.send(self.collector, [self.agent.alert("x")])
        for number in (signal.SIGINT, signal.SIGTERM):
            with self.subTest(signal=number):
                tail = self.start_tail("--from-beginning")
                self.assertIn("Test rule: x", tail.stdout.readline())
                tail.send_signal(number)
                self.assertEqual(tail.wait(vt.TIMEOUT_S), 0)
                self.assertRegex(tail.stderr.read(), r"\Avaktctl: go on with --after \S+\n\Z")

    def test_tail_survives_a_restart_of_the_collector(self):
        self.agent.send(self.collector, [self.agent.alert("before")])
        tail = self.start_tail("--from-beginning", "--count", "3")
        self.assertIn("before", tail.stdout.readline())
        self.assertEqual(self.collector.stop(), 0)
        for _ in range(3):  # dials in vain for a while
            while "connection refused" not in tail.stderr.readline():
                pass
        self.collector = vt.Collector(self.directory, self.directory, self.collector.address)
        self.agent.send(self.collector, [self.agent.alert("after"), self.agent.alert("last")])
        rest, notes = tail.communicate(timeout=vt.TIMEOUT_S)
        self.assertEqual(tail.returncode, 0)
        self.assertEqual([line.split()[-1] for line in rest.splitlines()], ["after", "last"])
        self.assertRegex(notes, r"go on with --after \S+\n\Z")

    def test_settings_come_from_the_environment_too(self):
        environment = {"VAKT_COLLECTOR": self.collector.address,
                       "VAKT_TLS_CA": str(self.directory / "ca.pem"),
                       "VAKT_TLS_CERT": str(self.directory / "analyst.pem"),
                       "VAKT_TLS_KEY": str(self.directory / "analyst.key")}
        self.assertEqual(call("nodes", **environment).returncode, 0)
        wrong = environment | {"VAKT_COLLECTOR": "nowhere"}
        self.assertEqual(call("nodes", **wrong).returncode, 2)
        self.assertEqual(call("--collector", self.collector.address, "nodes", **wrong).returncode, 0)

    def test_says_why_the_collector_does_not_answer(self):
        self.assert_fails(call("nodes"), 2, "--tls-ca, --tls-cert and --tls-key")
        gone = ["--collector", "127.0.0.1:1", *self.flags()[2:]]
        for verb in (["nodes"], ["alerts", "query"], ["alerts", "tail"]):
            with self.subTest(verb=verb):
                self.assert_fails(call(*verb, *gone), 1,
                                  "cannot reach collector 127.0.0.1:1: connection refused",
                                  "is vakt-collector running? (--collector HOST:PORT)")
        missing = [*self.flags(), "--tls-ca", "/no/such/file"]
        self.assert_fails(call("nodes", *missing), 1, "--tls-ca", "/no/such/file")

    def test_interrupt_ends_a_call_that_nobody_answers(self):
        with socket.create_server(("127.0.0.1", 0)) as silent:
            address = f"127.0.0.1:{silent.getsockname()[1]}"
            for verb, status in ((["nodes"], 130), (["alerts", "tail"], 0)):
                with self.subTest(verb=verb):
                    process = subprocess.Popen(
                        [VAKTCTL, *verb, *self.flags(), "--collector", address],
                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
                    self.addCleanup(process.stdout.close)
                    connection = silent.accept()[0]  # it is under way
                    self.addCleanup(connection.close)
                    process.send_signal(signal.SIGINT)
                    self.assertEqual(process.wait(vt.TIMEOUT_S), status)
                    self.assertEqual(process.stdout.read(), b"")

    def test_says_why_tls_fails(self):
        other = self.directory / "other"
        vt.make_certificates(other)
        stranger = [*self.flags(), "--tls-ca", other / "ca.pem"]
        self.assert_fails(call("nodes", *stranger), 1, "--tls-ca")
        unknown = [*self.flags(), "--tls-cert", other / "analyst.pem",
                   "--tls-key", other / "analyst.key"]
        self.assert_fails(call("nodes", *unknown), 1, "cannot reach collector")
        named = [*self.flags(), "--tls-server-name", "elsewhere.example"]
        self.assert_fails(call("nodes", *named), 1, "--tls-server-name")
        agent = [*self.flags(), "--tls-cert", self.directory / "agent.pem",
                 "--tls-key", self.directory / "agent.key"]
        self.assert_fails(call("nodes", *agent), 1, "refused", "/role/")


class FakeAgent(vt.control_pb2_grpc.AgentControlServicer):

    def GetStatus(self, request, context):
        return vt.control_pb2.AgentStatus(
            version="0.1.0", node="n1", state="degraded", rules=3, blind_spots=["x\x1by"],
            probes=[vt.ingest_pb2.ProbeStatus(name="p", kind="file_open", state="failed",
                                              detail="no BTF")])

    def GetStats(self, request, context):
        return vt.control_pb2.AgentStats(metrics=[
            vt.control_pb2.Metric(name="events_lost_total", value=2,
                                  labels={"kind": "file_open", "reason": "ring_full"}),
            vt.control_pb2.Metric(name="events_lost_total", value=3,
                                  labels={"kind": "process_exec", "reason": "ring_full"}),
            vt.control_pb2.Metric(name="rss_bytes", value=40 << 20)])


class AgentTest(CliTest):

    def setUp(self):
        super().setUp()
        server = grpc.server(concurrent.futures.ThreadPoolExecutor(1))
        vt.control_pb2_grpc.add_AgentControlServicer_to_server(FakeAgent(), server)
        server.add_insecure_port(f"unix:{self.directory}/admin.sock")
        server.start()
        self.addCleanup(lambda: server.stop(None).wait())

    def test_stats_as_names_and_values(self):
        result = call("agent", "stats", "--state-dir", self.directory, "--format", "kv")
        self.assertEqual(result.returncode, 0, result.stderr)
        values = dict(line.split(" ") for line in result.stdout.splitlines())
        self.assertEqual(values["events_lost_total"], "5")
        self.assertEqual(values["events_lost_total{kind=file_open,reason=ring_full}"], "2")
        self.assertEqual(values["rss_bytes"], str(40 << 20))
        for name in ("events_hook_hits_total", "events_filtered_total", "events_delivered_total",
                     "alerts_total", "bpf_map_bytes"):
            self.assertEqual(values[name], "0", name)

    def test_stats_as_json_and_for_people(self):
        result = call("agent", "stats", "--state-dir", self.directory, "--format", "json")
        self.assertEqual(json.loads(result.stdout)["events_lost_total"], 5)
        human = call("agent", "stats", "--state-dir", self.directory).stdout
        self.assertRegex(human, r"events_lost_total +5 ")

    def test_status(self):
        result = call("agent", "status", "--state-dir", self.directory, "--format", "json")
        self.assertEqual(json.loads(result.stdout)["probes"][0]["detail"], "no BTF")
        human = call("agent", "status", "--state-dir", self.directory).stdout
        self.assertRegex(human, r"state +degraded")
        self.assertRegex(human, r"p +file_open +- +failed +no BTF")
        self.assertIn("x\\x1by", human)

    def test_says_that_nobody_answers(self):
        stale = self.directory / "stale"
        stale.mkdir()
        self.assert_fails(call("agent", "stats", "--state-dir", stale), 1,
                          f"{stale}/admin.sock: No such file or directory",
                          f"does vakt-agent run with --state-dir {stale}?")
        with socket.socket(socket.AF_UNIX) as left_behind:
            left_behind.bind(str(stale / "admin.sock"))
        self.assert_fails(call("agent", "stats", "--state-dir", stale), 1, "connection refused",
                          "does vakt-agent run")


class RulesTest(CliTest):

    def test_check_names_the_place(self):
        rules = self.directory / "rules.yaml"
        rules.write_text("- rule: r\n  desc: d\n  condition: proc.nme = x\n  output: o\n"
                         "  priority: INFO\n")
        result = call("rules", "check", "--format", "json", rules)
        self.assertEqual(result.returncode, 1)
        [file] = json.loads(result.stdout)
        self.assertEqual((file["file"], file["ok"], file["rules"]), (str(rules), False, 1))
        [error] = file["errors"]
        self.assertEqual((error["line"], error["column"]), (3, 14))
        self.assertIn("proc.nme", error["message"])
        human = call("rules", "check", rules)
        self.assertEqual(human.returncode, 1)
        self.assertIn(f"{rules}:3:14: error: ", human.stdout)

    def test_shipped_rules_pass_their_tests(self):
        self.assertEqual(call("rules", "check", vt.SOURCE_DIR / "rules").returncode, 0)
        result = call("rules", "test", "--format", "json", vt.SOURCE_DIR / "rules")
        self.assertEqual(result.returncode, 0, result.stdout)
        outcome = json.loads(result.stdout)
        self.assertGreater(outcome["passed"], 0)
        self.assertEqual(outcome["failed"], 0)

    def test_test_reports_a_failure(self):
        (self.directory / "r.yaml").write_text(
            "- rule: r\n  desc: d\n  condition: evt.type = execve and proc.name = sh\n"
            "  output: o\n  priority: INFO\n")
        (self.directory / "r.test.yaml").write_text(
            "tests:\n- {rule: r, name: bash, expect: fire, events: "
            "[process_exec: {exe: /bin/bash}]}\n")
        result = call("rules", "test", self.directory)
        self.assertEqual(result.returncode, 1)
        self.assertIn("r.test.yaml:2: failed: r: bash: should fire; fired: none", result.stdout)
        self.assertTrue(result.stdout.endswith("0 passed, 1 failed\n"))
        (self.directory / "r.test.yaml").write_text("tests:\n- {rule: r}\n")
        self.assert_fails(call("rules", "test", self.directory), 1, "r.test.yaml:2: ")


if __name__ == "__main__":
    unittest.main()
