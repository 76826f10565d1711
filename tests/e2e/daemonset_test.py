#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The pods of the chart as containers of their own images: they see what is done in a neighbour, take
new rules while they run, stay in their memory, and leave nothing behind."""

import json
import os
import subprocess
import unittest

import pod_runner
from daemonset_world import RULE, DaemonSetCase
from harness import wait_for


class DaemonSet(DaemonSetCase):
    def test_an_act_in_a_neighbour_arrives_at_the_collector(self):
        self.start_collector_pod()
        self.start_agent_pod()
        neighbour = self.start_neighbour()
        status = self.wait_status(lambda s: s.get("collector_connected"))
        self.assertEqual(status["state"], "ready", status.get("blind_spots"))
        self.assertEqual([c["name"] for c in status["capabilities"] if c["state"] == "thread for hooks"],
                         ["CAP_BPF", "CAP_PERFMON", "CAP_NET_ADMIN"])
        self.assertTrue(self.healthy("liveness") and self.healthy("readiness"))
        self.assertFalse(self.healthy("nothing"))
        self.wait_in("agent", "127.0.0.1:17445/metrics")
        self.act_in_neighbour("true", "vakt-marked-1")
        alerts = wait_for(lambda: self.stored_alerts("vakt-marked-1", neighbour), 20, step=0.5)
        self.assertEqual(len(alerts or []), 1, self.podman.logs("agent"))
        self.assertIn("Marked first", json.dumps(alerts))

    def test_an_act_in_a_pod_names_the_pod(self):
        self.start_collector_pod()
        self.start_agent_pod()
        self.wait_status(lambda s: s.get("collector_connected"))
        pod = self.world.run_pod("web-7d4b9c6f5d-x2x4z", "shop", {"pod-template-hash": "7d4b9c6f5d"})
        container = self.world.run(pod, "main", ["/bin/sh", "-c", ": vakt-marked-pod; exec sleep 1000"], user=33)
        self.world.restart()  # its socket is another now
        late = self.world.run(pod, "late", ["/bin/sh", "-c", ": vakt-marked-late; sleep 0.05"])
        for mark, of, user in (("vakt-marked-pod", container, "web"), ("vakt-marked-late", late, "root")):
            alerts = wait_for(lambda: self.stored_alerts(mark, of), 20, step=0.5)
            self.assertEqual(len(alerts or []), 1, self.podman.logs("agent"))
            self.assertIn(f"by {user}", alerts[0]["output"])
            told = json.loads(self.ask_collector("alerts", "get", alerts[0]["uid"]))["container"]
            self.assertEqual((told["id"], told["image_digest"], told["metadata"]),
                             (of, self.world.app_digest, "complete"))
            self.assertEqual((told["pod"]["namespace"], told["pod"]["name"], told["pod"]["workload_name"]),
                             ("shop", "web-7d4b9c6f5d-x2x4z", "web"))

    def test_rules_of_a_configmap_are_taken_over_and_bad_ones_are_not(self):
        self.start_agent_pod(collector=False)
        first = self.pod_status()["rule_set_hash"]
        rules = self.path("agent-rules")
        pod_runner.write_volume(rules, {"rules.yaml": RULE.format(name="Marked second", mark="vakt-second")})
        second = self.wait_status(lambda s: s["rule_set_hash"] != first)["rule_set_hash"]
        pod_runner.write_volume(rules, {"rules.yaml": "- rule: broken\n  condition: no.such.field = 1\n"})
        status = self.wait_status(lambda s: s.get("rules_error"))
        self.assertIn("rules.yaml", status["rules_error"])
        self.assertEqual(status["rule_set_hash"], second)
        self.assertTrue(self.healthy("liveness"))

    def test_its_threads_have_no_privileges_but_the_one_for_hooks(self):
        self.start_agent_pod(collector=False)
        pid = self.podman.inspect("agent", "{{.State.Pid}}")
        seen = {}
        for task in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{task}/status") as lines:
                fields = dict(line.rstrip().split(":\t", 1) for line in lines if ":\t" in line)
            self.assertEqual((fields["NoNewPrivs"], fields["Seccomp"]), ("1", "2"))
            seen.setdefault(int(fields["CapPrm"], 16), set()).add(fields["Name"])
        bpf, perfmon, net_admin = 1 << 39, 1 << 38, 1 << 12
        self.assertEqual(seen.pop(bpf | perfmon | net_admin), {"vakt-hooks", "vakt-meter"})
        self.assertEqual(list(seen), [0])

    def test_it_stays_in_its_memory_while_files_are_opened_without_end(self):
        # The first rule is decided in the kernel, for the second each open comes to the agent.
        rules = RULE.format(name="Marked", mark="vakt-marked") + """
- rule: Never
  desc: test
  condition: evt.type in (open, openat, openat2) and fd.name = /bin/busybox and evt.rawres > 1000000
  output: "%fd.name"
  priority: WARNING
"""
        pod_runner.write_volume(self.path("agent-rules"), {"rules.yaml": rules})
        self.start_agent_pod(collector=False)
        self.start_neighbour()
        maps = sum(size for (kind, _), size in self.kernel_objects().items() if kind == "map")
        self.assertGreater(maps, 4 << 20)
        self.assertGreaterEqual(self.kernel_memory_bytes(), maps)  # so the limit holds for them, too
        before = self.events_seen()
        self.flood(400_000)
        self.assertGreater(self.events_seen() - before, 200_000)
        most = self.most_memory_bytes()
        self.assertLess(most, 192 << 20)
        self.act_in_neighbour("true", "vakt-marked-after")
        self.assertTrue(wait_for(lambda: "vakt-marked-after" in self.podman.logs("agent"), 20, step=0.2))
        self.assertEqual(self.podman.inspect("agent", "{{.State.Status}} {{.State.OOMKilled}}"), "running false")
        print(f"memory of the container: at most {most / 2**20:.0f} MiB while 400,000 files are opened, "
              f"{maps / 2**20:.0f} MiB of it BPF maps")

    def test_a_successor_has_what_happened_between(self):
        self.start_collector_pod()
        self.start_agent_pod()
        neighbour = self.start_neighbour()
        self.wait_status(lambda s: s.get("collector_connected"))
        self.act_in_neighbour("true", "vakt-marked-before")
        self.podman.remove("agent")  # told to stop, as in an upgrade
        self.act_in_neighbour("true", "vakt-marked-between")
        self.start_agent_pod()
        # It was waiting for the container runtime; a busy machine's rings do not keep what waits.
        wait_for(lambda: self.stored_alerts("vakt-marked-between", neighbour), 20, step=0.5)
        self.podman("kill", "--signal", "KILL", "agent")
        self.act_in_neighbour("true", "vakt-marked-killed")
        self.podman.remove("agent")
        self.start_agent_pod()
        self.act_in_neighbour("true", "vakt-marked-after")
        for mark in ("before", "between", "killed", "after"):
            alerts = wait_for(lambda: self.stored_alerts(f"vakt-marked-{mark}", neighbour), 20, step=0.5)
            self.assertEqual(len(alerts or []), 1, self.told_of(mark))
        gaps = self.ask_collector("alerts", "query", "--gaps")
        self.assertNotIn("agent_stopped", gaps)
        self.assertNotIn("agent_ended", gaps)

    def told_of(self, mark):
        """All that was told while the act went on, for whoever has to find out."""
        told = [self.ask_collector("alerts", "query", *query)
                for query in (["--text", f"vakt-marked-{mark}"], ["--gaps"])]
        return "\n".join([mark, *told, self.podman.logs("agent")])

    def test_nothing_of_it_stays(self):
        pins = self.pinned()
        self.start_agent_pod(collector=False)
        objects = set(self.kernel_objects())
        self.assertEqual({kind for kind, _ in objects}, {"map", "prog", "link"})
        self.assertEqual(self.still_in_the_kernel(objects), objects)
        cgroups = self.agent_cgroups()
        self.assertTrue(cgroups)
        self.podman("stop", "--time", "15", "agent")
        self.assertEqual(self.podman.inspect("agent", "{{.State.ExitCode}}"), "0")
        self.podman("rm", "agent")
        # Hooks and rings wait for the next agent, until the node is cleaned.
        self.assertIn("link", {kind for kind, _ in self.still_in_the_kernel(objects)})
        self.assertEqual([c for c in cgroups if os.path.exists(c)], [])
        self.assertTrue(os.listdir(self.path("state")))
        out = self.podman("run", "--rm", "--pull=never", "--network=none", "--ulimit", "nofile=20000:20000",
                          "--ulimit", "nproc=9000:9000", "--cap-drop=all", "--read-only",
                          "--volume", f"{self.path('state')}:/state", "--volume", f"{self.profile_dir}:/seccomp", "--volume", f"{self.pins}:/pins",
                          "--entrypoint", json.dumps(["/usr/bin/vaktctl", "node", "clean", "/state", "/seccomp", "/pins"]),
                          self.release.images["agent"])
        self.assertIn("removed", out.stdout)
        self.assertEqual([os.listdir(place) for place in (self.path("state"), self.profile_dir, self.pins)], [[], [], []])
        self.assertTrue(wait_for(lambda: not self.still_in_the_kernel(objects), 10, step=0.2),
                        self.still_in_the_kernel(objects))
        self.assertEqual(self.pinned(), pins)

    def still_in_the_kernel(self, objects):
        there = set()
        for kind in ("map", "prog", "link"):
            out = subprocess.run(["bpftool", kind, "show", "--json"], capture_output=True, text=True, check=True,
                                 env={**os.environ, "PATH": os.environ["PATH"] + ":/usr/sbin"})
            there |= {(kind, row["id"]) for row in json.loads(out.stdout)}
        return objects & there

    def pinned(self):
        return [os.path.join(folder, file) for folder, _, files in os.walk("/sys/fs/bpf") for file in files]

    def agent_cgroups(self):
        out = subprocess.run(["find", "/sys/fs/cgroup", "-type", "d", "-name", f"*{self.agent_id}*"],
                             capture_output=True, text=True)
        return out.stdout.split()


if __name__ == "__main__":
    unittest.main(verbosity=2)
