#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A collector whose disk is really full: agents are told, reads go on, and with room again it goes
on where it stopped. The disk is a tmpfs in a mount namespace of this test."""

import ctypes
import os
import pathlib
import tempfile
import unittest

import grpc
import vakt_testing as vt

CLONE_NEWNS = 0x00020000
MS_REC, MS_PRIVATE = 0x4000, 0x40000


@unittest.skipIf(os.geteuid() != 0, "needs root to mount a tmpfs")
class DiskFullTest(unittest.TestCase):

    def setUp(self):
        directory = tempfile.TemporaryDirectory(prefix="vakt-")
        self.addCleanup(directory.cleanup)
        self.directory = pathlib.Path(directory.name)
        self.data = self.directory / "data"
        self.data.mkdir()
        libc = ctypes.CDLL(None, use_errno=True)
        # The collector is a child of this process and shares its view of mounts.
        if libc.unshare(CLONE_NEWNS) != 0:
            self.skipTest(f"unshare: {os.strerror(ctypes.get_errno())}")
        self.assertEqual(libc.mount(b"none", b"/", None, MS_REC | MS_PRIVATE, None), 0)
        if libc.mount(b"tmpfs", bytes(self.data), b"tmpfs", 0, b"size=72m") != 0:
            self.skipTest(f"mount: {os.strerror(ctypes.get_errno())}")
        self.addCleanup(libc.umount2, bytes(self.data), 2)
        vt.make_certificates(directory.name)
        self.collector = vt.Collector(directory.name, directory.name,
                                      flags=("--agent-calls-per-second", "0"))
        self.addCleanup(self.collector.stop)
        channel = self.collector.channel("analyst")
        self.addCleanup(channel.close)
        self.alerts = vt.query_pb2_grpc.AlertsStub(channel)

    def stored(self):
        """The texts of all stored alerts, oldest first."""
        request = vt.query_pb2.QueryRequest(oldest_first=True, page_size=1000)
        outputs = []
        while True:
            answer = self.alerts.Query(request, timeout=vt.TIMEOUT_S)
            outputs += [r.record.alert.output.split()[0] for r in answer.records]
            if not answer.next_page_token:
                return outputs
            request.page_token = answer.next_page_token

    def batch(self, agent, first, count):
        return [agent.alert(f"{i} {'x' * 1000}") for i in range(first, first + count)]

    def fill(self, agent, first, count):
        """Sends batches until one is refused: that one, and the number of its first alert."""
        for i in range(first, 40000, count):
            batch = self.batch(agent, i, count)
            try:
                agent.send(self.collector, batch)
            except grpc.RpcError as error:
                self.assertEqual(error.code(), grpc.StatusCode.RESOURCE_EXHAUSTED)
                return batch, i
        self.fail("the disk does not get full")

    def test_reads_go_on_while_the_disk_is_full_and_writes_once_there_is_room(self):
        agent = vt.Agent()
        ballast = self.data / "ballast"
        ballast.write_bytes(bytes(24 << 20))
        first = self.batch(agent, 0, 1000)
        agent.send(self.collector, first)
        batch, i = self.fill(agent, 1000, 500)
        # In order: each batch that was acknowledged, and of the refused one a part at most.
        before = self.stored()
        self.assertEqual(before, [str(n) for n in range(len(before))])
        self.assertGreaterEqual(len(before), i)
        self.assertLess(len(before), i + 500)
        uid = first[0].alert.uid
        found = self.alerts.GetAlert(vt.query_pb2.GetAlertRequest(uid=uid), timeout=vt.TIMEOUT_S)
        self.assertEqual(found.record, first[0])
        ballast.unlink()
        agent.send(self.collector, batch)
        self.assertEqual(self.stored(), [str(n) for n in range(i + 500)])

    def test_a_little_room_is_enough_to_go_on(self):
        agent = vt.Agent()
        ballast = self.data / "ballast"
        ballast.write_bytes(bytes(24 << 20))
        batch, i = self.fill(agent, 0, 100)
        for freed in range(1, 9):  # MiB; the log alone held up to 16
            os.truncate(ballast, (24 - freed) << 20)
            agent.send(self.collector, batch)
            i += 100
            self.assertEqual(len(self.stored()), i)
            batch, i = self.fill(agent, i, 100)
        # What it keeps for the next time is there again.
        self.assertGreaterEqual((self.data / "reserve").stat().st_size, 24 << 20)
        self.assertEqual(self.stored()[:i], [str(n) for n in range(i)])


if __name__ == "__main__":
    unittest.main()
