#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Agent and collector as containers of their own images, with what the chart's manifests give them
and no more: they see what is done in a neighbour, take new rules while they run, stay in their memory,
and leave nothing behind."""

import json
import os
import pathlib
import re
import subprocess
import time
import unittest

import harness
import pod_runner
from harness import wait_for

RULE = """
- rule: {name}
  desc: test
  condition: evt.type in (execve, execveat) and proc.args contains {mark}
  output: "%proc.cmdline in %container.id"
  priority: WARNING
"""
NEIGHBOUR = "FROM scratch\nCOPY busybox /bin/busybox\nCMD [\"/bin/busybox\", \"sleep\", \"3600\"]\n"


class DaemonSet(harness.KernelTestCase):
    @classmethod
    def setUpClass(cls):
        reason = harness.why_not() or pod_runner.why_not()
        if reason:
            raise unittest.SkipTest(reason)
        cls.archives = pod_runner.build_images()
        cls.manifests = pod_runner.render("agent.tls.source=host")

    def setUp(self):
        super().setUp()
        self.podman = pod_runner.Podman(self.path("podman"))
        self.addCleanup(self.podman.close)
        self.tracing = "/sys/kernel/tracing"
        if not os.path.exists(f"{self.tracing}/events"):  # systemd mounts it; here nobody has
            self.tracing = self.path("tracing")
            os.mkdir(self.tracing)
            subprocess.run(["mount", "-t", "tracefs", "tracefs", self.tracing], check=True)
            self.addCleanup(subprocess.run, ["umount", self.tracing], check=True)
        self.images = {name: self.podman.load(archive) for name, archive in
                       zip(("agent", "collector"), self.archives)}

    # -- pods --------------------------------------------------------------------------------------

    def pod(self, kind, name):
        return self.manifests[kind, name]["spec"]["template"]["spec"]

    def start_collector_pod(self):
        certificates = self.make_certificates()
        files = {"ca.crt": "ca.pem", "tls.crt": "collector.pem", "tls.key": "collector.key"}
        pod_runner.write_volume(self.path("collector-tls"), {
            name: pathlib.Path(certificates, file).read_text() for name, file in files.items()})
        pod_runner.write_volume(self.path("collector-config"),
                                self.manifests["ConfigMap", "vakt-collector"]["data"])
        os.mkdir(self.path("store"))
        os.chown(self.path("store"), 65532, 65532)  # fsGroup
        subprocess.run(["chown", "-R", "65532", self.path("collector-tls")], check=True)
        os.chmod(self.dir, 0o755)
        pod = self.pod("StatefulSet", "vakt-collector")
        [container] = pod["containers"]
        volumes = {"config": self.path("collector-config"), "tls": self.path("collector-tls"),
                   "store": self.path("store")}
        self.podman.run("collector", "--network=none", *pod_runner.flags_of(container, pod, volumes, None),
                        "--entrypoint", json.dumps(container["command"]), self.images["collector"])
        self.wait_in("collector", "127.0.0.1:7445/readyz")

    def start_agent_pod(self, collector=True):
        pod = self.pod("DaemonSet", "vakt-agent")
        self.profile_dir = self.path("seccomp")
        os.makedirs(self.profile_dir, exist_ok=True)
        volumes = {"seccomp": self.profile_dir, "config": self.path("agent-config"),
                   "rules": self.path("agent-rules"), "tls": self.make_certificates(),
                   "state": self.path("state"), "tracing": self.tracing,
                   "cgroup": "/sys/fs/cgroup", "passwd": "/etc/passwd", "group": "/etc/group"}
        os.makedirs(self.path("state"), exist_ok=True)
        config = self.manifests["ConfigMap", "vakt-agent"]["data"]["agent.yaml"]
        config = config.replace(":7445", ":17445")  # the collector's, where both share a network
        config = config.replace("vakt-collector.vakt.svc", "localhost") if collector else \
            re.sub(r"address:\n +- .*", "address: []", config) + 'alerts: {path: "-"}\n'
        pod_runner.write_volume(self.path("agent-config"), {"agent.yaml": config})
        if not os.path.exists(self.path("agent-rules")):
            pod_runner.write_volume(self.path("agent-rules"), {
                "rules.yaml": RULE.format(name="Marked first", mark="vakt-marked")})
        [prepare] = pod["initContainers"]
        self.podman("run", "--rm", "--pull=never", "--network=none", "--ulimit", "nofile=20000:20000",
                    "--ulimit", "nproc=9000:9000", *pod_runner.flags_of(prepare, pod, volumes, None),
                    "--entrypoint", json.dumps(prepare["command"]), self.images["agent"])
        [container] = pod["containers"]
        network = "container:collector" if collector else "none"
        self.agent_id = self.podman.run(
            "agent", f"--network={network}", "--env", f"VAKT_NODE_NAME={os.uname().nodename}",
            *pod_runner.flags_of(container, pod, volumes, os.path.join(self.profile_dir, "agent.json")),
            "--entrypoint", json.dumps(container["command"]), self.images["agent"])
        self.wait_status(lambda status: status["state"] in ("ready", "degraded"), 180)

    def start_neighbour(self):
        context = self.path("neighbour")
        os.mkdir(context)
        subprocess.run(["cp", "/bin/busybox", context], check=True)
        with open(os.path.join(context, "Dockerfile"), "w") as file:
            file.write(NEIGHBOUR)
        self.podman("build", "--quiet", "--network=none", "--tag", "localhost/neighbour", context)
        return self.podman.run("neighbour", "--network=none", "localhost/neighbour")

    def act_in_neighbour(self, *words):
        self.podman("exec", "neighbour", "/bin/busybox", *words)

    # -- questions ---------------------------------------------------------------------------------

    def wait_in(self, container, url, seconds=60):
        """Asks in the container's network, as a kubelet does."""
        def answers():
            pid = self.podman.inspect(container, "{{.State.Pid}}")
            return subprocess.run(["nsenter", f"--net=/proc/{pid}/ns/net", "curl", "--fail", "--silent",
                                   url], capture_output=True).returncode == 0
        self.assertTrue(wait_for(answers, seconds, step=0.3), self.podman.logs(container))

    def pod_status(self):
        out = self.podman("exec", "agent", "vaktctl", "agent", "status", "--format", "json", check=False)
        return json.loads(out.stdout) if out.returncode == 0 else None

    def wait_status(self, condition, seconds=30):
        def holds():
            if self.podman.inspect("agent", "{{.State.Status}}") == "exited":
                self.fail(self.podman.logs("agent"))
            status = self.pod_status()
            return status if status and condition(status) else None
        status = wait_for(holds, seconds, step=0.5)
        self.assertIsNotNone(status, f"{self.pod_status()}\n{self.podman.logs('agent')}")
        return status

    def stored_alerts(self, text):
        certificates = self.make_certificates()
        pid = self.podman.inspect("collector", "{{.State.Pid}}")
        out = subprocess.run(
            ["nsenter", f"--net=/proc/{pid}/ns/net", os.path.join(harness.BIN, "vaktctl"), "alerts", "query",
             "--text", text, "--format", "json", "--collector", "localhost:7443", "--tls-ca",
             f"{certificates}/ca.pem", "--tls-cert", f"{certificates}/analyst.pem", "--tls-key",
             f"{certificates}/analyst.key"], capture_output=True, text=True)
        self.assertEqual(out.returncode, 0, out.stderr)
        return [json.loads(line) for line in out.stdout.splitlines()]

    def healthy(self, service):
        # grpc.health.v1.HealthCheckRequest{service = 1}, HealthCheckResponse{status = 1}: SERVING is 1.
        pid = self.podman.inspect("agent", "{{.State.Pid}}")
        program = (
            "import grpc,sys\n"
            "channel = grpc.insecure_channel('127.0.0.1:7444')\n"
            "check = channel.unary_unary('/grpc.health.v1.Health/Check')\n"
            f"sys.exit(check(b'\\x0a' + bytes([{len(service)}]) + b'{service}', timeout=10) != b'\\x08\\x01')\n")
        return subprocess.run(["nsenter", f"--net=/proc/{pid}/ns/net", "/usr/bin/python3", "-c", program],
                              capture_output=True).returncode == 0

    def cgroup_file(self, controller, name):
        pid = self.podman.inspect("agent", "{{.State.Pid}}")
        with open(f"/proc/{pid}/cgroup") as lines:
            for line in lines:
                _, controllers, path = line.strip().split(":", 2)
                if controller in controllers.split(","):
                    with open(f"/sys/fs/cgroup/{controller}{path}/{name}") as file:
                        return int(file.read())
        self.skipTest(f"this machine has no cgroup v1 controller {controller} to read")

    # -- tests -------------------------------------------------------------------------------------

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
        [alert] = wait_for(lambda: self.stored_alerts("vakt-marked-1"), 20, step=0.5) or [None]
        self.assertIsNotNone(alert, self.podman.logs("agent"))
        self.assertIn(neighbour[:12], json.dumps(alert))
        self.assertIn("Marked first", json.dumps(alert))

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
        self.start_agent_pod(collector=False)
        self.start_neighbour()
        cpu_before, time_before = self.cgroup_file("cpuacct", "cpuacct.usage"), time.monotonic()
        time.sleep(20)
        idle = (self.cgroup_file("cpuacct", "cpuacct.usage") - cpu_before) / 1e9 / (time.monotonic() - time_before)
        quiet = self.cgroup_file("memory", "memory.usage_in_bytes")
        loop = "i=0; while [ $i -lt 300000 ]; do : < /etc/hostname; i=$((i+1)); done"
        flood = [subprocess.Popen([*self.podman.command, "exec", "neighbour", "/bin/busybox", "sh", "-c", loop])
                 for _ in range(2)]
        for process in flood:
            process.wait(180)
        most = self.cgroup_file("memory", "memory.max_usage_in_bytes")
        self.assertLess(most, 192 << 20)
        self.assertEqual(self.cgroup_file("memory", "memory.failcnt"), 0)
        self.act_in_neighbour("true", "vakt-marked-after")
        self.assertEqual(self.podman.inspect("agent", "{{.State.Status}} {{.State.OOMKilled}}"), "running false")
        print(f"memory with kernel maps: {quiet / 2**20:.0f} MiB idle, at most {most / 2**20:.0f} MiB while "
              f"600,000 files are opened; CPU while the tests are idle: {idle * 100:.2f} % of one")

    def test_nothing_of_it_stays(self):
        before = self.left_on_the_node()
        self.start_agent_pod(collector=False)
        self.assertNotEqual(self.left_on_the_node(), before)
        cgroups = self.agent_cgroups()
        self.assertTrue(cgroups)
        self.podman("stop", "--time", "15", "agent")
        self.assertEqual(self.podman.inspect("agent", "{{.State.ExitCode}}"), "0")
        self.podman("rm", "agent")
        self.assertTrue(wait_for(lambda: self.left_on_the_node() == before, 10), self.left_on_the_node())
        self.assertEqual([c for c in cgroups if os.path.exists(c)], [])
        self.assertTrue(os.listdir(self.path("state")))
        out = self.podman("run", "--rm", "--pull=never", "--network=none", "--ulimit", "nofile=20000:20000",
                          "--ulimit", "nproc=9000:9000", "--cap-drop=all", "--read-only",
                          "--volume", f"{self.path('state')}:/state", "--volume", f"{self.profile_dir}:/seccomp",
                          "--entrypoint", json.dumps(["/usr/bin/vaktctl", "node", "clean", "/state", "/seccomp"]),
                          self.images["agent"])
        self.assertIn("removed", out.stdout)
        self.assertEqual((os.listdir(self.path("state")), os.listdir(self.profile_dir)), ([], []))

    def left_on_the_node(self):
        """BPF objects by the agent's names, pinned or not."""
        pins = []
        for folder, _, files in os.walk("/sys/fs/bpf"):
            pins += [os.path.join(folder, file) for file in files if "vakt" in os.path.join(folder, file)]
        out = subprocess.run(["bpftool", "map", "show", "--json"], capture_output=True, text=True,
                             env={**os.environ, "PATH": os.environ["PATH"] + ":/usr/sbin"})
        # Other agents of this machine come and go: only this test's own hold their maps in a container.
        maps = [m["id"] for m in json.loads(out.stdout or "[]") if m.get("name", "").startswith("vakt_")
                and any(self.is_ours(p["pid"]) for p in m.get("pids", []))]
        return pins, maps

    def is_ours(self, pid):
        try:
            with open(f"/proc/{pid}/cgroup") as file:
                return getattr(self, "agent_id", "none") in file.read()
        except OSError:
            return False

    def agent_cgroups(self):
        out = subprocess.run(["find", "/sys/fs/cgroup", "-type", "d", "-name", f"*{self.agent_id}*"],
                             capture_output=True, text=True)
        return out.stdout.split()


if __name__ == "__main__":
    unittest.main(verbosity=2)
