#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What analysts and SIEMs do: search, work on alerts, take them as OCSF, follow as a consumer."""

import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

import grpc
import vakt_testing as vt

# OCSF 1.8.0, class Detection Finding (2004): what the schema requires, and of objects that we write
# what they require themselves (schema.ocsf.io, classes/detection_finding and objects/...).
REQUIRED = {
    "": {"activity_id": int, "category_uid": int, "class_uid": int, "type_uid": int,
         "severity_id": int, "time": int, "metadata": dict, "finding_info": dict},
    "metadata": {"version": str, "product": dict},
    "metadata.product": {"vendor_name": str},
    "finding_info": {"uid": str, "title": str},
    "finding_info.analytic": {"type_id": int},
    "device": {"type_id": int},
}
# Base Event (0), for gaps and notes.
REQUIRED_OF_BASE = {"": {name: kind for name, kind in REQUIRED[""].items()
                         if name != "finding_info"},
                    "metadata": REQUIRED["metadata"],
                    "metadata.product": REQUIRED["metadata.product"]}


class SiemApiTest(unittest.TestCase):

    def setUp(self):
        directory = tempfile.TemporaryDirectory(prefix="vakt-")
        self.addCleanup(directory.cleanup)
        self.directory = pathlib.Path(directory.name)
        vt.make_certificates(directory.name)
        self.collector = vt.Collector(directory.name, directory.name)
        self.addCleanup(self.collector.stop)
        self.agent = vt.Agent()
        channel = self.collector.channel("analyst")
        self.addCleanup(channel.close)
        self.alerts = vt.query_pb2_grpc.AlertsStub(channel)
        self.admin = vt.admin_pb2_grpc.AdminStub(channel)

    def query(self, **filter_fields):
        request = vt.query_pb2.QueryRequest(filter=vt.query_pb2.Filter(**filter_fields),
                                            oldest_first=True)
        return self.alerts.Query(request, timeout=vt.TIMEOUT_S).records

    def update(self, uid, **fields):
        return self.alerts.UpdateAlert(vt.query_pb2.UpdateAlertRequest(uid=uid, **fields),
                                       timeout=vt.TIMEOUT_S)

    def vaktctl(self, *words):
        done = subprocess.run(
            [vt.BIN_DIR / "vaktctl", *words, "--collector", self.collector.address,
             "--tls-ca", self.directory / "ca.pem", "--tls-cert", self.directory / "analyst.pem",
             "--tls-key", self.directory / "analyst.key"],
            capture_output=True, text=True, timeout=vt.TIMEOUT_S, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def assert_code(self, code, call, *args, **kwargs):
        with self.assertRaises(grpc.RpcError) as caught:
            call(*args, **kwargs)
        self.assertEqual(caught.exception.code(), code, caught.exception.details())

    def assert_required(self, event, required):
        for path, fields in required.items():
            part = event
            for name in filter(None, path.split(".")):
                part = part[name]
            for name, kind in fields.items():
                self.assertIsInstance(part.get(name), kind, f"{path}.{name}")

    def test_an_alert_is_worked_on_and_each_change_is_kept(self):
        sent = [self.agent.alert("first"), self.agent.alert("second"), self.agent.gap(3)]
        self.agent.send(self.collector, sent)
        uid = sent[0].alert.uid
        self.assertFalse(self.query()[0].HasField("triage"))
        first = self.update(uid, status=vt.query_pb2.ALERT_STATUS_IN_PROGRESS, assignee="alice")
        self.assertEqual((first.triage.revision, first.triage.changed_by), (1, "dev"))
        second = self.update(uid, verdict=vt.query_pb2.VERDICT_FALSE_POSITIVE, note="a test\n",
                             status=vt.query_pb2.ALERT_STATUS_RESOLVED, expected_revision=1)
        self.assertEqual(second.triage.assignee, "alice")  # what is not set stays
        self.assert_code(grpc.StatusCode.FAILED_PRECONDITION, self.update, uid, note="late",
                         expected_revision=1)
        self.assert_code(grpc.StatusCode.NOT_FOUND, self.update, "none", note="x")
        self.assert_code(grpc.StatusCode.INVALID_ARGUMENT, self.update, uid)
        self.assert_code(grpc.StatusCode.INVALID_ARGUMENT, self.update, uid, note="x" * 20000)
        alert = self.alerts.GetAlert(
            vt.query_pb2.GetAlertRequest(uid=uid, with_context=True), timeout=vt.TIMEOUT_S)
        self.assertEqual([(c.user, c.note) for c in alert.context.changes],
                         [("dev", ""), ("dev", "a test\n")])
        self.assertEqual(alert.triage.status, vt.query_pb2.ALERT_STATUS_RESOLVED)
        around = alert.context.around
        self.assertEqual([r.record for r in around], sent[1:])  # the other alert, and the gap
        self.assertTrue(alert.context.around_complete)
        found = self.query(condition="alert.status = resolved and alert.verdict = false_positive")
        self.assertEqual([r.record.alert.uid for r in found], [uid])
        self.assertEqual(len(self.query(condition="alert.status = new")), 1)

    def test_alerts_are_found_by_words_and_by_conditions(self):
        sent = [self.agent.alert("Shell started by web-server"), self.agent.alert("File opened")]
        self.agent.send(self.collector, sent)
        self.assertEqual([r.record for r in self.query(words="web SHELL")], sent[:1])
        self.assertEqual(len(self.query(words="she")), 0)  # words, not parts of them
        self.assertEqual(len(self.query(condition="alert.process = sh and proc.pid = 7")), 2)
        self.assert_code(grpc.StatusCode.INVALID_ARGUMENT, self.query, condition="no such")

    def test_records_come_as_ocsf(self):
        sent = [self.agent.alert("an \"alert\" \\ with\tall", priority=vt.alert_pb2.PRIORITY_ERROR),
                self.agent.gap(3)]
        self.agent.send(self.collector, sent)
        request = vt.query_pb2.QueryRequest(
            format=vt.query_pb2.FORMAT_OCSF, oldest_first=True,
            filter=vt.query_pb2.Filter(include_gaps=True))
        answer = self.alerts.Query(request, timeout=vt.TIMEOUT_S).records
        self.assertFalse(answer[0].HasField("record"))
        finding, gap = (json.loads(r.ocsf_json) for r in answer)
        self.assert_required(finding, REQUIRED)
        self.assert_required(gap, REQUIRED_OF_BASE)
        self.assertEqual((finding["class_uid"], finding["type_uid"], finding["severity_id"]),
                         (2004, 200401, 4))
        self.assertEqual(finding["metadata"]["version"], "1.8.0")
        self.assertEqual(finding["message"], sent[0].alert.output)
        self.assertEqual(finding["finding_info"]["uid"], sent[0].alert.uid)
        self.assertEqual(finding["time"], sent[0].alert.time.ToMilliseconds())
        self.assertEqual(finding["unmapped"]["output_fields"],
                         {"proc.name": "sh", "proc.pid": 7, "fd.name": None})
        self.assertEqual(finding["evidences"][0]["file"]["path"], "/tmp/\\xff")
        self.assertIs(finding["is_alert"], True)
        self.assertEqual((gap["class_uid"], gap["unmapped"]["count"]), (0, 3))
        self.update(sent[0].alert.uid, status=vt.query_pb2.ALERT_STATUS_RESOLVED,
                    verdict=vt.query_pb2.VERDICT_DUPLICATE)
        stream = self.alerts.Subscribe(
            vt.query_pb2.SubscribeRequest(from_beginning=True, format=vt.query_pb2.FORMAT_OCSF),
            timeout=vt.TIMEOUT_S)
        closed = json.loads(next(m.record.ocsf_json for m in stream if m.HasField("record")))
        stream.cancel()
        self.assertEqual((closed["activity_id"], closed["type_uid"]), (3, 200403))
        self.assertEqual((closed["status_id"], closed["verdict_id"]), (4, 10))
        self.assertNotIn("is_alert", closed)

    def test_backups_are_for_admins(self):
        self.assert_code(grpc.StatusCode.PERMISSION_DENIED, self.admin.Backup,
                         vt.admin_pb2.BackupRequest(name="x"), timeout=vt.TIMEOUT_S)

    def test_the_same_by_vaktctl(self):
        sent = [self.agent.alert("first word"), self.agent.alert("second word")]
        self.agent.send(self.collector, sent)
        uid = sent[0].alert.uid
        said = self.vaktctl("alerts", "update", uid, "--status", "in_progress", "--assign", "bob",
                            "--note", "looking")
        self.assertIn("in_progress, assigned to bob (revision 1, dev at ", said)
        shown = self.vaktctl("alerts", "get", uid, "--context")
        self.assertIn('dev: in_progress assigned to bob "looking"', shown)
        self.assertIn("second word", shown)
        lines = self.vaktctl("alerts", "query", "--words", "first", "--format", "ocsf").splitlines()
        self.assertEqual([json.loads(line)["activity_name"] for line in lines], ["Update"])
        self.assertEqual(
            len(self.vaktctl("alerts", "query", "--where", "alert.status = new").splitlines()), 1)
        tail = ("alerts", "tail", "--consumer", "c", "--from-beginning", "--count", "1",
                "--format", "json")
        uids = [json.loads(self.vaktctl(*tail))["uid"] for _ in range(2)]
        self.assertEqual(uids, [r.alert.uid for r in sent])  # the second goes on behind the first
        self.assertIn("away", self.vaktctl("consumers", "list"))
        self.vaktctl("consumers", "delete", "c")

    def test_the_example_of_the_documentation_runs(self):
        sent = [self.agent.alert("one"), self.agent.alert("two")]
        self.agent.send(self.collector, sent)
        page = (vt.SOURCE_DIR / "docs/siem_api.md").read_text()
        example = re.search(r"```python\n(.*?)```", page, re.DOTALL).group(1)
        environment = dict(os.environ, PYTHONPATH=vt.stubs_directory(), PYTHONUNBUFFERED="1")
        with subprocess.Popen(
                [sys.executable, "-c", example, self.collector.address, self.directory],
                stdout=subprocess.PIPE, text=True, env=environment) as process:
            lines = [process.stdout.readline() for _ in sent]
            process.terminate()
        for line, record in zip(lines, sent, strict=True):
            self.assertIn(record.alert.uid, line)


if __name__ == "__main__":
    unittest.main()
