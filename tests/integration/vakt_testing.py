# SPDX-License-Identifier: Apache-2.0
"""What the Python tests share: stubs from proto/, a collector, an agent's side of the protocol.

ctest sets VAKT_SOURCE_DIR and VAKT_BINARY_DIR. Stubs are made with the stock grpcio tools.
"""

import os
import pathlib
import subprocess
import sys
import tempfile
import time
import uuid

import grpc

SOURCE_DIR = pathlib.Path(os.environ["VAKT_SOURCE_DIR"])
BIN_DIR = pathlib.Path(os.environ["VAKT_BINARY_DIR"]) / "bin"
NODE = os.uname().nodename  # the name that scripts/dev-certs puts into the agent's certificate
TIMEOUT_S = 60  # of anything that is waited for; far beyond what it takes

_stubs = tempfile.TemporaryDirectory(prefix="vakt-stubs-")
subprocess.run(
    [sys.executable, "-m", "grpc_tools.protoc", f"-I{SOURCE_DIR}/proto",
     f"--python_out={_stubs.name}", f"--grpc_python_out={_stubs.name}",
     *sorted(map(str, (SOURCE_DIR / "proto/vakt/v1").glob("*.proto")))],
    check=True)
sys.path.insert(0, _stubs.name)

# pylint: disable=wrong-import-position
from vakt.v1 import alert_pb2, control_pb2, control_pb2_grpc, event_pb2  # noqa: E402,F401
from vakt.v1 import admin_pb2, admin_pb2_grpc  # noqa: E402,F401
from vakt.v1 import fleet_pb2, fleet_pb2_grpc, ingest_pb2, ingest_pb2_grpc  # noqa: E402,F401
from vakt.v1 import query_pb2, query_pb2_grpc  # noqa: E402,F401


def stubs_directory():
    """Where the generated modules are: for PYTHONPATH."""
    return _stubs.name


def make_certificates(directory):
    """ca.pem, and .pem and .key of agent, collector and analyst, in `directory`."""
    subprocess.run([SOURCE_DIR / "scripts/dev-certs", directory], check=True,
                   stdout=subprocess.DEVNULL)


def wait_until(condition, what):
    deadline = time.monotonic() + TIMEOUT_S
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited in vain until {what}")
        time.sleep(0.02)


class Collector:
    """The program vakt-collector in `directory`; ended by its handle."""

    def __init__(self, directory, certificates, listen="127.0.0.1:0", flags=()):
        self._certificates = pathlib.Path(certificates)
        ready = pathlib.Path(directory) / "ready"
        ready.unlink(missing_ok=True)
        self._log = open(pathlib.Path(directory) / "collector.log", "ab")
        self._process = subprocess.Popen(
            [BIN_DIR / "vakt-collector", "--listen", listen,
             "--data-dir", pathlib.Path(directory) / "data", "--ready-file", ready, *flags,
             "--tls-ca", self._certificates / "ca.pem",
             "--tls-cert", self._certificates / "collector.pem",
             "--tls-key", self._certificates / "collector.key"],
            stderr=self._log)
        wait_until(lambda: ready.exists() or self._process.poll() is not None,
                   "the collector is ready")
        if not ready.exists():
            raise RuntimeError(f"vakt-collector ended with status {self._process.returncode}")
        self.address = ready.read_text().strip()

    def stop(self):
        self._process.terminate()
        status = self._process.wait(TIMEOUT_S)
        self._log.close()
        return status

    def channel(self, who):
        """A channel as `who`: "agent" or "analyst"."""
        credentials = grpc.ssl_channel_credentials(
            (self._certificates / "ca.pem").read_bytes(),
            (self._certificates / f"{who}.key").read_bytes(),
            (self._certificates / f"{who}.pem").read_bytes())
        return grpc.secure_channel(self.address, credentials)


class Agent:
    """An agent's side of the Ingest protocol: sends records and waits for their acks."""

    def __init__(self):
        self.boot_id = str(uuid.uuid4())
        self.epoch = 1
        self._seq = 0

    def record(self, **body):
        self._seq += 1
        return alert_pb2.Record(boot_id=self.boot_id, epoch=self.epoch, seq=self._seq, **body)

    def alert(self, output, rule="Test rule", priority=alert_pb2.PRIORITY_WARNING):
        alert = alert_pb2.Alert(
            uid=f"{self.boot_id.replace('-', '')}-{self.epoch}-{self._seq + 1}", rule=rule,
            priority=priority, source="syscall", output=output, tags=["test"], hostname=NODE,
            tier="tracepoint",
            output_fields=[alert_pb2.OutputField(name="proc.name", string_value="sh"),
                           alert_pb2.OutputField(name="proc.pid", int_value=7),
                           alert_pb2.OutputField(name="fd.name")])
        alert.time.GetCurrentTime()
        alert.event.file_open.file.path = b"/tmp/\xff"
        return self.record(alert=alert)

    def gap(self, count):
        gap = alert_pb2.Gap(count=count, reason="ring_full", kind="file_open", lane="bulk")
        setattr(gap, "class", alert_pb2.Gap.CLASS_LOSS)
        gap.begin.GetCurrentTime()
        gap.end.GetCurrentTime()
        return self.record(gap=gap)

    def send(self, collector, records):
        """Delivers the records over one stream; returns (welcome, last position acked)."""
        hello = ingest_pb2.Hello(node=NODE, boot_id=self.boot_id, epoch=self.epoch,
                                 agent_version="0.1.0", kernel_release="6.0", rules=3,
                                 rule_set_hash="ab" * 32)
        messages = [
            ingest_pb2.AgentMessage(hello=hello),
            ingest_pb2.AgentMessage(
                batch=ingest_pb2.Batch(records=[r.SerializeToString() for r in records]))]
        with collector.channel("agent") as channel:
            stream = ingest_pb2_grpc.IngestStub(channel).Connect(iter(messages),
                                                                timeout=TIMEOUT_S)
            welcome = next(stream).welcome
            acked = None
            for message in stream:
                acked = (message.ack.stored.epoch, message.ack.stored.seq)
        return welcome, acked
