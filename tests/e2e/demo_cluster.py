# SPDX-License-Identifier: Apache-2.0
"""What scripts/demo-cluster does once everything is built: two pods, an attack in one of them, and the
alerts with its name. 0 when each act raised its alert and each alert named the pod."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile

import container_world
from container_world import ContainerWorld
from harness import BIN, RULES, cgroup_root, stop, wait_for, why_not

POD = "web-7d4b9c6f5d-x2x4z"
# What the intruder does, and the rule that sees it.
ACTS = (
    ("reads the password file", "cat /etc/shadow", "Credential file read by an unexpected program"),
    ("brings a program of his own and runs it", "cp /bin/busybox /tmp/miner && /tmp/miner true",
     "Program run that is not part of the image"),
)


def say(text):
    print(text, flush=True)


class Demo:
    def __init__(self):
        self.dir = tempfile.mkdtemp(prefix="vakt-demo-")
        self.cgroup = os.path.join(cgroup_root(), os.path.basename(self.dir))
        os.mkdir(self.cgroup)
        self.world = ContainerWorld("/" + os.path.basename(self.dir))
        self.agent = None

    def alerts(self):
        try:
            with open(os.path.join(self.dir, "alerts.jsonl")) as lines:
                return [json.loads(line) for line in lines if line.endswith("\n")]
        except FileNotFoundError:
            return []

    def start_agent(self):
        ready = os.path.join(self.dir, "ready")
        with open(os.path.join(self.dir, "agent.log"), "wb") as log:
            self.agent = subprocess.Popen(
                [os.path.join(BIN, "vakt-agent"), "--no-collector", "--scope", self.cgroup,
                 "--rules", RULES, "--rule-matching", "all", "--state-dir", os.path.join(self.dir, "state"),
                 "--alerts", os.path.join(self.dir, "alerts.jsonl"), "--ready-file", ready,
                 "--container-runtime", self.world.socket], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        if not wait_for(lambda: os.path.exists(ready) or self.agent.poll() is not None) or self.agent.poll():
            with open(os.path.join(self.dir, "agent.log"), errors="replace") as log:
                raise RuntimeError("the agent did not start:\n" + log.read()[-2000:])

    def run(self):
        say("==> containerd, with a directory and a socket of its own")
        self.world.start()
        say("==> vakt-agent, with the shipped rules")
        self.start_agent()
        say(f"==> two pods: shop/{POD} and data/db-0")
        web = self.world.run_pod(POD, "shop", {"app": "web", "pod-template-hash": "7d4b9c6f5d"})
        database = self.world.run_pod("db-0", "data", {"statefulset.kubernetes.io/pod-name": "db-0"})
        victim = self.world.run(web, "nginx", ["/bin/sleep", "1000"])
        self.world.run(database, "postgres", ["/bin/sleep", "1000"])
        return all([self.act(victim, *act) for act in ACTS])

    def act(self, victim, what, command, rule):
        say(f"==> somebody in shop/{POD} {what}: {command}")
        before = len(self.alerts())
        self.world.exec(victim, "/bin/sh", "-c", command)
        found = wait_for(lambda: [a for a in self.alerts()[before:] if a["rule"] == rule], 10)
        if not found:
            say(f"    no alert of '{rule}'; there are: {sorted({a['rule'] for a in self.alerts()})}")
            return False
        fields = found[0]["output_fields"]
        say(f"    {found[0]['priority']}: {found[0]['rule']}\n"
            f"    pod {fields['k8s.ns.name']}/{fields['k8s.pod.name']}, container {fields['container.name']}, "
            f"image {fields['container.image.repository']}:{fields['container.image.tag']}\n"
            f"    {found[0]['output']}")
        return fields["k8s.pod.name"] == POD and fields["k8s.ns.name"] == "shop"

    def close(self):
        if self.agent is not None:
            stop(self.agent)
        self.world.close()
        shutil.rmtree(self.dir, ignore_errors=True)
        wait_for(lambda: self._cgroup_is_gone(), 5)

    def _cgroup_is_gone(self):
        try:
            os.rmdir(self.cgroup)
        except OSError:
            return not os.path.exists(self.cgroup)
        return True


def main():
    reason = why_not() or container_world.why_no_containers()
    if reason:
        say(f"demo-cluster: {reason}")
        return 1
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # by the way of the clean-up
    demo = Demo()
    try:
        succeeded = demo.run()
    finally:
        demo.close()
    say("==> all of it is removed again")
    return 0 if succeeded else 1


if __name__ == "__main__":
    sys.exit(main())
