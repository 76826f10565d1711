#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Flows between pods that have networks of their own: containerd puts them on a bridge by CNI plugins.
All of it, the node's side of the bridge too, is in a network namespace of the test."""

import ctypes
import os
import unittest

import container_world
from container_world import CNI_PLUGINS, ContainerWorld
from flow_world import FlowCase, run
from harness import cgroup_root, wait_for, why_not

CLONE_NEWNET = 0x40000000
WORLD = None
GIVES, TAKES = 333_000, 777_000


def setUpModule():
    global WORLD
    reason = why_not() or container_world.why_no_containers()
    if not reason and not os.path.exists(os.path.join(CNI_PLUGINS, "bridge")):
        reason = "no CNI plugins (containernetworking-plugins)"
    if reason:
        raise unittest.SkipTest(reason)
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "unshare")
    run("ip", "link", "set", "lo", "up")
    WORLD = ContainerWorld(bridge="vaktcni")
    try:
        WORLD.start()
    except BaseException:
        WORLD.close()
        raise


def tearDownModule():
    WORLD.close()


class Pods(FlowCase):
    def setUp(self):
        super().setUp()
        WORLD.enter("/" + os.path.relpath(self.cgroup, cgroup_root()))
        self.addCleanup(WORLD.clear)

    def test_both_pods_count_what_they_sent_each_other(self):
        self.start_both("--container-runtime", WORLD.socket)
        web = WORLD.run_pod("web", namespace="shop")
        serve = (f"(head -c {TAKES} /dev/zero; sleep 4) | nc -l -p 8080 | wc -c > /tmp/got; "
                 "sleep 1000000")
        server = WORLD.run(web, "main", ["/bin/sh", "-c", serve])
        client = WORLD.run(WORLD.run_pod("job", namespace="shop"), "main", ["/bin/sleep", "1000000"])
        address = WORLD.address_of(web)
        ask = f"(head -c {GIVES} /dev/zero; sleep 2) | nc {address} 8080 | wc -c"

        def asked():  # the server may not listen yet
            got = WORLD.exec(client, "/bin/sh", "-c", ask).stdout.strip()
            return int(got) if got not in (b"", b"0") else None
        self.assertEqual(wait_for(asked, 60, 0.5), TAKES)
        self.assertEqual(wait_for(lambda: WORLD.exec(server, "/bin/cat", "/tmp/got").stdout.strip(), 10),
                         str(GIVES).encode())
        flows = self.flows_at_end("--port", "8080")

        def sums(direction, pod):
            mine = [f for f in flows if f["direction"] == direction and f["pod"] == pod]
            self.assertEqual({f["namespace"] for f in mine}, {"shop"})
            self.assertEqual({f["class"] for f in mine}, {"same-node"})
            return [sum(int(f[key]) for f in mine)
                    for key in ("bytes_out", "bytes_in", "established")]
        self.assertEqual(sums("out", "job"), [GIVES, TAKES, 1])
        self.assertEqual(sums("in", "web"), [TAKES, GIVES, 1])
        remote = {f["remote_address"] for f in flows if f["direction"] == "out"}
        self.assertEqual(remote, {address})


if __name__ == "__main__":
    unittest.main(verbosity=2)
