#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What the kernel leaves out changes no alert: two agents watch the same acts, one with the prefilter
and one without, and say the same. And no noise hides a planted act."""

import collections
import json
import os
import subprocess
import unittest

from harness import BIN, RULES, SOURCE, KernelTestCase, wait_for

UPSTREAM = os.environ.get("VAKT_FALCO_RULES_DIR") or os.path.join(
    SOURCE, "../shared/data/falco-rules")
UPSTREAM_FILES = [path for path in (os.path.join(UPSTREAM, name) for name in
                                    ("falco_rules.yaml", "falco-incubating_rules.yaml"))
                  if os.path.exists(path)]

# Files of each kind, in each way, by processes that rename themselves, change users and fork.
BUSY = r"""
import ctypes, os, socket, sys, threading
home = sys.argv[1]
libc = ctypes.CDLL(None, use_errno=True)
def rename(name): libc.prctl(15, name.encode(), 0, 0, 0)
def touch(path, flags):
    try: os.close(os.open(path, flags, 0o755))
    except OSError: pass
PATHS = ["/etc/passwd", "/etc/shadow", "/etc/pam.d", "/etc/hosts", "/proc/self/environ", "/dev/null",
         "/nowhere/id_rsa", home + "/.ssh/id_rsa", home + "/.ssh/authorized_keys", home + "/.bashrc",
         home + "/release_agent", home + "/x", home + "/.bash_history", "/usr/bin/env", "/", home,
         home + "/../" + os.path.basename(home) + "/.ssh/id_rsa", "/etc/../etc/shadow"]
FLAGS = [os.O_RDONLY, os.O_WRONLY, os.O_RDWR, os.O_RDONLY | os.O_DIRECTORY]
def opens():
    for path in PATHS:
        for flags in FLAGS:
            if path.startswith(home) or flags in (FLAGS[0], FLAGS[3]): touch(path, flags)
    touch(home + "/new", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
for name in ("worker", "vi", "sshd", "nginx", "tar", "cat"):
    rename(name)
    opens()
    thread = threading.Thread(target=opens)  # a name of its own, which is not the process's
    thread.start(); thread.join()
    child = os.fork()
    if child == 0:
        opens()
        rename(name + "-child")
        opens()
        if os.geteuid() == 0: os.seteuid(65534)
        opens()
        grandchild = os.fork()
        if grandchild == 0:
            opens()
            os._exit(0)
        os.waitpid(grandchild, 0)
        os._exit(0)
    os.waitpid(child, 0)
server = socket.create_server(("127.0.0.1", 0))
client = socket.create_connection(server.getsockname())
server.accept()[0].sendall(b"x")
"""


class Prefilter(KernelTestCase):
    def start_one(self, name, rules, *flags):
        ready = self.path(f"{name}.ready")
        command = ["--scope", self.cgroup, "--state-dir", self.path(name), "--ready-file", ready,
                   "--alerts", self.path(f"{name}.jsonl"), "--no-collector", "--rule-matching",
                   "all", "--ring-bytes", "64MiB"]
        for path in rules:
            command += ["--rules", path]
        agent = self.start("vakt-agent", *command, *flags, log=f"{name}.log")
        self.assertTrue(wait_for(lambda: os.path.exists(ready) or agent.poll() is not None))
        self.assertIsNone(agent.poll(), name)
        return agent

    def said(self, name):
        try:
            with open(self.path(f"{name}.jsonl")) as lines:
                alerts = [json.loads(line) for line in lines if line.endswith("\n")]
        except FileNotFoundError:
            return collections.Counter()
        # Each agent's hook has its own time stamp, with which the output begins.
        return collections.Counter((a["rule"], a["output"].split(" ", 1)[1]) for a in alerts)

    def wait_said(self, name, mark):
        self.assertTrue(wait_for(lambda: any(mark in output for _, output in self.said(name))),
                        f"{name}: no {mark}")

    def make_home(self):
        home = self.path("home")
        os.makedirs(os.path.join(home, ".ssh"))
        for name in (".ssh/id_rsa", ".ssh/authorized_keys", ".bashrc", ".bash_history", "x",
                     "release_agent"):
            with open(os.path.join(home, name), "w") as file:
                file.write("x")
        return home

    def test_alerts_are_the_same_with_and_without(self):
        rules = [RULES, *UPSTREAM_FILES]
        self.start_one("with", rules, "--prefilter", "on")
        self.start_one("without", rules, "--prefilter", "off")
        home = self.make_home()
        script = self.rule_file(BUSY, "busy.py")
        for _ in range(5):
            done = self.act("python3", script, home)
            self.assertEqual(done.returncode, 0, done.stdout)
            self.act("sh", "-c", "cat /etc/shadow; find /etc -maxdepth 2; tar cf /dev/null /etc/pam.d; "
                                 f"for i in 1 2 3; do echo x >> {home}/.bashrc; done; exec cat /etc/hosts")
        self.act("true", "vakt-demonstration-end")
        for name in ("with", "without"):
            self.wait_said(name, "vakt-demonstration-end")
        with_, without = self.said("with"), self.said("without")
        self.assertGreater(len(without), 10)
        for more, fewer in ((with_, without), (without, with_)):
            self.assertEqual(list((more - fewer).items())[:3], [])
        stats = self.stats("with")
        self.assertGreater(stats["events_filtered_total{kind=file_open}"], 1000)
        self.assertEqual(stats["events_lost_total"], 0)
        for kind in ("file_open", "network_connect", "process_exec"):
            parts = [stats[f"events_{part}_total{{kind={kind}}}"]
                     for part in ("filtered", "delivered")]
            self.assertEqual(stats[f"events_hook_hits_total{{kind={kind}}}"], sum(parts), kind)

    def test_planted_acts_are_found_under_flat_out_noise(self):
        if not UPSTREAM_FILES:
            self.skipTest(f"{UPSTREAM} is absent")
        self.start_one("with", UPSTREAM_FILES)
        noise = "import os\nwhile True: os.close(os.open('/usr/bin/env', os.O_RDONLY))"
        loads = [subprocess.Popen(["python3", "-c", change + noise], preexec_fn=self.enter)
                 for change in ("", "import os\nos.setuid(65534)\n")]
        try:
            for _ in range(50):
                self.act("head", "-c0", "/etc/shadow")
            found = wait_for(lambda: sum(count for (rule, output), count in self.said("with").items()
                                         if rule == "Read sensitive file untrusted"
                                         and "process=head" in output) >= 50)
        finally:
            for load in loads:
                load.kill()
                load.wait()
        self.assertTrue(found, self.said("with"))
        self.assertEqual(self.stats("with")["events_lost_total"], 0)

    def enter(self):
        with open(os.path.join(self.cgroup, "cgroup.procs"), "w") as procs:
            procs.write("0")

    def test_what_the_kernel_decides_is_shown(self):
        rules = self.rule_file("""
- rule: narrow
  desc: d
  condition: evt.type = openat and evt.is_open_write = true and fd.name startswith /etc/ and proc.name = vi
  output: o
  priority: WARNING
- rule: wide
  desc: d
  condition: evt.type = openat and fd.name regex ".*secret"
  output: o
  priority: WARNING
""")
        out = subprocess.run([os.path.join(BIN, "vaktctl"), "rules", "prefilter", rules, "--format",
                              "json"], capture_output=True, text=True, timeout=30)
        self.assertEqual(out.returncode, 0, out.stderr)
        [opens] = [kind for kind in json.loads(out.stdout) if kind["kind"] == "file_open"]
        narrow, wide = sorted(opens["rules"], key=lambda rule: rule["rule"])
        self.assertEqual(narrow["path"], "/etc/*")
        self.assertEqual(narrow["process"], 'proc.name = "vi"')
        self.assertIn("write", narrow["opened"])
        self.assertEqual(wide["path"], "")
        self.assertEqual(wide["obstacle"], 'fd.name regex ".*secret"')


if __name__ == "__main__":
    unittest.main(verbosity=2)
