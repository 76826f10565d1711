#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""kill -9 of agent and collector, at random moments and at named points of their work on disk and
network, over and over on the same spool and store. What the agent promised is written down here;
delivery_oracle.py, a program of its own, holds the store against that.

VAKT_KILLS: how many of each sort (agent or collector, at random or at points); 10 if it is not set.
VAKT_KILL_SEED: of the random choices."""

import collections
import itertools
import os
import pathlib
import random
import shutil
import signal
import socket
import sqlite3
import struct
import subprocess
import sys
import tempfile
import threading
import time
import unittest
from urllib.request import urlopen

BIN = pathlib.Path(os.environ["VAKT_BINARY_DIR"]) / "bin"
PRELOADED = pathlib.Path(os.environ["VAKT_BINARY_DIR"]) / "tests"
SOURCE = pathlib.Path(os.environ["VAKT_SOURCE_DIR"])
KILLS = int(os.environ.get("VAKT_KILLS", "10"))
SEED = int(os.environ.get("VAKT_KILL_SEED", "5"))
ROUND = 100  # kills on one spool and store: more would only make the store's check at start long
QUOTA_KIB, SMALL_QUOTA_KIB = 262144, 512  # of the spool
RETENTION = "1m"  # of debug messages: the least that there is
LATER_NS = 120 * 10**9
NOWHERE = "127.0.0.1:1"

# name: what to kill_switch.cc (tests/support), without when and which.
AGENT_POINTS = {
    "segment begins": "create */spool/*.seg",
    "segment write": "write */spool/*.seg",
    "segment sync": "sync */spool/*.seg",
    "segment ends": "truncate */spool/*.seg",
    "segment freed": "unlink */spool/*.seg",
    "shed write": "write */spool/*.seg.tmp",
    "shed sync": "sync */spool/*.seg.tmp",
    "shed rename": "rename */spool/*.seg",
    "shed, then the old file": "unlink */spool/*.seg",
    "state write": "write */spool/state.tmp",
    "state sync": "sync */spool/state.tmp",
    "state rename": "rename */spool/state",
    "epoch rename": "rename */spool/epoch",
    "directory sync": "sync */spool",
    "send": "send *",
}
COLLECTOR_POINTS = {
    "commit write": "write *vakt.db-wal",
    "commit sync": "sync *vakt.db-wal",
    "committed, not acknowledged": "send *vakt.db-wal",
    "send": "send *",
    "checkpoint write": "write *vakt.db",
    "checkpoint sync": "sync *vakt.db",
    "log reset": "truncate *vakt.db*",
    "retention write": "write *vakt.db-wal",
    "retention sync": "sync *vakt.db-wal",
    "sink write": "write *alerts.jsonl",
    "sink sync": "sync *alerts.jsonl",
    "cursor write": "write *file.cursor.tmp*",
    "cursor sync": "sync *file.cursor.tmp*",
    "cursor rename": "rename *file.cursor",
    "cursor directory sync": "sync */sinks",
}
SCHEMA_POINTS = {
    "schema write": "write *vakt.db*",
    "schema sync": "sync *vakt.db*",
}
OFFLINE = {name for name in AGENT_POINTS if name.startswith("shed")}
AT_STOP = {"checkpoint write", "checkpoint sync", "log reset"}


def armed(point, when, which):
    return {"LD_PRELOAD": f"{PRELOADED}/kill_switch.so", "VAKT_KILL": f"{when} {point} {which}",
            "ASAN_OPTIONS": "verify_asan_link_order=0"}


class Agent:
    """delivery_crasher, and what it reports, line by line in the journal."""

    def __init__(self, test, mode, collector, quota_kib=QUOTA_KIB, env=None):
        with open(test.dir / "agent.log", "ab") as log:
            self.process = subprocess.Popen(
                [BIN / "delivery_crasher", test.dir / "spool", collector, test.certificates, mode,
                 str(quota_kib)], stdout=subprocess.PIPE, stderr=log,
                env={**os.environ, **(env or {})})
        self._journal = open(test.dir / "journal", "a")
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self):
        last = None
        while len(report := self.process.stdout.read(32)) == 32:
            if report == last:
                continue
            last = report
            durable_epoch, durable_seq, acked_epoch, acked_seq = struct.unpack("=4Q", report)
            if durable_seq > 0:
                self._journal.write(f"durable {durable_epoch} {durable_seq}\n")
            self._journal.write(f"acknowledged {acked_epoch} {acked_seq}\n")
        self._journal.close()

    def dies_within(self, seconds):
        try:
            self.process.wait(seconds)
            return True
        except subprocess.TimeoutExpired:
            return False

    def end(self):
        """kill -9, or what it died of already; its status."""
        self.process.kill()
        status = self.process.wait()
        self._reader.join()
        self.process.stdout.close()
        return status


def free_port(beside):
    """Not that of the address `beside`, whose owner is away."""
    while True:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        if not beside.endswith(f":{port}"):
            return port


def ask_the_oracle(directory):
    return subprocess.run(
        [sys.executable, SOURCE / "tests/integration/delivery_oracle.py", directory / "journal",
         directory / "data", directory / "alerts.jsonl"], capture_output=True, text=True)


class OracleTest(unittest.TestCase):
    """The oracle sees what it is there to see."""

    def setUp(self):
        directory = tempfile.TemporaryDirectory(prefix="vakt-oracle-")
        self.addCleanup(directory.cleanup)
        self.dir = pathlib.Path(directory.name)
        (self.dir / "data").mkdir()

    def verdict(self, stored, journal="durable 7 5\nacknowledged 7 3\n", sink=None, breaks=0):
        """Of a store with alerts, or shed gaps of a count, at these positions of epoch 7, among which
        the collector has put an alert of its own about the node."""
        (self.dir / "data/vakt.db").unlink(missing_ok=True)
        with sqlite3.connect(self.dir / "data/vakt.db") as database:
            database.executescript(
                "CREATE TABLE node (chain_breaks INT); CREATE TABLE run (id INT, node_id INT, epoch INT);"
                "CREATE TABLE record (id INT, node_id INT, run_id INT, seq INT, kind INT, uid TEXT);"
                "CREATE TABLE payload (id INT, bytes BLOB); INSERT INTO run VALUES (1, 1, 7), (2, 0, 9);"
                "INSERT INTO record VALUES (2, 1, 2, 1, 1, 'own'); INSERT INTO payload VALUES (2, x'');"
                f"INSERT INTO node VALUES ({breaks})")
            for number, (seq, count) in zip(itertools.count(1, 3), stored):
                gap = b"\x20" + bytes([count]) + b"\x2a\x0bspool_quota"
                database.execute("INSERT INTO record VALUES (?, 1, 1, ?, ?, ?)",
                                 (number, seq, 2 if count else 1, None if count else f"u{seq}"))
                database.execute("INSERT INTO payload VALUES (?, ?)",
                                 (number, b"\x5a" + bytes([len(gap)]) + gap if count else b""))
        (self.dir / "journal").write_text(journal)
        if sink is None:
            sink = [seq for seq, count in stored if not count]
        (self.dir / "alerts.jsonl").write_text("".join(f'{{"uid": "u{seq}"}}\n' for seq in sink))
        out = ask_the_oracle(self.dir)
        self.assertEqual(out.stderr, "")
        return out.stdout if out.returncode else "good"

    def test_it_tells_good_from_bad(self):
        good = [(1, 0), (2, 0), (3, 0), (4, 0), (5, 0)]
        self.assertEqual(self.verdict(good), "good")
        self.assertEqual(self.verdict([(1, 0), (2, 0), (3, 0), (5, 2)]), "good")  # 4 and 5 shed
        self.assertEqual(self.verdict(good[:3] + good[4:]), "good")  # 4 is a debug message
        self.assertEqual(self.verdict(good, sink=[1, 2, 1, 2, 3, 4, 5]), "good")
        self.assertIn("lost: [2]", self.verdict(good[:1] + good[2:]))
        self.assertIn("lost: [5]", self.verdict(good[:4]))
        self.assertIn("the store ends at (7, 2)", self.verdict(good[:2]))
        self.assertIn("twice or out of order", self.verdict([good[0], good[0], *good[1:]]))
        self.assertIn("twice or out of order", self.verdict([good[1], good[0], *good[2:]]))
        self.assertIn("lacks 1 alerts", self.verdict(good, sink=[1, 2, 4, 5]))
        self.assertIn("out of order", self.verdict(good, sink=[1, 3, 2, 4, 5]))
        self.assertIn("breaks of the chain", self.verdict(good, breaks=1))


class DeliveryKillTest(unittest.TestCase):

    def setUp(self):
        self.top = pathlib.Path(tempfile.mkdtemp(prefix="vakt-kill-"))
        self.addCleanup(shutil.rmtree, self.top, ignore_errors=True)
        self.certificates = self.top / "certificates"
        subprocess.run([SOURCE / "scripts/dev-certs", self.certificates], check=True,
                       stdout=subprocess.DEVNULL)
        self.random = random.Random(SEED)
        self.collector = None
        self.addCleanup(self.kill_collector)
        self.kills = collections.Counter()

    # -- a round: one spool, one store ------------------------------------------------------------

    def begin_round(self, number):
        self.dir = self.top / f"round-{number}"
        self.dir.mkdir()
        self.address = "127.0.0.1:0"
        (self.dir / "collector.yaml").write_text(
            f"store: {{retention_of: [debug={RETENTION}]}}\n"
            f"sinks: {{file: {{kind: file, path: {self.dir}/alerts.jsonl, start: beginning}}}}\n")

    def end_round(self):
        """Delivers what is left, and has it judged."""
        self.metrics_port = free_port(beside=self.address)
        self.start_collector("--metrics-listen", f"127.0.0.1:{self.metrics_port}")
        drain = Agent(self, "drain", self.address)
        delivered = drain.dies_within(120)
        status = drain.end()
        self.assertTrue(delivered, "the spool is not delivered" + self.where_it_stands())
        self.assertEqual(status, 0)
        self.wait_for_the_sink()
        self.assertEqual(self.stop_collector(), 0, self.log())
        verdict = ask_the_oracle(self.dir)
        self.assertEqual(verdict.returncode, 0, verdict.stdout + verdict.stderr + self.log())
        print(f"    {verdict.stdout.strip()}", flush=True)
        shutil.rmtree(self.dir)

    def where_it_stands(self):
        """Of a delivery that does not end: the last reports, what lies in the spool, the logs."""
        reports = (self.dir / "journal").read_text().splitlines()[-4:]
        spool = sorted(f"{path.name} {path.stat().st_size}" for path in (self.dir / "spool").iterdir())
        agent = (self.dir / "agent.log").read_text(errors="replace")[-2000:]
        return "\n".join(["", *reports, *spool, agent, self.log()])

    def log(self):
        return (self.dir / "collector.log").read_text(errors="replace")[-4000:]

    def wait_for_the_sink(self):
        """Until it has everything."""
        end = time.monotonic() + 60
        url = f"http://127.0.0.1:{self.metrics_port}/metrics"
        while b'\nvakt_sink_lag_records{sink="file",kind="file"} 0\n' not in urlopen(url).read():
            self.assertLess(time.monotonic(), end, "the sink's file is not complete")
            time.sleep(0.02)

    # -- the collector ----------------------------------------------------------------------------

    def launch_collector(self, *flags, env=None):
        """On the same port each time, so that the agent finds it again."""
        (self.dir / "ready").unlink(missing_ok=True)
        with open(self.dir / "collector.log", "ab") as log:
            self.collector = subprocess.Popen(
                [BIN / "vakt-collector", "--config", self.dir / "collector.yaml", "--listen",
                 self.address, "--data-dir", self.dir / "data", "--ready-file", self.dir / "ready",
                 "--tls-ca", self.certificates / "ca.pem", "--tls-cert",
                 self.certificates / "collector.pem", "--tls-key",
                 self.certificates / "collector.key", *flags], stderr=log, env={**os.environ, **(env or {})})

    def is_ready(self, seconds=60):
        """False when it died before."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if (self.dir / "ready").exists():
                self.address = (self.dir / "ready").read_text().strip()
                return True
            if self.collector.poll() is not None:
                return False
            time.sleep(0.002)
        return False

    def start_collector(self, *flags):
        self.launch_collector(*flags)
        self.assertTrue(self.is_ready(), self.log())

    def kill_collector(self):
        if self.collector is not None:
            self.collector.kill()
            self.collector.wait()

    def stop_collector(self):
        self.collector.terminate()
        return self.collector.wait(60)

    # -- kills ------------------------------------------------------------------------------------

    def pause(self, most_s):
        time.sleep(self.random.random() * most_s)

    def agent_at_random(self, _):
        agent = Agent(self, "run", self.address)
        self.pause(0.25)
        if self.random.random() < 0.2:  # both, as when their machine dies
            self.kill_collector()
            self.start_collector()
        self.assertEqual(agent.end(), -signal.SIGKILL)
        self.kills["agent, at random"] += 1

    def agent_at_a_point(self, number):
        name = list(AGENT_POINTS)[number % len(AGENT_POINTS)]
        when = self.random.choice(["before", "during", "after"])
        offline = name in OFFLINE
        agent = Agent(self, "run", NOWHERE if offline else self.address,
                      SMALL_QUOTA_KIB if offline else QUOTA_KIB,
                      armed(AGENT_POINTS[name], when, self.random.randint(1, 4)))
        hit = agent.dies_within(3)
        self.assertEqual(agent.end(), -signal.SIGKILL)
        self.kills[f"agent, {name}" if hit else "agent, point not reached"] += 1

    def collector_at_random(self, _):
        self.pause(0.25)
        self.kill_collector()
        self.start_collector()
        self.kills["collector, at random"] += 1

    def armed_collector(self, name, point, which):
        """Launches it, and waits until it has died at the point, or will not."""
        env = armed(point, self.random.choice(["before", "during", "after"]), which)
        if name.startswith("retention"):  # what is there is old at its start
            (self.dir / "shift").write_bytes(struct.pack("<q", LATER_NS))
            env["LD_PRELOAD"] += f":{PRELOADED}/clock_shift.so"
            env["VAKT_CLOCK_SHIFT"] = str(self.dir / "shift")
        self.launch_collector(env=env)
        if self.is_ready() and name in AT_STOP:
            self.pause(0.2)
            self.collector.terminate()
        try:
            hit = self.collector.wait(3) == -signal.SIGKILL
        except subprocess.TimeoutExpired:
            hit = False
        self.kill_collector()
        self.kills[f"collector, {name}" if hit else "collector, point not reached"] += 1

    def collector_at_a_point(self, number):
        name = list(COLLECTOR_POINTS)[number % len(COLLECTOR_POINTS)]
        self.kill_collector()
        # Expired records go in the commits that follow the first ones.
        which = self.random.randint(1, 30 if name.startswith("retention") else 4)
        self.armed_collector(name, COLLECTOR_POINTS[name], which)

    def collector_makes_its_store(self, kills):
        """Killed while the tables of an empty store are made, one kill after the other."""
        for _ in range(kills):
            name = self.random.choice(list(SCHEMA_POINTS))
            self.armed_collector(name, SCHEMA_POINTS[name], self.random.randint(1, 20))

    # -- tests ------------------------------------------------------------------------------------

    def rounds(self, what):
        """The numbers of each round's kills."""
        print(f"{what}:", flush=True)
        for number, first in enumerate(range(0, KILLS, ROUND)):
            self.begin_round(number)
            yield range(first, min(first + ROUND, KILLS))
            self.end_round()
        for name, count in sorted(self.kills.items()):
            print(f"    {count:5} {name}", flush=True)

    def kill_the_agent(self, what, kill):
        for kills in self.rounds(what):
            self.start_collector()
            for number in kills:
                kill(number)
            self.kill_collector()

    def kill_the_collector(self, what, kill, schema_kills=0):
        for kills in self.rounds(what):
            if schema_kills:
                self.collector_makes_its_store(schema_kills)
            self.start_collector()
            agent = Agent(self, "run", self.address)
            for number in kills[schema_kills:]:
                kill(number)
            self.assertEqual(agent.end(), -signal.SIGKILL)
            self.kill_collector()

    def test_agent_at_random(self):
        self.kill_the_agent("agent, at random", self.agent_at_random)

    def test_agent_at_points(self):
        self.kill_the_agent("agent, at points", self.agent_at_a_point)

    def test_collector_at_random(self):
        self.kill_the_collector("collector, at random", self.collector_at_random)

    def test_collector_at_points(self):
        self.kill_the_collector("collector, at points", self.collector_at_a_point,
                                schema_kills=max(1, min(ROUND, KILLS) // 10))


if __name__ == "__main__":
    unittest.main()
