# SPDX-License-Identifier: Apache-2.0
"""Runs the built programs for end-to-end tests: an agent confined to a cgroup that the test made,
acts inside that cgroup, and a collector with certificates of the test's own. Everything a test
starts is ended by pid, and everything it makes is removed."""

import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
import unittest

BUILD = os.environ.get("VAKT_BUILD_DIR") or os.path.join(os.path.dirname(__file__), "../../build")
SOURCE = os.path.abspath(os.path.join(os.path.dirname(__file__), "../.."))
BIN = os.path.join(os.path.abspath(BUILD), "bin")
RULES = os.path.join(SOURCE, "rules")
SLOWER = float(os.environ.get("VAKT_SLOWER", "1"))  # how much longer to wait: emulated machines


def why_not():
    """Why tests against the kernel cannot run here, or None."""
    if os.geteuid() != 0:
        return "needs root"
    if not os.path.exists("/sys/kernel/btf/vmlinux"):
        return "this kernel has no BTF"
    if cgroup_root() is None:
        return "no cgroup v2 hierarchy is mounted"
    return None


def cgroup_root():
    with open("/proc/self/mounts") as mounts:
        for line in mounts:
            words = line.split()
            if len(words) > 2 and words[2] == "cgroup2":
                return words[1]
    return None


def wait_for(condition, seconds=20, step=0.01):
    """The condition's first true value; None after `seconds`."""
    end = time.monotonic() + seconds * SLOWER
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(step)
    return None


class KernelTestCase(unittest.TestCase):
    """A temporary directory and a cgroup; acts run inside the cgroup."""

    def setUp(self):
        reason = why_not()
        if reason:
            self.skipTest(reason)
        self.dir = os.path.realpath(tempfile.mkdtemp(prefix="vakt-e2e-"))
        self.addCleanup(shutil.rmtree, self.dir, ignore_errors=True)
        self.cgroup = os.path.join(cgroup_root(), f"vakt-e2e-{os.getpid()}-{os.path.basename(self.dir)}")
        os.mkdir(self.cgroup)
        self.addCleanup(self._remove_cgroup)
        self.programs = []

    def tearDown(self):
        for program in reversed(self.programs):
            stop(program)

    def _remove_cgroup(self):
        def removed():
            try:
                os.rmdir(self.cgroup)
            except OSError:
                return not os.path.exists(self.cgroup)
            return True
        wait_for(removed, 5)

    def path(self, name):
        return os.path.join(self.dir, name)

    def enter_cgroup(self):
        """Moves the calling process there."""
        with open(os.path.join(self.cgroup, "cgroup.procs"), "w") as procs:
            procs.write("0")

    # -- acts ------------------------------------------------------------------------------------

    def act(self, *command, **options):
        """Runs a command inside the cgroup and waits for it."""
        return subprocess.run(command, preexec_fn=self.enter_cgroup, stdin=subprocess.DEVNULL,
                              stdout=options.pop("stdout", subprocess.PIPE),
                              stderr=subprocess.STDOUT, **{"timeout": 60 * SLOWER, **options})

    # -- programs --------------------------------------------------------------------------------

    def start(self, program, *flags, log=None, **options):
        log = open(self.path(log or f"{program}.log"), "ab")
        process = subprocess.Popen([os.path.join(BIN, program), *flags], stdin=subprocess.DEVNULL,
                                   stdout=log, stderr=log, **options)
        log.close()
        self.programs.append(process)
        return process

    def log_text(self, program):
        with open(self.path(f"{program}.log"), errors="replace") as log:
            return log.read()

    def start_agent(self, *flags, rules=(RULES,), alone=True, state="state", program="vakt-agent", **options):
        ready = self.path("agent.ready")
        command = ["--scope", self.cgroup, "--state-dir", self.path(state), "--ready-file", ready,
                   "--alerts", self.path("alerts.jsonl")]
        for path in rules:
            command += ["--rules", path]
        if alone:
            command.append("--no-collector")
        agent = self.start(program, *command, *flags, log="vakt-agent.log", **options)
        self.assertTrue(wait_for(lambda: os.path.exists(ready) or agent.poll() is not None),
                        "the agent is not ready: " + self.log_text("vakt-agent"))
        self.assertIsNone(agent.poll(), self.log_text("vakt-agent"))
        return agent

    def alerts(self):
        try:
            with open(self.path("alerts.jsonl")) as lines:
                return [json.loads(line) for line in lines if line.endswith("\n")]
        except FileNotFoundError:
            return []

    def wait_alert(self, rule, count=1, seconds=10):
        def found():
            matching = [a for a in self.alerts() if a["rule"] == rule]
            return matching if len(matching) >= count else None
        matching = wait_for(found, seconds)
        self.assertIsNotNone(matching, f"no alert of {rule!r}; rules that fired: "
                             f"{sorted({a['rule'] for a in self.alerts()})}")
        return matching

    def stats(self, state="state"):
        out = subprocess.run([os.path.join(BIN, "vaktctl"), "agent", "stats", "--state-dir",
                              self.path(state), "--format", "kv"], capture_output=True, text=True)
        self.assertEqual(out.returncode, 0, out.stderr)
        return {name: int(value) for name, value in
                (line.rsplit(" ", 1) for line in out.stdout.splitlines())}

    def status(self, state="state"):
        out = subprocess.run([os.path.join(BIN, "vaktctl"), "agent", "status", "--state-dir",
                              self.path(state), "--format", "json"], capture_output=True, text=True)
        self.assertEqual(out.returncode, 0, out.stderr)
        return json.loads(out.stdout)

    def measured_programs(self, measure, during, state="state"):
        """What the agent's BPF programs did while `during` was called, by name."""
        asking = subprocess.Popen([os.path.join(BIN, "vaktctl"), "agent", "programs", "--state-dir",
                                   self.path(state), "--measure", measure, "--format", "json"],
                                  stdout=subprocess.PIPE, text=True)
        while asking.poll() is None:
            during()
        rows = json.loads(asking.communicate()[0])["programs"]
        self.assertEqual(asking.returncode, 0)
        return {row["name"]: {"runs": int(row.get("runs", 0)),
                              "run_time_ns": int(row.get("run_time_ns", 0)),
                              "verified_instructions": row["verified_instructions"]} for row in rows}

    def rule_file(self, text, name="rules.yaml"):
        with open(self.path(name), "w") as file:
            file.write(text)
        return self.path(name)

    # -- collector -------------------------------------------------------------------------------

    def make_certificates(self):
        certificates = self.path("certs")
        if not os.path.exists(certificates):
            subprocess.run([os.path.join(SOURCE, "scripts/dev-certs"), certificates], check=True,
                           stdout=subprocess.DEVNULL)
        return certificates

    def tls(self, who):
        certificates = self.make_certificates()
        return ["--tls-ca", f"{certificates}/ca.pem", "--tls-cert", f"{certificates}/{who}.pem",
                "--tls-key", f"{certificates}/{who}.key"]

    def start_collector(self, port, *flags):
        ready = self.path("collector.ready")
        if os.path.exists(ready):
            os.unlink(ready)
        collector = self.start("vakt-collector", "--listen", f"127.0.0.1:{port}", "--data-dir",
                               self.path("store"), "--ready-file", ready, *self.tls("collector"), *flags)
        self.assertTrue(wait_for(lambda: os.path.exists(ready) or collector.poll() is not None),
                        "the collector is not ready: " + self.log_text("vakt-collector"))
        self.assertIsNone(collector.poll(), self.log_text("vakt-collector"))
        return collector

    def vaktctl(self, port, *arguments, check=True):
        out = subprocess.run([os.path.join(BIN, "vaktctl"), *arguments, "--collector",
                              f"127.0.0.1:{port}", *self.tls("analyst")],
                             capture_output=True, text=True, timeout=60 * SLOWER)
        if check:
            self.assertEqual(out.returncode, 0, out.stderr)
        return out


def stop(process, seconds=15):
    """SIGTERM, then SIGKILL; the exit status."""
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(seconds * SLOWER)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    return process.returncode


def free_port():
    import socket
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
