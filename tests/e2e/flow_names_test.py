#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Names of remote sides that connections tell: real TLS clients and servers, and a name server over
TCP, in network namespaces. The fingerprints are compared with those that this file computes of the
same bytes, by code of its own."""

import hashlib
import json
import os
import struct
import subprocess
import sys
import unittest

from flow_world import PEER, WiredCase, run
from harness import wait_for
from tls_peer import SECRET

TLS_PEER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "tls_peer.py")
RULES = """
- list: bad_clients
  items_file: bad_clients.txt
- rule: Known client
  desc: test
  condition: evt.type = flow and flow.tls.ja4 in (bad_clients)
  output: "sni=%flow.tls.sni ja4=%flow.tls.ja4 peer=%flow.peer how=%flow.name.source"
  priority: CRITICAL
  throttle: {alerts: 1, per: 1h, by: [proc.exepath]}
"""


def ja4(hello):
    """JA4 of the ClientHello that is alone in one record."""
    body = hello[9:]
    at = 34 + 1 + body[34]
    size = struct.unpack_from(">H", body, at)[0]
    ciphers = struct.unpack_from(f">{size // 2}H", body, at + 2)
    at += 2 + size
    at += 1 + body[at] + 2
    extensions, signatures, alpn, versions = [], [], "00", list(struct.unpack_from(">H", body))
    while at < len(body):
        kind, size = struct.unpack_from(">HH", body, at)
        data = body[at + 4:at + 4 + size]
        at += 4 + size
        extensions.append(kind)
        if kind == 13:
            signatures = struct.unpack(f">{(size - 2) // 2}H", data[2:])
        if kind == 16:
            first = data[3:3 + data[2]].decode()
            alpn = first[0] + first[-1]
        if kind == 43:
            versions = struct.unpack(f">{(size - 1) // 2}H", data[1:])

    def real(values):
        return [v for v in values if v & 0x0f0f != 0x0a0a or v >> 8 != v & 0xff]

    def text(values):
        return ",".join(f"{v:04x}" for v in values)

    def digest(value):
        return hashlib.sha256(value.encode()).hexdigest()[:12]
    ciphers, extensions = sorted(real(ciphers)), sorted(real(extensions))
    version = {0x304: "13", 0x303: "12"}[max(real(versions))]
    rest = text(e for e in extensions if e not in (0, 16)) + "_" + text(real(signatures))
    return (f"t{version}{'d' if 0 in extensions else 'i'}{len(ciphers):02}{len(extensions):02}{alpn}"
            f"_{digest(text(ciphers))}_{digest(rest)}")


class FlowNames(WiredCase):
    def serve_tls(self, port, address="198.51.100.2"):
        certificate = self.path("server.pem")
        if not os.path.exists(certificate):
            run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                "-nodes", "-subj", "/CN=test", "-keyout", certificate, "-out", certificate + ".crt")
            with open(certificate, "a") as out, open(certificate + ".crt") as crt:
                out.write(crt.read())
        server = subprocess.Popen(self.inside("b", sys.executable, TLS_PEER, "serve", address,
                                              str(port), certificate),
                                  stdout=subprocess.PIPE, text=True, preexec_fn=self.enter_cgroup)
        self.addCleanup(server.stdout.close)
        self.addCleanup(server.wait)
        self.addCleanup(server.terminate)
        self.assertEqual(server.stdout.readline(), "ready\n")

    def ask(self, *arguments, what="ask"):
        asked = self.act(*self.inside("a", sys.executable, TLS_PEER, what, *map(str, arguments)),
                         text=True)
        self.assertEqual(asked.returncode, 0, asked.stderr)
        asked = json.loads(asked.stdout)
        asked["hello"] = bytes.fromhex(asked.get("hello", ""))
        return asked

    def flow_of(self, flows, port):
        """What all records of the asking side say together."""
        mine = [f for f in flows if f["remote_port"] == port and f["direction"] == "out"]
        self.assertTrue(mine, f"no flow to port {port}")
        return {key: sorted({text for flow in mine for text in flow[key]})
                for key in ("remote_names", "tls_names", "tls_clients")}

    def test_servers_that_tls_clients_ask_for(self):
        self.make_namespaces()
        self.start_both()
        for port in (443, 8443, 7001, 7002, 7003):
            self.serve_tls(port)
        self.serve_tls(7004, "2001:db8::2")
        whole = self.ask("198.51.100.2", 443, "API.Example.test", 0)
        pieces = self.ask("198.51.100.2", 7001, "pieces.example.test", 150)
        byte = self.ask("198.51.100.2", 7001, "byte.example.test", 1)
        unnamed = self.ask("198.51.100.2", 7002, "", 0)
        v6 = self.ask("2001:db8::2", 7004, "six.example.test", 0)
        curl = self.act(*self.inside("a", "curl", "-sk", "--max-time", "10", "--resolve",
                                     "www.example.test:8443:198.51.100.2",
                                     "https://www.example.test:8443/"), text=True)
        self.assertEqual(curl.stdout, "yes")
        self.act(*self.inside("a", "openssl", "s_client", "-connect", "198.51.100.2:7003",
                              "-servername", "cli.example.test"))
        flows = self.flows_at_end()

        def said(names, *hellos):
            return {"remote_names": [], "tls_names": names,
                    "tls_clients": sorted({ja4(hello) for hello in hellos})}
        self.assertEqual(self.flow_of(flows, 443), said(["api.example.test"], whole["hello"]))
        # The one of single bytes takes more sends than are looked at.
        self.assertEqual(self.flow_of(flows, 7001), said(["pieces.example.test"], pieces["hello"]))
        self.assertGreater(len(byte["hello"]), 100)
        self.assertEqual(self.flow_of(flows, 7002), said([], unnamed["hello"]))
        self.assertIn("i", ja4(unnamed["hello"])[3])
        self.assertEqual(self.flow_of(flows, 7004), said(["six.example.test"], v6["hello"]))
        for port, name in ((8443, "www.example.test"), (7003, "cli.example.test")):
            flow = self.flow_of(flows, port)
            self.assertEqual(flow["tls_names"], [name])
            self.assertRegex(flow["tls_clients"][0], r"^t13d[0-9]{4}.._[0-9a-f]{12}_[0-9a-f]{12}$")
        ocsf = [json.loads(line) for line in self.vaktctl(
            self.port, "flows", "list", "--port", "443", "--direction", "out", "--format",
            "ocsf").stdout.splitlines()]
        self.assertEqual(ocsf[0]["ja4_fingerprint_list"],
                         [{"type_id": 1, "type": "JA4", "value": ja4(whole["hello"])}])
        self.assertEqual(ocsf[0]["unmapped"]["tls_names"], ["api.example.test"])
        self.keeps_no_payload(whole["hello"], pieces["hello"], byte["hello"], unnamed["hello"])

    def keeps_no_payload(self, *hellos):
        """Of what was sent, neither hellos' random parts nor data are in any file that the agent or
        the collector wrote, be it as bytes, in hexadecimal or base64."""
        import base64
        forbidden = [SECRET]
        for hello in hellos:
            forbidden += [hello[11:43][:12], hello[44:76][:12]]  # random, session
        forbidden += [text for data in list(forbidden) for text in
                      (data.hex().encode(), base64.b64encode(data)[:12])]
        for folder, _, files in os.walk(self.dir):
            for file in files:
                with open(os.path.join(folder, file), "rb") as stored:
                    data = stored.read()
                for one in forbidden:
                    self.assertNotIn(one, data, os.path.join(folder, file))

    def test_garbage_where_tls_is_expected_is_told_by_nobody(self):
        self.make_namespaces()
        self.start_both()
        self.serve_tls(443)
        self.ask("198.51.100.2", 443, what="garbage")
        self.assertEqual(self.act(*self.inside("a", "curl", "-s", "--max-time", "5",
                                               "http://198.51.100.2:443/")).stdout, b"")
        self.assertTrue(wait_for(lambda: self.stats().get("tls_hellos_total{result=ignored}"), 5))
        flow = self.flow_of(self.flows_at_end(), 443)
        self.assertEqual(flow, {"remote_names": [], "tls_names": [], "tls_clients": []})
        self.keeps_no_payload()

    def test_a_client_on_the_list_alerts(self):
        self.make_namespaces()
        self.serve_tls(7005)
        with open(self.path("bad_clients.txt"), "w") as out:
            out.write("t00i000000_feedfacefeed_feedfacefeed\n")
        self.start_collector(self.port)
        self.agent = self.start_agent(
            "--collector", f"127.0.0.1:{self.port}", *self.tls("agent"), "--flow-afterglow", "1s",
            rules=[self.rule_file(RULES)], alone=False)
        first = self.ask("198.51.100.2", 7005, "c2.example.test", 0)
        with open(self.path("bad_clients.txt"), "a") as out:
            out.write(ja4(first["hello"]) + "\n")
        self.assertTrue(wait_for(
            lambda: self.ask("198.51.100.2", 7005, "c2.example.test", 0) and
            [a for a in self.alerts() if a["rule"] == "Known client"], 20, 0.5))
        output = next(a for a in self.alerts() if a["rule"] == "Known client")["output"]
        self.assertIn(f"sni=c2.example.test ja4={ja4(first['hello'])} peer=c2.example.test how=sni",
                      output)

    def test_answers_that_do_not_fit_a_datagram_come_over_tcp(self):
        self.make_namespaces()
        self.serve_names(*[f"--host-record=many.example.test,203.0.113.{i},300" for i in range(1, 120)])
        self.start_both()
        run("ip", "-n", self.spaces["a"], "route", "add", "203.0.113.0/24", "via", "198.51.100.2")
        run("ip", "-n", self.spaces["b"], "route", "add", "local", "203.0.113.0/24", "dev", "lo")
        look_up = ("import socket; found = socket.getaddrinfo('many.example.test', 9, "
                   "socket.AF_INET, socket.SOCK_STREAM); print(len(found)); "
                   "[socket.socket().connect_ex(one[4]) for one in found[:60]]")

        def ask():
            asked = self.act_with_names(sys.executable, "-c", look_up)
            return int(asked.stdout) if asked.returncode == 0 else None
        # 119 addresses take 1.9 KB, and a datagram of glibc's resolver 512 bytes.
        self.assertEqual(wait_for(ask, 20, 0.5), 119)
        flows = [f for f in self.flows_at_end("--remote", "203.0.113.0/24")
                 if f["direction"] == "out"]
        named = [f for f in flows if f["remote_names"] == ["many.example.test"]]
        self.assertEqual(len({f["remote_address"] for f in flows}), 60)
        self.assertEqual(len({f["remote_address"] for f in named}), 60)

    def test_many_connections_to_fifty_names_are_few_records_with_name_and_process(self):
        """VAKT_FLOW_CONNECTIONS: so many in all, as fast as two processes make them."""
        count, names = int(os.environ.get("VAKT_FLOW_CONNECTIONS", "10000")), 50
        self.make_namespaces()
        for i in range(names):
            run("ip", "-n", self.spaces["b"], "addr", "add", f"198.51.100.{100 + i}/24", "dev",
                f"vakt{os.getpid()}b")
        self.serve_names(*(f"--host-record=host{i}.many.test,198.51.100.{100 + i},300"
                           for i in range(names)))
        self.serve(sys.executable, PEER, "accept_all", "0.0.0.0", "8040")
        self.start_both()
        ready = ("connect_to_names", "many.test", "8040", str(names), "1")
        self.assertTrue(wait_for(lambda: self.act_with_names(sys.executable, PEER, *ready)
                                 .returncode == 0, 20, 0.5))
        mount = f"mount --bind {self.path('resolv.conf')} /etc/resolv.conf"
        askers = [subprocess.Popen(
            ["unshare", "--mount", "sh", "-c", f"{mount} && exec \"$@\"", "sh", *self.inside(
                "a", sys.executable, PEER, "connect_to_names", "many.test", "8040", str(names),
                str(count // 2))],
            stdout=subprocess.PIPE, text=True, preexec_fn=self.enter_cgroup) for _ in range(2)]
        done = [json.loads(asker.communicate(timeout=300)[0]) for asker in askers]
        pids = {asker["pid"] for asker in done}
        print(f"{count} connections in {max(asker['seconds'] for asker in done):.1f} s", file=sys.stderr)
        records = self.flows_at_end()
        self.assertLessEqual(len(records), 500)
        mine = [flow for flow in records if flow["direction"] == "out" and flow["remote_port"] == 8040]
        self.assertEqual(sum(int(flow["established"]) for flow in mine), 2 * (count // 2) + 1)
        self.assertLessEqual({flow["pid"] for flow in mine if int(flow["connections"]) > 1}, pids)
        self.assertEqual([flow for flow in records if not flow["executable"]], [])
        named = sum(int(flow["connections"]) for flow in mine
                    if any(name.endswith(".many.test") for name in flow["remote_names"]))
        print(f"{len(records)} records, {named} connections with a name", file=sys.stderr)
        self.assertGreaterEqual(named, 0.99 * count)


if __name__ == "__main__":
    unittest.main(verbosity=2)
