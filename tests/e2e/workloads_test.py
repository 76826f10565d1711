#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Which workload made a pod: the collector asks the Kubernetes API where it may, and what that says stands
in the place of what the node worked out from labels, which whoever makes a pod may choose."""

import json
import os
import unittest

import container_world
import kube_api
from harness import KernelTestCase, cgroup_root, free_port, stop, wait_for, why_not
from kube_api import metadata

PODS, REPLICA_SETS, JOBS = kube_api.PATHS
RULES = """
- rule: Marked
  desc: an argument that only this test's acts have
  condition: evt.type in (execve, execveat) and proc.args contains vakt-mark
  output: "%proc.args"
  priority: NOTICE
"""


class Workloads(KernelTestCase):
    def setUp(self):
        reason = why_not() or container_world.why_no_containers()
        if reason:
            self.skipTest(reason)
        super().setUp()
        self.world = container_world.ContainerWorld("/" + os.path.relpath(self.cgroup, cgroup_root()))
        self.addCleanup(self.world.close)
        self.world.start()
        self.port = free_port()
        certificates = self.make_certificates()
        self.api = kube_api.KubeApi("secret-1", f"{certificates}/collector.pem", f"{certificates}/collector.key")
        self.addCleanup(self.api.close)
        with open(self.path("token"), "w") as token:
            token.write("secret-1\n")

    def collect(self, *flags):
        return self.start_collector(self.port, "--kubernetes-api", self.api.url, "--kubernetes-ca",
                                    f"{self.make_certificates()}/ca.pem", "--kubernetes-token-file",
                                    self.path("token"), *flags)

    def act_in(self, pod, mark, labels=None):
        sandbox = self.world.run_pod(pod, "shop", labels)
        self.world.run(sandbox, "main", ["/bin/sh", "-c", f": {mark}; exec sleep 1000"])

    def workload_of(self, mark):
        """(kind, name, whether it was guessed) as the store tells it."""
        def stored():
            out = self.vaktctl(self.port, "alerts", "query", "--text", mark, "--format", "json")
            return out.stdout.splitlines()
        lines = wait_for(stored, 30, step=0.2)
        self.assertTrue(lines, self.log_text("vakt-collector"))
        uid = json.loads(lines[0])["uid"]
        alert = json.loads(self.vaktctl(self.port, "alerts", "get", uid, "--format", "json").stdout)
        pod = alert["container"]["pod"]
        return pod.get("workload_kind", ""), pod.get("workload_name", ""), pod.get("workload_guessed", False)

    def found_by(self, workload):
        out = self.vaktctl(self.port, "alerts", "query", "--where", f"alert.workload = {workload}", "--format", "json")
        return len(out.stdout.splitlines())

    def test_the_api_knows_better(self):
        self.api.objects[REPLICA_SETS] = [
            metadata(f"rs-{i}", ("Deployment", f"web-{i}", f"d-{i}")) for i in range(5)] + [metadata("alone")]
        self.api.objects[JOBS] = [metadata("job-1", ("CronJob", "nightly", "c-1"))]
        # Two to a page: the last are on the third.
        self.api.objects[PODS] = [
            metadata("uid-of-other"), metadata("uid-of-forged-7d4b9c6f5d-x2x4z"),
            metadata("uid-of-nightly-28391040-abcde", ("Job", "nightly-28391040", "job-1")),
            metadata("uid-of-set", ("ReplicaSet", "set", "alone")),
            metadata("uid-of-early", ("ReplicaSet", "not-yet", "rs-9"))]
        collector = self.collect()
        self.assertTrue(wait_for(self.api.watched, 20), self.log_text("vakt-collector"))
        self.start_agent("--container-runtime", self.world.socket, "--collector", f"127.0.0.1:{self.port}",
                         "--node-name", os.uname().nodename, *self.tls("agent"),
                         rules=[self.rule_file(RULES)], alone=False)
        # Of a pod by itself that has a deployment's labels.
        self.act_in("forged-7d4b9c6f5d-x2x4z", "vakt-mark-forged", {"pod-template-hash": "7d4b9c6f5d"})
        self.assertEqual(self.workload_of("vakt-mark-forged"), ("", "", False))
        self.act_in("nightly-28391040-abcde", "vakt-mark-job")
        self.assertEqual(self.workload_of("vakt-mark-job"), ("CronJob", "nightly", False))
        self.assertEqual(self.found_by("nightly"), 1)
        self.act_in("set", "vakt-mark-set")
        self.assertEqual(self.workload_of("vakt-mark-set"), ("ReplicaSet", "set", False))
        # A pod that the API tells of later, and one that it never does.
        self.api.tell(PODS, "ADDED", metadata("uid-of-new", ("ReplicaSet", "any", "rs-4"), "11"))
        self.act_in("new", "vakt-mark-new")
        self.assertTrue(wait_for(lambda: self.workload_of("vakt-mark-new") == ("Deployment", "web-4", False), 10))
        self.act_in("guess-7d4b9c6f5d-x2x4z", "vakt-mark-guess", {"pod-template-hash": "7d4b9c6f5d"})
        self.assertEqual(self.workload_of("vakt-mark-guess"), ("Deployment", "guess", True))
        # The replica set of a pod comes after the pod.
        self.act_in("early", "vakt-mark-early")
        self.assertEqual(self.workload_of("vakt-mark-early")[1], "")
        self.api.tell(REPLICA_SETS, "ADDED", metadata("rs-9", ("Deployment", "late", "d-9"), "12"))
        self.assertTrue(wait_for(lambda: self.workload_of("vakt-mark-early") == ("Deployment", "late", False), 10))
        self.assertEqual({(method, path) for method, path, _ in self.api.asked}, {("GET", p) for p in kube_api.PATHS})
        self.assertEqual(self.api.refused, 0)
        # It is kept when the collector and the API are gone.
        stop(collector)
        self.api.close()
        self.collect()
        self.assertEqual(self.workload_of("vakt-mark-job"), ("CronJob", "nightly", False))
        self.assertEqual(self.workload_of("vakt-mark-early"), ("Deployment", "late", False))

    def test_breaks_are_gone_over(self):
        self.api.token = "secret-2"  # the collector's is not taken yet
        collector = self.collect()
        self.assertTrue(wait_for(lambda: self.api.refused > 0, 20))
        with open(self.path("token"), "w") as token:
            token.write("secret-2")  # renewed, as Kubernetes does
        self.assertTrue(wait_for(self.api.watched, 30), self.log_text("vakt-collector"))
        lists = sum("watch" not in query for _, _, query in self.api.asked)
        # A watch that ends goes on from where it was; one that is told "too old" begins again by a list.
        self.api.tell(PODS, "BOOKMARK", {"metadata": {"resourceVersion": "77"}})
        self.api.end_watches(PODS)
        self.assertTrue(wait_for(self.api.watched, 20))
        self.assertEqual(self.api.asked[-1][2]["resourceVersion"], "77")
        self.assertEqual(sum("watch" not in query for _, _, query in self.api.asked), lists)
        self.api.tell(PODS, "ERROR", {"code": 410, "message": "too old resource version"})
        self.api.watches[PODS].clear()
        self.assertTrue(wait_for(self.api.watched, 20))
        self.assertEqual(sum("watch" not in query for _, _, query in self.api.asked), lists + 1)
        self.assertEqual(stop(collector), 0)  # at once, whatever is being watched


if __name__ == "__main__":
    unittest.main()
