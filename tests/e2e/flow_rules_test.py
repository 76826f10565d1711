#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Rules over flows and names, with real peers in network namespaces: the alert arrives at the
collector with the right process, and the flow as its evidence."""

import json
import os
import signal
import sys
import time
import unittest

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import network_database
from flow_world import PEER, WiredCase
from harness import SOURCE, wait_for

# The shipped thresholds are hours and gigabytes; these are what a test can wait for.
RULES = """
- list: bad_domains
  items_file: bad_domains.txt
- list: bad_addresses
  items_file: bad_addresses.txt

- rule: Indicator
  desc: test
  condition: >
    evt.type = flow and flow.state = begin
    and (flow.name in (bad_domains) or flow.rnet in (bad_addresses))
  output: "peer=%flow.peer port=%flow.rport by=%proc.exepath"
  priority: CRITICAL
- rule: Look-up
  desc: test
  condition: evt.type = dns and dns.name in (bad_domains)
  output: "name=%dns.name type=%dns.type addresses=%dns.address server=%dns.server"
  priority: WARNING
- rule: Scan
  desc: test
  condition: >
    evt.type = flow and flow.direction = out and flow.reach.unanswered >= 50
    and (flow.reach.port_addresses >= 50 or flow.reach.folded >= 1000)
  output: "addresses=%flow.reach.addresses folded=%flow.reach.folded unanswered=%flow.reach.unanswered"
  priority: WARNING
  throttle: {alerts: 1, per: 1h, by: [proc.exepath]}
- rule: Beacon
  desc: test
  condition: evt.type = flow and flow.rport = 8011 and flow.rhythm.contacts >= 6 and flow.rhythm.jitter <= 20
  output: "period=%flow.rhythm.period jitter=%flow.rhythm.jitter"
  priority: NOTICE
- rule: Transfer
  desc: test
  condition: evt.type = flow and flow.direction = out and flow.day.bytes_out >= 10000000 and flow.rport = 8012
  output: "sent=%flow.day.bytes_out"
  priority: WARNING
- rule: First contact
  desc: test
  condition: evt.type = flow and flow.state = begin and flow.direction = out and flow.first_external = true
  output: "peer=%flow.peer port=%flow.rport"
  priority: NOTICE
- rule: Apart
  desc: test
  condition: evt.type = flow and flow.state = begin and flow.direction = out and flow.apart = true
  output: "from=%flow.segment to=%flow.remote.segment port=%flow.rport."
  priority: NOTICE
- rule: Abroad
  desc: test
  condition: >
    evt.type = flow and flow.state = begin and flow.direction = out
    and flow.remote.country in (SE, FI) and flow.remote.asn = 64500
  output: "country=%flow.remote.country system=%flow.remote.asn port=%flow.rport."
  priority: NOTICE
- rule: Listener
  desc: test
  condition: >
    evt.type = flow and flow.state = begin and flow.direction = listen
    and flow.first_peer = true and flow.workload.age >= 3000000000
  output: "port=%flow.lport protocol=%flow.proto"
  priority: NOTICE
"""
# These are as shipped.
SHIPPED = [os.path.join(SOURCE, "rules", path) for path in (
    "exfiltration/dns_tunnel.yaml", "lateral_movement/segments_apart.yaml")]
TUNNEL = "Many name look-ups that look like data"
APART = "Connection between segments that are to be apart"

# Asks for names that carry data, one after the other.
ASK_NAMES = """
import socket, sys
for i in range(int(sys.argv[1])):
    label = "0a1b2c3d4e5f6g7h8i9jakblcmdneofp%04x" % (i * 2654435761 % 65536)
    socket.getaddrinfo(label + ".q1w2e3r4t5z6u7i8o9p0asdfghjkl." + sys.argv[2], 80, socket.AF_INET)
"""
LISTEN = """
import socket, sys, time
listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
time.sleep(3)
"""
SEGMENTS = """
segments:
  - {name: office, blocks: [198.51.100.1/32]}
  - {name: payments, blocks: [198.51.100.2/32]}
"""


class FlowRules(WiredCase):
    def start_both(self, *flags, afterglow="1s", interval="2s"):
        with open(self.path("bad_domains.txt"), "w") as out:
            out.write("# test\nbad.test\nno name at all\n")
        with open(self.path("bad_addresses.txt"), "w") as out:
            out.write("203.0.113.0/24\n")
        self.start_collector(self.port)
        self.run_agent(*flags, "--flow-interval", interval, "--flow-afterglow", afterglow)

    def run_agent(self, *flags):
        self.agent = self.start_agent(
            "--collector", f"127.0.0.1:{self.port}", *self.tls("agent"), "--heartbeat", "500ms",
            "--node-name", os.uname().nodename, "--rule-matching", "all", *flags,
            rules=[self.rule_file(RULES), *SHIPPED], alone=False)

    def stored(self, rule):
        out = self.vaktctl(self.port, "alerts", "query", "--format", "json", "--rule", rule)
        uids = [json.loads(line)["uid"] for line in out.stdout.splitlines()]
        return [json.loads(self.vaktctl(self.port, "alerts", "get", uid, "--format", "json").stdout)
                for uid in uids]

    def wait_stored(self, rule, seconds=15):
        alerts = wait_for(lambda: self.stored(rule), seconds, 0.1)
        self.assertTrue(alerts, f"no alert of {rule}")
        return alerts

    def test_a_first_contact_alerts_at_once_and_once_in_all_runs(self):
        self.make_namespaces()
        self.start_both()
        self.serve(sys.executable, "-m", "http.server", "8010")
        ask = self.inside("a", sys.executable, PEER, "ask_by_name", "198.51.100.2", "8010", "1")
        asked = wait_for(lambda: (out := self.act(*ask, text=True)).returncode == 0 and out, 10, 0.3)
        begun = time.monotonic()
        pid = json.loads(asked.stdout)["pid"]
        alert = self.wait_stored("First contact")[0]
        self.assertLess(time.monotonic() - begun, 4)
        print("first contact to the analyst:", time.monotonic() - begun, "s", file=sys.stderr)
        flow = alert["flow"]
        self.assertEqual(flow["class"], "external")
        self.assertEqual(int(flow["remote"]["port"]), 8010)
        self.assertEqual(flow["direction"], "out")
        self.assertTrue(alert["event"]["network_flow"]["memory"]["new_external"])
        self.assertNotIn("flow", alert["event"]["network_flow"])
        # A kill, later than what is learnt is written, makes nothing be forgotten.
        self.assertTrue(wait_for(lambda: os.path.exists(self.path("state/workloads")), 15, 0.2))
        time.sleep(0.5)
        self.agent.send_signal(signal.SIGKILL)
        self.agent.wait()
        before = len(self.stored("First contact"))
        self.run_agent("--flow-afterglow", "1s")
        self.assertEqual(self.act(*ask).returncode, 0)
        time.sleep(4)
        self.assertEqual(len(self.stored("First contact")), before)
        self.assertGreater(pid, 0)

    def test_an_indicator_by_name_by_address_and_after_a_change_of_its_file(self):
        self.make_namespaces()
        self.serve_names("--host-record=c2.bad.test,198.51.100.2,300",
                         "--host-record=late.test,198.51.100.2,300")
        self.serve(sys.executable, "-m", "http.server", "8013")
        self.start_both()

        def ask(name):
            asked = self.act_with_names(sys.executable, PEER, "ask_by_name", name, "8013", "1")
            return json.loads(asked.stdout)["pid"] if asked.returncode == 0 else None
        pid = wait_for(lambda: ask("C2.bad.test"), 20, 0.5)
        self.assertTrue(pid)
        # The name server has the same address, and so the same name.
        alerts = wait_for(lambda: [a for a in self.stored("Indicator")
                                   if "peer=c2.bad.test port=8013" in a["output"]], 15, 0.1)
        self.assertTrue(alerts)
        alert = alerts[0]
        self.assertIn("python3", alert["output"])
        self.assertEqual([name["name"] for name in alert["flow"]["names"]], ["c2.bad.test"])
        self.assertTrue(wait_for(lambda: [a for a in self.stored("Look-up")  # beside one for IPv6
                                          if "addresses=198.51.100.2" in a["output"]], 15, 0.1))
        self.assertFalse([a for a in self.stored("Look-up") if "late" in a["output"]])
        with open(self.path("bad_domains.txt"), "a") as out:
            out.write("late.test\n")
        self.assertTrue(wait_for(lambda: "1 lines left out" in self.log_text("vakt-agent")
                                 and ask("late.test") and
                                 [a for a in self.stored("Look-up") if "late" in a["output"]], 20, 0.5))

    def test_a_scan_is_one_alert(self):
        self.start_both()
        scanned = self.scan(int(os.environ.get("VAKT_SCAN", "40000")))
        alerts = self.wait_stored("Scan")
        self.assertEqual(len(alerts), 1)
        self.assertEqual(int(alerts[0]["event"]["task"]["pid"]), scanned["pid"])
        self.assertRegex(alerts[0]["output"], r"addresses=\d\d+ ")
        self.assertLess(self.stats()["rss_bytes"], 128 << 20)

    def test_a_beacon_is_known_by_its_rhythm(self):
        self.make_namespaces()
        self.start_both()
        self.serve(sys.executable, "-m", "http.server", "8011")
        for _ in range(9):
            self.act(*self.inside("a", sys.executable, PEER, "ask_by_name", "198.51.100.2", "8011", "1"))
            time.sleep(2)
        alert = self.wait_stored("Beacon")[0]
        self.assertEqual(int(alert["flow"]["remote"]["port"]), 8011)
        period = int(alert["event"]["network_flow"]["rhythm"]["period_ns"])
        self.assertTrue(1.9e9 < period < 3.5e9, period)

    def write_segments(self, text):
        with open(self.path("segments.new"), "w") as out:
            out.write(text)
        os.rename(self.path("segments.new"), self.path("segments.yaml"))

    def wait_logged(self, text):
        self.assertTrue(wait_for(lambda: text in self.log_text("vakt-agent"), 15, 0.2),
                        self.log_text("vakt-agent"))

    def test_segments_that_are_apart_also_after_their_file_changed(self):
        self.make_namespaces()
        self.write_segments(SEGMENTS)
        self.start_both("--segments", self.path("segments.yaml"))
        for port in ("8014", "8015", "8016"):
            self.serve(sys.executable, "-m", "http.server", port)

        def meet(port):
            ask = self.inside("a", sys.executable, PEER, "ask_by_name", "198.51.100.2", port, "1")
            self.assertTrue(wait_for(lambda: self.act(*ask).returncode == 0, 10, 0.3))

        def apart(port):
            return [alert for alert in self.stored("Apart") if f"port={port}." in alert["output"]]
        meet("8014")
        time.sleep(4)
        self.assertEqual(apart("8014"), [])
        self.write_segments(SEGMENTS + "apart: [[office, payments]]\n")
        self.wait_logged("was read anew")
        time.sleep(2)  # the pipeline takes it within a second
        meet("8015")
        alerts = wait_for(lambda: apart("8015"), 15, 0.2)
        self.assertTrue(alerts, self.vaktctl(self.port, "flows", "list").stdout)
        self.assertIn("from=office to=payments", alerts[0]["output"])
        # Once for both sides, whichever was told first.
        self.assertRegex(self.wait_stored(APART)[0]["output"],
                         "from=office to=payments direction=out|from=payments to=office direction=in")
        self.assertEqual(int(alerts[0]["flow"]["remote"]["port"]), 8015)
        # A bad file changes nothing, and is told; SIGHUP asks at once.
        self.write_segments("segments: [{name: office, colour: red}]\n")
        self.agent.send_signal(signal.SIGHUP)
        self.wait_logged("held before stays in force")
        self.assertGreaterEqual(self.stats()["flow_files_refused_total"], 1)
        meet("8016")
        self.assertTrue(wait_for(lambda: apart("8016"), 15, 0.2))

    def test_countries_and_systems_by_the_operators_databases(self):
        self.make_namespaces()
        countries, systems = self.path("countries.mmdb"), self.path("systems.mmdb")

        def write(path, database):
            with open(path + ".new", "wb") as out:
                out.write(database)
            os.rename(path + ".new", path)
        write(countries, network_database.countries({"198.51.100.0/24": "SE"}))
        write(systems, network_database.systems({"198.51.100.0/24": 64500}))
        self.start_both("--country-database", countries, "--asn-database", systems)

        def meet(port):
            self.serve(sys.executable, "-m", "http.server", port)
            ask = self.inside("a", sys.executable, PEER, "ask_by_name", "198.51.100.2", port, "1")
            self.assertTrue(wait_for(lambda: self.act(*ask).returncode == 0, 10, 0.3))
            alerts = wait_for(lambda: [alert for alert in self.stored("Abroad")
                                       if f"port={port}." in alert["output"]], 15, 0.2)
            self.assertTrue(alerts, self.vaktctl(self.port, "flows", "list").stdout)
            return alerts[0]
        alert = meet("8031")
        self.assertIn("country=SE system=64500", alert["output"])
        self.assertEqual((alert["flow"]["country"], alert["flow"]["as_number"]), ("SE", 64500))
        write(countries, network_database.countries({"198.51.100.0/24": "FI"}))
        self.wait_logged("countries.mmdb was read anew")
        time.sleep(2)  # the pipeline takes it within a second
        self.assertIn("country=FI system=64500", meet("8032")["output"])
        # What was cut short, or is none, changes nothing and is told.
        write(countries, network_database.countries({"198.51.100.0/24": "DE"})[:100])
        self.wait_logged("countries.mmdb held before stays in force: ")
        write(systems, network_database.countries({"198.51.100.0/24": "DE"}))
        self.wait_logged("systems.mmdb held before stays in force: ")
        self.assertGreaterEqual(self.stats()["flow_files_refused_total"], 2)
        self.assertIn("country=FI system=64500", meet("8033")["output"])
        flows = self.flows_at_end("--port", "8033", "--direction", "out")
        self.assertEqual({(flow["country"], flow["as_number"]) for flow in flows}, {("FI", 64500)})
        human = self.vaktctl(self.port, "flows", "list", "--port", "8033").stdout
        self.assertRegex(human, r"8033/tcp +external FI AS64500 ")
        ocsf = json.loads(self.vaktctl(self.port, "flows", "list", "--port", "8033", "--direction",
                                       "out", "--format", "ocsf").stdout.splitlines()[0])
        self.assertEqual(ocsf["dst_endpoint"], {
            "ip": "198.51.100.2", "port": 8033, "location": {"country": "FI"},
            "autonomous_system": {"number": 64500}})
        top = self.vaktctl(self.port, "flows", "top", "--by", "country", "--external").stdout
        self.assertRegex(top, r"(?m)^SE +[1-9]")

    def test_a_listener_at_a_port_that_the_program_never_had(self):
        self.start_both()
        self.act(sys.executable, "-c", LISTEN, "8020")
        time.sleep(2)
        self.act(sys.executable, "-c", LISTEN, "8021")
        self.act(sys.executable, "-c", LISTEN, "8020")
        alert = self.wait_stored("Listener")[0]
        self.assertIn("port=8021 protocol=tcp", alert["output"])
        self.assertEqual(alert["flow"]["direction"], "listen")
        time.sleep(3)
        self.assertEqual(len(self.stored("Listener")), 1)

    def test_names_that_carry_data(self):
        self.make_namespaces()
        self.serve_names("--address=/example.test/198.51.100.2")
        self.start_both()

        def ask(count, domain):
            return self.act_with_names(sys.executable, "-c", ASK_NAMES, str(count), domain)
        self.assertTrue(wait_for(lambda: ask(1, "up.example.test").returncode == 0, 20, 0.5))
        self.assertEqual(ask(10, "few.example.test").returncode, 0)
        self.assertEqual(ask(30, "t.example.test").returncode, 0)
        alert = self.wait_stored(TUNNEL)[0]
        self.assertIn("domain=example.test", alert["output"])
        self.assertIn("python3", alert["output"])
        self.assertEqual(len(self.stored(TUNNEL)), 1)

    def test_a_large_transfer(self):
        self.make_namespaces()
        self.start_both()
        served, asked = self.peers("tcp_serve", "tcp_ask", "198.51.100.2", 8012, 150)
        self.assertGreater(asked["sent"], 10_000_000)
        alert = self.wait_stored("Transfer")[0]
        self.assertEqual(int(alert["event"]["task"]["pid"]), asked["pid"])
        self.assertGreaterEqual(int(alert["event"]["network_flow"]["day_bytes_out"]), 10_000_000)
        self.assertGreater(served["got"], 0)


if __name__ == "__main__":
    unittest.main(verbosity=2)
