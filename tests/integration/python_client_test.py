#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A client in Python, from nothing but proto/ and stock tools, gets the alert that an agent sent."""

import tempfile
import unittest

import grpc
import vakt_testing as vt


class PythonClientTest(unittest.TestCase):

    def setUp(self):
        directory = tempfile.TemporaryDirectory(prefix="vakt-")
        self.addCleanup(directory.cleanup)
        vt.make_certificates(directory.name)
        self.collector = vt.Collector(directory.name, directory.name)
        self.addCleanup(self.collector.stop)
        self.agent = vt.Agent()
        self.analyst = self.enterContext(self.collector.channel("analyst"))
        self.alerts = vt.query_pb2_grpc.AlertsStub(self.analyst)

    def enterContext(self, manager):  # unittest has its own from Python 3.11 on
        result = manager.__enter__()
        self.addCleanup(manager.__exit__, None, None, None)
        return result

    def records(self, request, count):
        """The first `count` records of a subscription."""
        stream = self.alerts.Subscribe(request, timeout=vt.TIMEOUT_S)
        records = []
        for message in stream:
            if message.HasField("record"):
                records.append(message.record)
            if len(records) == count:
                break
        stream.cancel()
        return records

    def assert_is(self, stored, sent):
        self.assertEqual(stored.node, vt.NODE)
        self.assertEqual(stored.cluster, "dev")
        self.assertTrue(stored.cursor)
        self.assertEqual(stored.record, sent)

    def test_subscriber_gets_the_alert_that_an_agent_sends(self):
        stream = self.alerts.Subscribe(vt.query_pb2.SubscribeRequest(), timeout=vt.TIMEOUT_S)
        stream.initial_metadata()  # from here on the subscription sees what is stored
        sent = self.agent.alert("a shell was started")
        welcome, acked = self.agent.send(self.collector, [sent])
        self.assertFalse(welcome.HasField("stored"))
        self.assertEqual(acked, (1, 1))
        stored = next(m.record for m in stream if m.HasField("record"))
        stream.cancel()
        self.assert_is(stored, sent)
        self.assertEqual(stored.record.alert.output_fields[0].string_value, "sh")
        self.assertEqual(stored.record.alert.event.file_open.file.path, b"/tmp/\xff")

    def test_subscription_goes_on_behind_a_cursor(self):
        sent = [self.agent.alert(f"alert {i}") for i in range(5)]
        self.agent.send(self.collector, sent)
        first = self.records(vt.query_pb2.SubscribeRequest(from_beginning=True), 2)
        rest = self.records(vt.query_pb2.SubscribeRequest(after_cursor=first[-1].cursor), 3)
        for stored, record in zip(first + rest, sent, strict=True):
            self.assert_is(stored, record)

    def test_records_sent_twice_are_stored_once(self):
        sent = self.agent.alert("once")
        self.agent.send(self.collector, [sent])
        welcome, acked = self.agent.send(self.collector, [sent])
        self.assertEqual((welcome.stored.epoch, welcome.stored.seq), (1, 1))
        self.assertEqual(acked, (1, 1))
        answer = self.alerts.Query(vt.query_pb2.QueryRequest(), timeout=vt.TIMEOUT_S)
        self.assertEqual([r.record for r in answer.records], [sent])

    def test_query_filters_and_get_finds(self):
        sent = [self.agent.alert("low", priority=vt.alert_pb2.PRIORITY_NOTICE),
                self.agent.alert("high", priority=vt.alert_pb2.PRIORITY_CRITICAL)]
        self.agent.send(self.collector, sent)
        severe = vt.query_pb2.Filter(min_priority=vt.alert_pb2.PRIORITY_ERROR)
        answer = self.alerts.Query(vt.query_pb2.QueryRequest(filter=severe), timeout=vt.TIMEOUT_S)
        self.assertEqual([r.record for r in answer.records], [sent[1]])
        request = vt.query_pb2.GetAlertRequest(uid=sent[0].alert.uid)
        self.assert_is(self.alerts.GetAlert(request, timeout=vt.TIMEOUT_S), sent[0])

    def test_nodes_are_listed(self):
        self.agent.send(self.collector, [self.agent.alert("x")])
        fleet = vt.fleet_pb2_grpc.FleetStub(self.analyst)
        nodes = fleet.ListNodes(vt.fleet_pb2.ListNodesRequest(), timeout=vt.TIMEOUT_S).nodes
        self.assertEqual([(n.node, n.cluster, n.alerts) for n in nodes], [(vt.NODE, "dev", 1)])

    def test_an_agent_may_not_read_and_a_user_may_not_write(self):
        with self.collector.channel("agent") as channel:
            with self.assertRaises(grpc.RpcError) as caught:
                vt.query_pb2_grpc.AlertsStub(channel).Query(vt.query_pb2.QueryRequest(),
                                                            timeout=vt.TIMEOUT_S)
        self.assertEqual(caught.exception.code(), grpc.StatusCode.PERMISSION_DENIED)
        stream = vt.ingest_pb2_grpc.IngestStub(self.analyst).Connect(iter([]),
                                                                    timeout=vt.TIMEOUT_S)
        with self.assertRaises(grpc.RpcError) as caught:
            next(stream)
        self.assertEqual(caught.exception.code(), grpc.StatusCode.PERMISSION_DENIED)


if __name__ == "__main__":
    unittest.main()
