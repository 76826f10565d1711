#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Who did it: alerts from pods and containers that a real containerd runs, with the names that the
runtime knows them by."""

import json
import os
import pwd
import subprocess
import threading
import time
import unittest

import container_world
from container_world import APP_IMAGE, ContainerWorld
from harness import KernelTestCase, cgroup_root, free_port, stop, wait_for, why_not

RULES = """
- rule: Marked
  desc: an argument that only this test's acts have
  condition: evt.type in (execve, execveat) and proc.args contains vakt-mark
  output: "%proc.args %container.image.digest %user.name %group.name"
  priority: NOTICE
- rule: Privileged
  desc: decided by what the runtime says alone
  condition: evt.type in (execve, execveat) and container.privileged = true and proc.args contains vakt-priv
  output: "%proc.args"
  priority: ERROR
- rule: Not privileged
  desc: the opposite
  condition: evt.type in (execve, execveat) and container.privileged = false and proc.args contains vakt-priv
  output: "%proc.args"
  priority: ERROR
- rule: Host etc
  desc: decided by the mounts
  condition: >
    evt.type in (execve, execveat) and proc.args contains vakt-mounts
    and not container.mount.dest[/etc] in (N/A)
  output: "%container.mount.dest[/etc] %container.mount.rdwr[/etc]"
  priority: ERROR
"""

# How many containers are started at once, and live a moment. A larger machine can have more.
CONTAINERS = int(os.environ.get("VAKT_CONTAINERS", "40"))


WORLD = None  # one containerd for all tests


def setUpModule():
    global WORLD
    reason = why_not() or container_world.why_no_containers()
    if reason:
        raise unittest.SkipTest(reason)
    WORLD = ContainerWorld()
    try:
        WORLD.start()
    except BaseException:
        WORLD.close()
        raise


def tearDownModule():
    WORLD.close()


class Containers(KernelTestCase):
    def setUp(self):
        super().setUp()
        self.world = WORLD
        # Below the test's own control group, so that the agent watches them and nothing else.
        self.world.enter("/" + os.path.relpath(self.cgroup, cgroup_root()))
        self.addCleanup(self.world.clear)
        self.rules = [self.rule_file(RULES)]

    def watch(self, *flags):
        return self.start_agent("--container-runtime", self.world.socket, "--rule-matching", "all",
                                *flags, rules=self.rules)

    def marked(self, mark, rule="Marked", count=1, seconds=20):
        def found():
            alerts = [a for a in self.alerts() if a["rule"] == rule and mark in json.dumps(a)]
            return alerts if len(alerts) >= count else None
        alerts = wait_for(found, seconds)
        self.assertIsNotNone(alerts, f"{count} alerts of {rule} with {mark}; there are "
                             f"{len([a for a in self.alerts() if mark in json.dumps(a)])}\n"
                             + self.log_text("vakt-agent")[-2000:])
        return alerts

    def assert_of(self, alert, container, pod, namespace="default", name="main"):
        fields = alert["output_fields"]
        self.assertEqual(fields["container.id"], container[:12], alert)
        self.assertEqual(fields["container.name"], name, alert)
        self.assertEqual(fields["k8s.pod.name"], pod, alert)
        self.assertEqual(fields["k8s.ns.name"], namespace, alert)
        self.assertEqual(fields["container.image.repository"], APP_IMAGE.rsplit(":", 1)[0], alert)
        self.assertEqual(fields["container.image.tag"], "1", alert)
        if alert["rule"] == "Marked":
            self.assertEqual(fields["container.image.digest"], self.world.app_digest, alert)


class Identity(Containers):
    def test_names_of_two_pods_from_the_first_instruction(self):
        self.watch()
        web = self.world.run_pod("web-7d4b9c6f5d-x2x4z", "shop", {"pod-template-hash": "7d4b9c6f5d"})
        db = self.world.run_pod("db-0", "data")
        first = self.world.run(web, "main", ["/bin/sh", "-c", ": vakt-mark-web; exec sleep 1000"])
        second = self.world.run(db, "main", ["/bin/sh", "-c", ": vakt-mark-db; exec sleep 1000"])
        self.assert_of(self.marked("vakt-mark-web")[0], first, "web-7d4b9c6f5d-x2x4z", "shop")
        self.assert_of(self.marked("vakt-mark-db")[0], second, "db-0", "data")
        self.world.exec(first, "/bin/sh", "-c", ": vakt-mark-exec")
        self.assert_of(self.marked("vakt-mark-exec")[0], first, "web-7d4b9c6f5d-x2x4z", "shop")
        stats = self.stats()
        self.assertEqual(stats["runtime_connected"], 1)
        self.assertEqual(stats["alerts_partial_total"], 0, stats)

    def test_users_are_the_containers_own(self):
        self.assertNotEqual(pwd.getpwuid(33).pw_name, "web")  # on the node
        self.watch()
        pod = self.world.run_pod("pod")
        container = self.world.run(pod, "main", ["/bin/sh", "-c", ": vakt-mark-first; exec sleep 1000"], user=33)
        self.world.exec(container, "/bin/sh", "-c", ": vakt-mark-later")
        root = self.world.run(pod, "root", ["/bin/sh", "-c", ": vakt-mark-root; exec sleep 1000"])
        unknown = self.world.run(pod, "unknown", ["/bin/sh", "-c", ": vakt-mark-unknown; exec sleep 1000"], user=1)
        for mark, of, user, group in (("first", container, "web", "webs"), ("later", container, "web", "webs"),
                                      ("root", root, "root", "root"), ("unknown", unknown, "<NA>", "root")):
            fields = self.marked(f"vakt-mark-{mark}")[0]["output_fields"]
            self.assertEqual((fields["container.id"], fields["user.name"], fields["group.name"]),
                             (of[:12], user, group), mark)
        self.assertEqual(self.stats()["container_accounts_failures_total"], 0)

    def test_conditions_wait_for_what_the_runtime_says(self):
        self.watch()
        pod = self.world.run_pod("pod", privileged=True)
        act = ["/bin/sh", "-c", ": vakt-priv vakt-mounts; exec sleep 1000"]
        plain = self.world.run(pod, "plain", act)
        strong = self.world.run(pod, "strong", act, privileged=True,
                                mounts=[("/etc", "/host/etc", True)])
        alert = self.marked("vakt-priv", "Privileged")[0]
        self.assertEqual(alert["output_fields"]["container.id"], strong[:12])
        alert = self.marked("vakt-priv", "Not privileged")[0]
        self.assertEqual(alert["output_fields"]["container.id"], plain[:12])
        alert = self.marked("/host/etc", "Host etc")[0]
        self.assertEqual(alert["output_fields"]["container.mount.rdwr[/etc]"], "false")
        time.sleep(0.5)
        self.assertEqual(len([a for a in self.alerts() if a["rule"] != "Marked"]), 3)

    def test_the_host_waits_for_nobody(self):
        self.watch()
        self.act("/bin/sh", "-c", ": vakt-mark-host")
        alert = self.marked("vakt-mark-host")[0]
        self.assertEqual(alert["output_fields"]["container.name"], "host")
        self.assertEqual(self.stats()["events_held_total"], 0)


class Claims(Containers):
    def test_a_process_that_put_itself_into_a_containers_group(self):
        self.rules = [self.rule_file("""
- rule: Claims
  desc: test
  condition: evt.type in (execve, execveat) and container.ns_mismatch = true and proc.args contains vakt-claim
  output: "%proc.args"
  priority: ERROR
- rule: Belongs
  desc: test
  condition: evt.type in (execve, execveat) and container.ns_mismatch = false and proc.args contains vakt-claim
  output: "%proc.args"
  priority: ERROR
""")]
        # Of the whole node: what is outside of a container is known by the node's first process.
        self.watch("--scope", "")
        pod = self.world.run_pod("honest")
        container = self.world.run(pod, "main", ["/bin/sh", "-c", ": vakt-claim-own; exec sleep 1000"])
        self.world.exec(container, "/bin/sh", "-c", ": vakt-claim-exec")

        def join():
            with open(f"{self.cgroup}/{container}/cgroup.procs", "w") as own:
                own.write("0")
        subprocess.run(["/bin/sh", "-c", ": vakt-claim-foreign"], check=True, preexec_fn=join)
        self.assertIn("foreign", json.dumps(self.marked("vakt-claim-foreign", "Claims")))
        self.marked("vakt-claim-own", "Belongs")
        self.marked("vakt-claim-exec", "Belongs")
        self.assertEqual(len([a for a in self.alerts() if a["rule"] == "Claims"]), 1, self.alerts())


class Hardships(Containers):
    def test_containers_that_live_a_moment(self):
        self.watch()
        pod = self.world.run_pod("brief")
        for i in range(20):
            container = self.world.run(pod, f"c{i}", ["/bin/sh", "-c", f": vakt-mark-{i}- ; sleep 0.05"])
            alert = self.marked(f"vakt-mark-{i}-")[0]
            self.assert_of(alert, container, "brief", name=f"c{i}")
        self.assertEqual(self.stats()["alerts_partial_total"], 0)

    def test_many_at_once(self):
        self.watch()
        pods = [self.world.run_pod(f"pod-{i}") for i in range(4)]
        made = [(f"c{i}", pods[i % 4], self.world.create(
            pods[i % 4], f"c{i}", ["/bin/sh", "-c",
                                   "i=0; while [ $i -lt 25 ]; do /bin/true vakt-mark; i=$((i+1)); done"]))
            for i in range(CONTAINERS)]
        threads = [threading.Thread(target=self.world.start_container, args=(c,)) for _, _, c in made]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        # Each shell's own command line has the mark, too.
        alerts = self.marked("vakt-mark", count=CONTAINERS * 26, seconds=60)
        by_container = {}
        for alert in alerts:
            by_container.setdefault(alert["output_fields"]["container.id"], []).append(alert)
        for i, (name, _, container) in enumerate(made):
            self.assertEqual(len(by_container[container[:12]]), 26)
            for alert in by_container[container[:12]]:
                self.assert_of(alert, container, f"pod-{i % 4}", name=name)
        stats = self.stats()
        self.assertEqual(stats["alerts_partial_total"], 0, stats)
        print(f"{len(alerts)} alerts of {CONTAINERS} short-lived containers, "
              f"{stats['alerts_partial_total']} without pod, namespace and image digest; "
              f"{stats['events_held_total']} waited")

    def test_the_digest_and_the_mounts_are_in_the_alert(self):
        # The whole of the container is in what the collector stores.
        port = free_port()
        self.start_collector(port)
        pod = self.world.run_pod("web")
        container = self.world.run(pod, "main", ["/bin/sleep", "1000"], user=33,
                                   mounts=[("/etc", "/host/etc", True)])
        self.start_agent("--container-runtime", self.world.socket, "--collector", f"127.0.0.1:{port}",
                         "--node-name", os.uname().nodename, *self.tls("agent"), rules=self.rules, alone=False)
        self.world.exec(container, "/bin/sh", "-c", ": vakt-mark")

        def stored():
            out = self.vaktctl(port, "alerts", "query", "--where", "alert.pod = web", "--format",
                               "json", check=False)
            return out.stdout.splitlines()
        lines = wait_for(stored, 30)
        self.assertTrue(lines, self.log_text("vakt-agent"))
        uid = json.loads(lines[0])["uid"]
        alert = json.loads(self.vaktctl(port, "alerts", "get", uid, "--format", "json").stdout)
        told = alert["container"]
        self.assertEqual(told["id"], container)
        self.assertEqual(told["image_digest"], self.world.app_digest)
        self.assertTrue(told["image_id"].startswith("sha256:"))
        self.assertEqual(told["user"], "33")
        self.assertEqual(told["mounts"][0]["source"], "/etc")
        self.assertEqual(told["metadata"], "complete")
        self.assertEqual(told["pod"]["sandbox_id"], pod)

    def test_an_agent_that_starts_after_the_containers(self):
        pod = self.world.run_pod("old")
        container = self.world.run(
            pod, "main", ["/bin/sh", "-c", "while :; do /bin/true vakt-mark; sleep 0.2; done"])
        self.watch()
        for alert in self.marked("vakt-mark", count=3):
            self.assert_of(alert, container, "old")
        self.assertEqual(self.stats()["alerts_partial_total"], 0)

    def test_containerd_goes_and_comes_back(self):
        self.watch()
        pod = self.world.run_pod("stays")
        container = self.world.run(
            pod, "main", ["/bin/sh", "-c", "while :; do /bin/true vakt-mark; sleep 0.1; done"])
        self.assert_of(self.marked("vakt-mark")[0], container, "stays")
        self.world.stop_containerd()
        before = len(self.alerts())
        for alert in self.marked("vakt-mark", count=before + 5):  # what is known stays known
            self.assert_of(alert, container, "stays")
        self.world.start_containerd()
        late = self.world.run(pod, "late", ["/bin/sh", "-c", ": vakt-mark-late; sleep 0.05"])
        self.assert_of(self.marked("vakt-mark-late")[0], late, "stays", name="late")

    def test_without_the_runtime_alerts_come_and_say_so(self):
        self.watch("--container-wait", "300ms")
        pod = self.world.run_pod("mute")
        container = self.world.run(pod, "main", ["/bin/sleep", "1000"])
        stop(self.programs[0])
        self.programs.clear()
        os.rename(self.world.socket, self.world.socket + ".away")
        self.addCleanup(os.rename, self.world.socket + ".away", self.world.socket)
        os.unlink(self.path("agent.ready")) if os.path.exists(self.path("agent.ready")) else None
        self.watch("--container-wait", "300ms")
        with open(f"{self.cgroup}/{container}/cgroup.procs") as procs:
            pid = procs.read().split()[0]

        def join_the_container():
            with open(f"{self.cgroup}/{container}/cgroup.procs", "w") as own:
                own.write("0")
        subprocess.run(["nsenter", "-m", "-t", pid, "/bin/true", "vakt-mark-mute"], check=True,
                       preexec_fn=join_the_container)
        alert = self.marked("vakt-mark-mute")[0]
        self.assertEqual(alert["output_fields"]["container.id"], container[:12])
        self.assertIsNone(alert["output_fields"]["k8s.pod.name"])
        self.assertGreaterEqual(self.stats()["alerts_partial_total"], 1)


if __name__ == "__main__":
    unittest.main()
