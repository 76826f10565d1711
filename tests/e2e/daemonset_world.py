# SPDX-License-Identifier: Apache-2.0
"""Agent and collector as containers of their own images, with what the chart's manifests give them and
no more, and a neighbour whose acts they are to see."""

import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

import container_world
import harness
import pod_runner
from harness import wait_for

RULE = """
- rule: {name}
  desc: test
  condition: evt.type in (execve, execveat) and proc.args contains {mark}
  output: "%proc.cmdline in %container.id by %user.name"
  priority: WARNING
"""
NEIGHBOUR = "FROM scratch\nCOPY busybox /bin/busybox\nCMD [\"/bin/busybox\", \"sleep\", \"3600\"]\n"


class DaemonSetCase(harness.KernelTestCase):
    @classmethod
    def setUpClass(cls):
        reason = harness.why_not() or pod_runner.why_not() or container_world.why_no_containers()
        if reason:
            raise unittest.SkipTest(reason)
        cls.storage = tempfile.mkdtemp(prefix="vakt-podman-")
        cls.addClassCleanup(shutil.rmtree, cls.storage, ignore_errors=True)
        cls.podman = pod_runner.Podman(cls.storage)
        cls.addClassCleanup(cls.podman.close)
        cls.release = pod_runner.Release(cls.podman)
        cls.build_neighbour()
        cls.mount_bpffs()
        cls.start_runtime()
        cls.tracing = "/sys/kernel/tracing"
        if not os.path.exists(f"{cls.tracing}/events"):  # systemd mounts it; here nobody has
            cls.tracing = os.path.join(cls.storage, "tracing")
            os.mkdir(cls.tracing)
            subprocess.run(["mount", "-t", "tracefs", "tracefs", cls.tracing], check=True)
            cls.addClassCleanup(subprocess.run, ["umount", cls.tracing], check=True)

    @classmethod
    def build_neighbour(cls):
        context = os.path.join(cls.storage, "neighbour")
        os.mkdir(context)
        shutil.copy("/bin/busybox", context)
        with open(os.path.join(context, "Dockerfile"), "w") as file:
            file.write(NEIGHBOUR)
        cls.podman("build", "--quiet", "--network=none", "--tag", "localhost/neighbour", context)

    @classmethod
    def mount_bpffs(cls):
        cls.bpffs = os.path.join(cls.storage, "bpf")
        os.mkdir(cls.bpffs)
        subprocess.run(["mount", "-t", "bpf", "none", cls.bpffs], check=True)
        cls.addClassCleanup(subprocess.run, ["umount", cls.bpffs], check=True)

    def unpin(self):
        subprocess.run([os.path.join(harness.BIN, "vaktctl"), "node", "clean", self.pins], check=True,
                       stdout=subprocess.DEVNULL)

    @classmethod
    def start_runtime(cls):
        """A containerd whose directory is, as a node's is, a place that passes mounts on."""
        cls.world = container_world.ContainerWorld(f"/vakt-pods-{os.getpid()}")
        cls.addClassCleanup(cls.world.close)
        run = cls.world.run_directory
        os.makedirs(run, mode=0o711)
        subprocess.run(["mount", "--bind", run, run], check=True)
        subprocess.run(["mount", "--make-shared", run], check=True)
        cls.world.start()

    def setUp(self):
        super().setUp()
        self.pins = os.path.join(self.bpffs, "vakt")
        os.makedirs(self.pins, exist_ok=True)  # as a kubelet does
        self.addCleanup(self.unpin)
        self.addCleanup(self.podman.remove_containers)
        self.addCleanup(self.world.clear)

    # -- pods --------------------------------------------------------------------------------------

    def start_collector_pod(self, release=None):
        self.run_collector_pod(release or self.release)
        self.wait_in("collector", "127.0.0.1:7445/readyz")

    def run_collector_pod(self, release):
        certificates = self.make_certificates()
        files = {"ca.crt": "ca.pem", "tls.crt": "collector.pem", "tls.key": "collector.key"}
        pod_runner.write_volume(self.path("collector-tls"), {
            name: pathlib.Path(certificates, file).read_text() for name, file in files.items()})
        pod_runner.write_volume(self.path("collector-config"),
                                release.settings("vakt-collector"))
        os.makedirs(self.path("store"), exist_ok=True)
        os.chown(self.path("store"), 65532, 65532)  # fsGroup
        subprocess.run(["chown", "-R", "65532", self.path("collector-tls")], check=True)
        os.chmod(self.dir, 0o755)
        pod = release.pod("StatefulSet", "vakt-collector")
        [container] = pod["containers"]
        volumes = {"config": self.path("collector-config"), "tls": self.path("collector-tls"),
                   "store": self.path("store")}
        self.podman.run("collector", "--network=none", *pod_runner.flags_of(container, pod, volumes, None),
                        "--entrypoint", json.dumps(container["command"]), release.images["collector"])

    def start_agent_pod(self, collector=True, cpu_limit=False, release=None):
        release = release or self.release
        pod = release.pod("DaemonSet", "vakt-agent")
        self.profile_dir = self.path("seccomp")
        os.makedirs(self.profile_dir, exist_ok=True)
        volumes = {"seccomp": self.profile_dir, "config": self.path("agent-config"),
                   "rules": self.path("agent-rules"), "tls": self.make_certificates(),
                   "state": self.path("state"), "tracing": self.tracing,
                   "cgroup": "/sys/fs/cgroup",
                   "runtime": self.world.run_directory, "pins": self.pins, "passwd": "/etc/passwd", "group": "/etc/group"}
        os.makedirs(self.path("state"), exist_ok=True)
        config = release.settings("vakt-agent")["agent.yaml"]
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
                    "--entrypoint", json.dumps(prepare["command"]), release.images["agent"])
        [container] = pod["containers"]
        network = "container:collector" if collector else "none"
        self.agent_id = self.podman.run(
            "agent", f"--network={network}", "--env", f"VAKT_NODE_NAME={os.uname().nodename}",
            *pod_runner.flags_of(container, pod, volumes, os.path.join(self.profile_dir, "agent.json"),
                                 cpu_limit),
            "--entrypoint", json.dumps(container["command"]), release.images["agent"])
        self.wait_status(lambda status: status["state"] in ("ready", "degraded"), 180)

    def start_neighbour(self):
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

    def events_seen(self):
        """By the agent, or taken from it by a full ring, which it then knows."""
        out = self.podman("exec", "agent", "vaktctl", "agent", "stats", "--format", "kv")
        stats = dict(line.rsplit(" ", 1) for line in out.stdout.splitlines())
        return sum(int(value) for name, value in stats.items()
                   if name.split("{")[0] in ("events_delivered_total", "events_lost_total"))

    def wait_status(self, condition, seconds=30):
        def holds():
            if self.podman.inspect("agent", "{{.State.Status}}") == "exited":
                self.fail(self.podman.logs("agent"))
            status = self.pod_status()
            return status if status and condition(status) else None
        status = wait_for(holds, seconds, step=0.5)
        self.assertIsNotNone(status, f"{self.pod_status()}\n{self.podman.logs('agent')}")
        return status

    def ask_collector(self, *command, who="analyst"):
        certificates = self.make_certificates()
        pid = self.podman.inspect("collector", "{{.State.Pid}}")
        out = subprocess.run(
            ["nsenter", f"--net=/proc/{pid}/ns/net", os.path.join(harness.BIN, "vaktctl"), *command,
             "--format", "json", "--collector", "localhost:7443", "--tls-ca",
             f"{certificates}/ca.pem", "--tls-cert", f"{certificates}/{who}.pem", "--tls-key",
             f"{certificates}/{who}.key"], capture_output=True, text=True)
        self.assertEqual(out.returncode, 0, out.stderr)
        return out.stdout

    def stored_alerts(self, text, container):
        """Those in the container: what makes it act, and what asks here, runs on the host, with the text
        among its arguments."""
        lines = self.ask_collector("alerts", "query", "--text", text).splitlines()
        return [alert for alert in map(json.loads, lines) if f" in {container[:12]} " in alert["output"]]

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

    def cgroup_file(self, controller, v1_name, v2_name):
        """A file of the agent's control group, by its name in either version."""
        pid = self.podman.inspect("agent", "{{.State.Pid}}")
        with open(f"/proc/{pid}/cgroup") as lines:
            paths = {controllers: path for _, controllers, path in
                     (line.strip().split(":", 2) for line in lines)}
        own = [path for controllers, path in paths.items() if controller in controllers.split(",")]
        name = os.path.join("/sys/fs/cgroup", controller, own[0].lstrip("/"), v1_name) if own else \
            os.path.join(harness.cgroup_root(), paths[""].lstrip("/"), v2_name)
        return pathlib.Path(name).read_text()

    def cpu_seconds(self):
        """Of the container since its start, the kernel's work for it included."""
        text = self.cgroup_file("cpuacct", "cpuacct.usage", "cpu.stat")
        return int(text.split()[1]) / 1e6 if text.startswith("usage_usec") else int(text) / 1e9

    def memory_bytes(self):
        """Of the container, as the limit is held against it: pages, kernel memory, and BPF maps, which
        the kernel charges to who makes them."""
        return int(self.cgroup_file("memory", "memory.usage_in_bytes", "memory.current"))

    def most_memory_bytes(self):
        return int(self.cgroup_file("memory", "memory.max_usage_in_bytes", "memory.peak"))

    def kernel_memory_bytes(self):
        text = self.cgroup_file("memory", "memory.kmem.usage_in_bytes", "memory.stat")
        found = re.search("^kernel ([0-9]+)$", text, re.MULTILINE)
        return int(found[1] if found else text)

    def kernel_objects(self):
        """The BPF maps, programs and links that the agent holds: {(kind, id): bytes} each."""
        pid = self.podman.inspect("agent", "{{.State.Pid}}")
        held = {}
        for descriptor in os.listdir(f"/proc/{pid}/fdinfo"):
            fields = dict(line.split(":\t", 1) for line in
                          pathlib.Path(f"/proc/{pid}/fdinfo", descriptor).read_text().splitlines()
                          if ":\t" in line)
            for kind in ("link", "prog", "map"):  # a link's descriptor tells its program, too
                if f"{kind}_id" in fields:
                    held[kind, int(fields[f"{kind}_id"])] = int(fields.get("memlock", 0))
                    break
        return held

    def flood(self, opens, at_once=2):
        """Opens files in the neighbour as fast as it can."""
        loop = f"i=0; while [ $i -lt {opens // at_once} ]; do : < /bin/busybox; i=$((i+1)); done"
        flood = [subprocess.Popen([*self.podman.command, "exec", "neighbour", "/bin/busybox", "sh", "-c", loop])
                 for _ in range(at_once)]
        for process in flood:
            self.assertEqual(process.wait(180), 0)
