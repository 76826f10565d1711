#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Another version of Vakt is upgraded to this one, and this one rolled back to it, as pods of their own
images and charts. scripts/try-upgrade builds the other one and runs this."""

import json
import os
import shutil
import unittest

import pod_runner
from daemonset_world import DaemonSetCase
from harness import wait_for


class Upgrade(DaemonSetCase):
    @classmethod
    def setUpClass(cls):
        source, build = (os.environ.get(f"VAKT_OTHER_{name}") for name in ("SOURCE", "BUILD"))
        if not source or not build:
            raise unittest.SkipTest("no other version: scripts/try-upgrade REVISION builds one")
        super().setUpClass()
        cls.other = pod_runner.Release(cls.podman, source, build)

    def start_connected_agent(self, release):
        self.start_agent_pod(release=release)
        self.wait_status(lambda status: status.get("collector_connected"))

    def act(self, mark):
        self.act_in_neighbour("true", f"vakt-marked-{mark}")

    def assert_stored_once(self, marks):
        for mark in marks:
            alerts = wait_for(lambda: self.stored_alerts(f"vakt-marked-{mark}", self.neighbour), 20, step=0.5)
            self.assertEqual(len(alerts or []), 1, f"{mark}: {self.podman.logs('agent')}")

    def test_agents_go_forth_and_back_and_what_no_agent_read_is_told(self):
        """What happens between two agents is delivered by the later one; where it does not know the
        former's format of records, it is counted, and told as a gap."""
        self.start_collector_pod()  # first, as docs/install.md says
        self.neighbour = self.start_neighbour()
        marks = []
        for turn, release in enumerate((self.other, self.release, self.other, self.release)):
            if turn > 0:
                self.podman.remove("agent")
                marks.append(f"between-{turn}")
                self.act(marks[-1])
            self.start_connected_agent(release)
            marks.append(f"under-{turn}")
            self.act(marks[-1])
            self.assert_stored_once(marks[-1:])
        gaps = self.gaps()
        unread = [gap for gap in gaps if gap["reason"] == "left_by_another_layout"]
        if unread:
            self.assertEqual(len(unread), 3)  # at each change
            self.assertTrue(all(int(gap["count"]) > 0 for gap in unread), unread)
            marks = [mark for mark in marks if not mark.startswith("between")]
        else:
            self.assertNotIn("agent_stopped", [gap["reason"] for gap in gaps])
        self.assert_stored_once(marks)
        print(f"agents: what happened between them was {'counted and told' if unread else 'delivered'}")

    def gaps(self):
        lines = self.ask_collector("alerts", "query", "--gaps").splitlines()
        return [record["gap"] for record in map(json.loads, lines) if "gap" in record]

    def test_what_one_version_kept_the_other_delivers(self):
        self.start_collector_pod()
        self.neighbour = self.start_neighbour()
        self.start_connected_agent(self.other)
        marks = []
        for turn, release in enumerate((self.release, self.other)):
            self.podman("pause", "collector")
            marks.append(f"kept-{turn}")
            self.act(marks[-1])
            self.assertTrue(wait_for(lambda: self.undelivered() > 0, 20, step=0.3), self.pod_status())
            self.podman.remove("agent")
            self.podman("unpause", "collector")
            self.start_connected_agent(release)
            self.assert_stored_once(marks)

    def undelivered(self):
        out = self.podman("exec", "agent", "vaktctl", "agent", "stats", "--format", "kv")
        stats = dict(line.rsplit(" ", 1) for line in out.stdout.splitlines())
        return int(stats["spool_pending_records"])

    def test_a_collector_goes_back_to_its_store_or_to_the_copy_of_it(self):
        self.start_collector_pod(self.other)
        self.neighbour = self.start_neighbour()
        self.start_connected_agent(self.other)
        self.act("before")
        self.assert_stored_once(["before"])
        self.ask_collector("store", "backup", "before", who="admin")
        self.replace_collector(self.release)
        self.act("under-this")
        self.assert_stored_once(["before", "under-this"])
        self.podman.remove("agent")
        self.podman.remove("collector")
        self.run_collector_pod(self.other)
        if wait_for(lambda: self.podman.inspect("collector", "{{.State.Status}}") == "exited", 5, step=0.3):
            self.assertIn("run the newer vakt-collector", self.podman.logs("collector"))
            self.podman.remove("collector")
            self.restore("before")
            self.start_collector_pod(self.other)
            kept = ["before"]
        else:
            kept = ["before", "under-this"]
        self.start_connected_agent(self.other)
        self.act("after")
        self.assert_stored_once([*kept, "after"])
        print(f"collector: back on {'its store' if len(kept) > 1 else 'the copy of its store'}")

    def replace_collector(self, release):
        self.podman.remove("agent")  # it is in the collector's network
        self.podman.remove("collector")
        self.start_collector_pod(release)
        self.start_connected_agent(self.other)

    def restore(self, name):
        store = self.path("store")
        for left in ("vakt.db-wal", "vakt.db-shm"):
            if os.path.exists(os.path.join(store, left)):
                os.unlink(os.path.join(store, left))
        shutil.copy(os.path.join(store, "backup", f"{name}.db"), os.path.join(store, "vakt.db"))
        os.chown(os.path.join(store, "vakt.db"), 65532, 65532)


if __name__ == "__main__":
    unittest.main(verbosity=2)
