#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Flow records against what the peers counted themselves: two network namespaces and the wire
between them, the agent, the collector, vaktctl."""

import json
import os
import subprocess
import sys
import unittest

from flow_world import PEER, RULE, WiredCase, run
from harness import stop, wait_for

class Flows(WiredCase):
    def total(self, flows, pid, direction):
        mine = [flow for flow in flows if flow["pid"] == pid and flow["direction"] == direction]
        return {key: sum(int(flow[key]) for flow in mine)
                for key in ("connections", "established", "bytes_out", "bytes_in", "packets_out",
                            "packets_in")}

    def counted_by_nft(self, end, proto):
        rules = json.loads(run(*self.inside(end, "nft", "-j", "list", "ruleset")))
        return {rule["rule"]["comment"]: expression["counter"]
                for rule in rules["nftables"] if "rule" in rule
                for expression in rule["rule"]["expr"] if "counter" in expression
                if rule["rule"].get("comment", "").startswith(proto)}

    def test_sums_are_those_of_the_peers(self):
        self.make_namespaces()
        for end in "ab":
            rules = "".join(f"add rule inet t {hook} udp {side} 5301 counter comment \"udp-{hook}\"\n"
                            for hook, side in (("input", "dport" if end == "b" else "sport"),
                                               ("output", "sport" if end == "b" else "dport")))
            subprocess.run(self.inside(end, "nft", "-f", "-"), check=True, text=True, input=(
                "add table inet t\n"
                "add chain inet t input { type filter hook input priority 0; }\n"
                "add chain inet t output { type filter hook output priority 0; }\n") + rules)
        self.start_both()
        cases = [("tcp", "198.51.100.2", 8001, 30), ("tcp", "2001:db8::2", 8002, 30),
                 ("udp", "198.51.100.2", 5301, 300), ("udp", "2001:db8::2", 5302, 300)]
        counted = [self.peers(f"{protocol}_serve", f"{protocol}_ask", address, port, count)
                   for protocol, address, port, count in cases]
        wires = {end: self.counted_by_nft(end, "udp") for end in "ab"}
        flows = self.flows_at_end()
        for (protocol, address, port, count), (served, asked) in zip(cases, counted):
            with self.subTest(protocol=protocol, address=address):
                out, into = (self.total(flows, asked["pid"], "out"),
                             self.total(flows, served["pid"], "in"))
                self.assertEqual((out["bytes_out"], out["bytes_in"]), (asked["sent"], asked["got"]))
                self.assertEqual((into["bytes_out"], into["bytes_in"]),
                                 (served["sent"], served["got"]))
                mine = [flow for flow in flows if flow["pid"] == asked["pid"]]
                self.assertEqual({(flow["remote_address"], flow["remote_port"], flow["local_port"])
                                  for flow in mine}, {(address, port, 0)})
                if protocol == "tcp":
                    for end in (out, into):
                        self.assertEqual((end["connections"], end["established"]), (count, count))
                else:
                    for end in (out, into):
                        self.assertEqual((end["packets_out"], end["packets_in"]), (count, count))
        # Headers of IPv4 and UDP are 28 bytes.
        served, asked = counted[2]
        for end, sent, got in (("a", asked["sent"], asked["got"]), ("b", served["sent"], served["got"])):
            self.assertEqual(wires[end]["udp-output"]["bytes"], sent + 300 * 28)
            self.assertEqual(wires[end]["udp-input"]["bytes"], got + 300 * 28)
            self.assertEqual(wires[end]["udp-input"]["packets"], 300)

    def sums_are_those_of(self, flows, served, asked):
        out, into = (self.total(flows, asked["pid"], "out"), self.total(flows, served["pid"], "in"))
        self.assertEqual((out["bytes_out"], out["bytes_in"]), (asked["sent"], asked["got"]))
        self.assertEqual((into["bytes_out"], into["bytes_in"]), (served["sent"], served["got"]))
        return out, into

    def test_data_in_the_first_segment_counts(self):
        self.make_namespaces()
        for end in "ab":
            run(*self.inside(end, "sysctl", "-qw", "net.ipv4.tcp_fastopen=3"))
        self.start_both()
        served, asked = self.peers("fast_serve", "fast_ask", "198.51.100.2", 8021, 20)
        statistics = run(*self.inside("b", "cat", "/proc/net/netstat")).split("\n")
        names, values = (line.split() for line in statistics if line.startswith("TcpExt:"))
        self.assertGreaterEqual(int(dict(zip(names, values))["TCPFastOpenPassive"]), 19)
        out, into = self.sums_are_those_of(self.flows_at_end(), served, asked)
        for end in (out, into):
            self.assertEqual((end["connections"], end["established"]), (20, 20))

    def test_mptcp_is_told_as_the_connections_that_carry_it(self):
        self.make_namespaces()
        for end, number in (("a", 1), ("b", 2)):
            if subprocess.run(self.inside(end, "sysctl", "-qw", "net.mptcp.enabled=1"),
                              capture_output=True).returncode:
                self.skipTest("this kernel has no MPTCP")
            run("ip", "-n", self.spaces[end], "mptcp", "limits", "set", "subflow", "4",
                "add_addr_accepted", "4")
            run("ip", "-n", self.spaces[end], "addr", "add", f"203.0.113.{number}/24", "dev",
                f"vakt{os.getpid()}{end}")
        self.start_both()
        one = self.peers("mptcp_serve", "mptcp_ask", "198.51.100.2", 8022, 10)
        # From here on second connections, between other addresses, carry part of the bytes.
        run("ip", "-n", self.spaces["a"], "mptcp", "endpoint", "add", "203.0.113.1", "subflow")
        run("ip", "-n", self.spaces["b"], "mptcp", "endpoint", "add", "203.0.113.2", "signal")
        two = self.peers("mptcp_serve", "mptcp_ask", "198.51.100.2", 8023, 10)
        flows = self.flows_at_end()
        for served, asked, paths in ((*one, 1), (*two, 2)):
            out, into = self.total(flows, asked["pid"], "out"), self.total(flows, served["pid"], "in")
            self.assertEqual(out["established"] > 10, paths == 2)
            self.assertGreaterEqual(into["established"], 10)
            # A byte counts each time that a connection carried it; MPTCP may send it again.
            for counted, said in ((out, asked), (into, served)):
                self.assertGreaterEqual(counted["bytes_out"], said["sent"])
                self.assertGreaterEqual(counted["bytes_in"], said["got"])
                self.assertLess(counted["bytes_out"], 2 * said["sent"])
                self.assertLess(counted["bytes_in"], 2 * said["got"])

    def test_many_connections_to_a_few_services_are_few_records(self):
        self.start_both(afterglow="60s")
        askers = [subprocess.Popen([sys.executable, PEER, "connect_all", "127.9.0.1", "9", "50", "40"],
                                   stdout=subprocess.PIPE, text=True, preexec_fn=self.enter_cgroup)
                  for _ in range(5)]
        done = sum(json.loads(asker.communicate(timeout=60)[0])["connections"] for asker in askers)
        self.assertEqual(done, 5 * 50 * 40)
        flows = self.flows_at_end("--remote", "127.9.0.0/24")
        self.assertEqual(sum(int(flow["connections"]) for flow in flows), done)
        self.assertEqual(sum(int(flow["refused"]) for flow in flows), done)
        self.assertLessEqual(len(flows), 500)
        for flow in flows:
            self.assertTrue(os.path.basename(flow["executable"]).startswith("python3"), flow)
            self.assertEqual((flow["class"], flow["remote_port"]), ("loopback", 9))

    def test_processes_that_live_for_milliseconds_are_told_with_their_program(self):
        self.start_both(afterglow="60s")
        self.act("bash", "-c", "i=0; while [ $i -lt 2000 ]; do (: </dev/tcp/127.9.7.$((i % 50))/9); "
                 "i=$((i+1)); done 2>/dev/null; exit 0")
        flows = self.flows_at_end("--remote", "127.9.7.0/24")
        self.assertEqual(sum(int(flow["connections"]) for flow in flows), 2000)
        self.assertEqual({os.path.basename(flow["executable"]) for flow in flows}, {"bash"})
        self.assertLessEqual(len(flows), 250)

    def test_a_scan_stays_within_its_bounds_and_is_told(self):
        count = int(os.environ.get("VAKT_SCAN", "40000"))
        without = self.start_agent("--flows", "off", state="without",
                                   rules=[self.rule_file(RULE)])
        map_bytes = self.stats("without")["bpf_map_bytes"]
        stop(without)
        self.start_both(afterglow="60s")  # longer than a slow machine needs
        before = self.stats()
        scanned = self.scan(count)
        wait_for(lambda: self.stats()["flows_folded_total"] > count // 2, 20, 0.2)
        after = self.stats()
        kernel, user = (after["bpf_map_bytes"] - map_bytes, after["rss_bytes"] - before["rss_bytes"])
        print(f"scan of {count}: tables of {kernel >> 10} KiB in the kernel, {user >> 10} KiB more in "
              "the agent", file=sys.stderr)
        self.assertEqual(after["bpf_map_bytes"], before["bpf_map_bytes"])
        self.assertLessEqual(kernel, 16 << 20)
        self.assertLess(user, 12 << 20)
        flows = [flow for flow in self.flows_at_end() if flow["pid"] == scanned["pid"]]
        self.assertEqual(sum(int(flow["connections"]) for flow in flows), count)
        folded = [flow for flow in flows if int(flow["folded_flows"])]
        self.assertGreater(sum(int(flow["folded_flows"]) for flow in folded), count - 2000)
        self.assertEqual({flow["remote_address"] for flow in folded}, {""})
        self.assertLessEqual(len(flows), 1100)

    def test_what_the_verbs_show(self):
        self.make_namespaces()
        self.start_both()
        _, asked = self.peers("tcp_serve", "tcp_ask", "198.51.100.2", 8003, 3)
        self.assertTrue(self.flows_at_end("--port", "8003"))
        pid = str(asked["pid"])
        human = self.vaktctl(self.port, "flows", "list", "--port", "8003", "--direction", "out").stdout
        self.assertRegex(human, rf"python3\S*\s+{pid}\s+out\s+198\.51\.100\.2\s+8003/tcp\s+external\s+3\s")
        top = self.vaktctl(self.port, "flows", "top", "--by", "remote", "--external", "--format", "json")
        rows = [json.loads(line) for line in top.stdout.splitlines()]
        row = next(row for row in rows if row["remote"] == "198.51.100.2 8003/tcp")
        self.assertEqual((int(row["connections"]), int(row["bytes_out"]), int(row["bytes_in"])),
                         (3, asked["sent"], asked["got"]))
        graph = self.vaktctl(self.port, "flows", "graph", "--port", "8003", "--direction", "out").stdout
        self.assertRegex(graph, r'"node \S+" -> "198\.51\.100\.2" \[label="8003/tcp\\n3, [^"]+", color=red\];')
        ocsf = json.loads(self.vaktctl(self.port, "flows", "list", "--port", "8003", "--direction",
                                       "out", "--format", "ocsf").stdout.splitlines()[0])
        self.assertEqual((ocsf["class_uid"], ocsf["type_uid"]), (4001, 400106))
        self.assertEqual(ocsf["dst_endpoint"], {"ip": "198.51.100.2", "port": 8003})
        self.assertEqual(ocsf["traffic"]["bytes_out"], asked["sent"])
        self.assertEqual(ocsf["actor"]["process"]["pid"], asked["pid"])
        self.assertEqual(self.vaktctl(self.port, "alerts", "query", "--gaps", "--format", "json")
                         .stdout.count('"flow"'), 0)
        egress = [json.loads(line) for line in self.vaktctl(
            self.port, "flows", "egress", "--format", "json").stdout.splitlines()]
        reach = next(row for row in egress if row["remote"] == "198.51.100.2")
        self.assertEqual((reach["service"], int(reach["connections"]), int(reach["bytes_out"])),
                         ("8003/tcp", 3, asked["sent"]))
        new = self.vaktctl(self.port, "flows", "egress", "--new-since", reach["last"]).stdout
        self.assertNotIn("198.51.100.2", new)
        self.assertIn("198.51.100.2", self.vaktctl(self.port, "flows", "egress", "--new-since",
                                                   reach["first"]).stdout)
        for wrong in (["--port", "x"], ["--class", "elsewhere"], ["--remote", "10.0.0.0/40"],
                      ["--container", "abc"]):
            out = self.vaktctl(self.port, "flows", "list", *wrong, check=False)
            self.assertNotEqual(out.returncode, 0, wrong)

    def test_remote_sides_have_the_names_that_were_asked_for(self):
        self.make_namespaces()
        self.serve_names("--cname=www.example.test,api.example.test",
                         "--host-record=api.example.test,198.51.100.2,300")
        self.start_both()
        self.serve(sys.executable, "-m", "http.server", "8005")

        def ask():
            asked = self.act_with_names(sys.executable, PEER, "ask_by_name", "WWW.example.test",
                                        "8005", "3")
            return json.loads(asked.stdout) if asked.returncode == 0 else None
        asked = wait_for(ask, 20, 0.5)
        self.assertIsNotNone(asked, "nothing was served")
        self.assertGreaterEqual(wait_for(lambda: self.stats().get('dns_answers_total{result=learned}'),
                                         5) or 0, 3)
        flows = [flow for flow in self.flows_at_end("--remote", "example.test")
                 if flow["pid"] == asked["pid"] and flow["remote_port"] == 8005]
        # The server may not have been there at the first attempt, which belongs to the same flow.
        self.assertEqual(sum(int(flow["established"]) for flow in flows), 3)
        for flow in flows:
            self.assertEqual(flow["remote_names"], ["www.example.test"])
            self.assertEqual(flow["remote_address"], "198.51.100.2")

    def test_flows_that_are_off_cost_nothing(self):
        self.start_both("--flows", "off")
        probes = self.status()["probes"]
        states = {probe["name"]: probe["state"] for probe in probes if probe["name"].startswith(
            ("network_state@", "network_sent@", "flow_"))}
        self.assertTrue(states)
        self.assertEqual(set(states.values()), {"not needed"})
        self.act("true")
        self.assertEqual(self.flows_at_end(), [])


if __name__ == "__main__":
    unittest.main(verbosity=2)
