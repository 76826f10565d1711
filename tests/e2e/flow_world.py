# SPDX-License-Identifier: Apache-2.0
"""What tests of flows have in common: the collector and an agent that tells flows, and two network
namespaces with a wire between them, with peers and a name server inside."""

import json
import os
import subprocess
import sys

from harness import KernelTestCase, free_port, wait_for

PEER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "flow_peer.py")
# No rule asks for connections: flows need none.
RULE = """
- rule: Nothing
  desc: test
  condition: evt.type = execve and proc.name = no-such-program
  output: "%proc.name"
  priority: DEBUG
"""


def run(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


class FlowCase(KernelTestCase):
    """The collector listens at `port`; the agent that start_both() starts sends it flows."""

    def setUp(self):
        super().setUp()
        self.port = free_port()

    def start_both(self, *flags, afterglow="1s"):
        self.start_collector(self.port)
        self.agent = self.start_agent(
            "--collector", f"127.0.0.1:{self.port}", *self.tls("agent"), "--heartbeat", "500ms",
            "--node-name", os.uname().nodename, "--flow-afterglow", afterglow, *flags,
            rules=[self.rule_file(RULE)], alone=False)

    def scan(self, count):
        """Connects to so many addresses, none of which answers; what the scanner says of itself."""
        out = self.act(sys.executable, PEER, "connect_all", "127.16.0.1", "22", str(count), "1",
                       text=True, timeout=60 + count / 1000).stdout
        return json.loads(out)

    def flows(self, *arguments):
        out = self.vaktctl(self.port, "flows", "list", "--format", "json", *arguments)
        return [json.loads(line) for line in out.stdout.splitlines()]

    def flows_at_end(self, *arguments):
        """The agent is stopped: all that it saw is stored."""
        self.agent.terminate()
        self.agent.wait(20)
        flows = wait_for(lambda: self.flows(*arguments), 20, 0.2) or []
        nodes = json.loads(self.vaktctl(self.port, "nodes", "--format", "json").stdout)
        self.assertEqual([int(node["chain_breaks"]) for node in nodes["nodes"]], [0])
        return flows


class WiredCase(FlowCase):
    """With two namespaces, whose addresses end in 1 and 2, and programs inside."""

    def make_namespaces(self):
        """Two network namespaces, a and b, with a wire between them."""
        name = f"vakt{os.getpid()}"
        self.spaces = {end: f"{name}{end}" for end in "ab"}
        for space in self.spaces.values():
            run("ip", "netns", "add", space)
            self.addCleanup(subprocess.run, ["ip", "netns", "delete", space], capture_output=True)
        run("ip", "link", "add", f"{name}a", "netns", self.spaces["a"], "type", "veth",
            "peer", "name", f"{name}b", "netns", self.spaces["b"])
        for number, (end, space) in enumerate(self.spaces.items(), 1):
            for command in (f"addr add 198.51.100.{number}/24 dev {name}{end}",
                            f"addr add 2001:db8::{number}/64 dev {name}{end} nodad",
                            f"link set {name}{end} up", "link set lo up"):
                run("ip", "-n", space, *command.split())

    def inside(self, end, *command):
        return ["nsenter", f"--net=/run/netns/{self.spaces[end]}", *command]

    def peers(self, serve, ask, address, port, count):
        """What the serving and the asking peer counted."""
        server = subprocess.Popen(self.inside("b", sys.executable, PEER, serve, address, str(port),
                                              str(count)),
                                  stdout=subprocess.PIPE, text=True, preexec_fn=self.enter_cgroup)
        self.assertEqual(server.stdout.readline(), "ready\n")
        asked = self.act(*self.inside("a", sys.executable, PEER, ask, address, str(port),
                                      str(count)), text=True)
        self.assertEqual(asked.returncode, 0, asked.stdout)
        served = json.loads(server.communicate(timeout=60)[0])
        return served, json.loads(asked.stdout)

    def serve(self, *command):
        """Runs in namespace b until the test ends."""
        server = subprocess.Popen(self.inside("b", *command), preexec_fn=self.enter_cgroup,
                                  cwd=self.dir, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(server.wait)
        self.addCleanup(server.terminate)

    def serve_names(self, *options):
        """A name server in namespace b, of dnsmasq's options."""
        with open(self.path("resolv.conf"), "w") as conf:
            conf.write("nameserver 198.51.100.2\n")
        self.serve("dnsmasq", "--keep-in-foreground", "--no-resolv", "--no-hosts", "--user=root",
                   "--conf-file=/dev/null", f"--pid-file={self.path('dnsmasq.pid')}",
                   "--listen-address=198.51.100.2", "--bind-interfaces", *options)

    def act_with_names(self, *command):
        """Acts in namespace a, where that server is the resolver's."""
        mount = f"mount --bind {self.path('resolv.conf')} /etc/resolv.conf"
        return self.act("unshare", "--mount", "sh", "-c", f"{mount} && exec \"$@\"", "sh",
                        *self.inside("a", *command), text=True)
