#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""From flow records in a collector's store to NetworkPolicies: `vaktctl flows policy` as its users call
it, its results checked against Kubernetes' schema; and `flows tail`, `flows egress` beside it."""

import datetime
import ipaddress
import json
import os
import pathlib
import subprocess
import tempfile
import unittest

import jsonschema
import yaml

import kubernetes_schemas
import vakt_testing as vt
from vakt.v1 import flow_pb2

VAKTCTL = vt.BIN_DIR / "vaktctl"
DAY = datetime.datetime(2026, 1, 31, 12, tzinfo=datetime.timezone.utc)
LABEL = "kubernetes.io/metadata.name"


def flow(pod, direction, remote, port, kind, after=0, protocol=6, names=(), **fields):
    """A record of `pod` (namespace, workload kind, workload, number, address), 10 s long."""
    name_space, workload_kind, workload, number, address = pod
    made = flow_pb2.Flow(protocol=protocol, connections=1, established=1, bytes_out=10, bytes_in=20,
                         **fields)
    made.direction = flow_pb2.Flow.Direction.Value(f"DIRECTION_{direction}")
    setattr(made, "class", flow_pb2.Flow.Class.Value(f"CLASS_{kind}"))
    made.begin.FromDatetime(DAY + datetime.timedelta(seconds=after))
    made.end.FromDatetime(DAY + datetime.timedelta(seconds=after + 10))
    made.executable = b"/usr/bin/" + workload.encode()
    of = made.container.pod
    of.name, of.namespace, of.uid = f"{workload}-{number}", name_space, f"{workload}-{number}"
    of.workload_kind, of.workload_name = workload_kind, workload
    of.labels["app"] = workload
    of.labels["pod-template-hash"] = f"hash{number}"
    of.addresses.append(address)
    made.container.id = f"{workload}{number}".ljust(64, "0")
    made.local.address = ipaddress.ip_address(address).packed
    made.remote.address = ipaddress.ip_address(remote).packed
    (made.remote if direction == "OUT" else made.local).port = port
    for name in names:
        made.names.add(name=name, source=flow_pb2.RemoteName.SOURCE_DNS)
    return made


WEB_1 = ("shop", "Deployment", "web", 1, "10.1.0.1")
WEB_2 = ("shop", "Deployment", "web", 2, "10.1.2.1")
DB = ("data", "StatefulSet", "db", 0, "10.1.1.1")
DNS = ("kube-system", "Deployment", "coredns", 1, "10.1.1.2")


class FlowPolicies(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        directory = tempfile.TemporaryDirectory(prefix="vakt-")
        self.addCleanup(directory.cleanup)
        self.directory = pathlib.Path(directory.name)
        vt.make_certificates(self.directory)
        self.collector = vt.Collector(self.directory, self.directory)
        self.addCleanup(self.collector.stop)
        self.agent = vt.Agent()

    def store(self, *flows):
        self.agent.send(self.collector, [self.agent.record(flow=one) for one in flows])

    def call(self, *words, check=True):
        env = {k: v for k, v in os.environ.items() if not k.startswith("VAKT_")}
        result = subprocess.run(
            [VAKTCTL, "flows", *words, "--collector", self.collector.address,
             "--tls-ca", self.directory / "ca.pem", "--tls-cert", self.directory / "analyst.pem",
             "--tls-key", self.directory / "analyst.key"],
            env=env, text=True, capture_output=True, timeout=vt.TIMEOUT_S, check=False)
        if check:
            self.assertEqual(result.returncode, 0, result.stderr)
        return result

    def policies(self, *words):
        """The policies by their names, each valid and the same as YAML and as JSON."""
        period = ("--since", "2026-01-01", "--until", "2026-02-28")
        text = self.call("policy", *period, *words).stdout
        found = [m for m in yaml.safe_load_all(text) if m is not None]
        as_json = json.loads(self.call("policy", *period, *words, "--format", "json").stdout)
        self.assertEqual((as_json["apiVersion"], as_json["kind"]), ("v1", "List"))
        for manifest in found + as_json["items"]:
            jsonschema.validate(manifest, kubernetes_schemas.schema_of(manifest),
                                cls=jsonschema.Draft7Validator)
        for manifest in as_json["items"]:
            self.assertIn("made-from", manifest["metadata"].pop("annotations"))
        self.assertEqual(found, as_json["items"])
        self.assertEqual(text, self.call("policy", *period, *words).stdout)
        return {m["metadata"]["name"]: m for m in found}, text

    def pods(self, name_space, app):
        return {"namespaceSelector": {"matchLabels": {LABEL: name_space}},
                "podSelector": {"matchLabels": {"app": app}}}

    def test_what_was_seen_becomes_policies(self):
        self.store(
            flow(WEB_1, "OUT", "10.1.1.1", 5432, "CLUSTER"),         # the peer is on another node
            flow(WEB_2, "OUT", "10.96.0.20", 6379, "CLUSTER"),       # a service
            flow(DB, "IN", "10.1.2.1", 6380, "CLUSTER"),             # ... is this
            flow(WEB_1, "OUT", "10.96.0.10", 53, "CLUSTER", protocol=17),
            flow(WEB_1, "OUT", "198.51.100.7", 443, "EXTERNAL", names=["api.example.com"]),
            flow(WEB_2, "OUT", "2001:db8::7", 443, "EXTERNAL"),
            flow(WEB_1, "OUT", "10.200.0.5", 25, "PRIVATE"),
            flow(WEB_1, "IN", "203.0.113.9", 8080, "EXTERNAL"),
            flow(DNS, "IN", "10.1.0.1", 53, "CLUSTER", protocol=17))
        found, text = self.policies()
        self.assertEqual(sorted(found), ["coredns-deployment", "db-statefulset", "web-deployment"])
        web = found["web-deployment"]
        self.assertEqual(web["metadata"]["namespace"], "shop")
        self.assertEqual(web["spec"]["podSelector"], {"matchLabels": {"app": "web"}})
        self.assertEqual(web["spec"]["policyTypes"], ["Ingress", "Egress"])
        self.assertEqual(web["spec"]["ingress"], [
            {"from": [{"ipBlock": {"cidr": "203.0.113.9/32"}}],
             "ports": [{"protocol": "TCP", "port": 8080}]}])
        ways = {(json.dumps(peer, sort_keys=True), port["protocol"], port["port"])
                for rule in web["spec"]["egress"] for peer in rule["to"] for port in rule["ports"]}
        kube_dns = {"namespaceSelector": {"matchLabels": {LABEL: "kube-system"}},
                    "podSelector": {"matchLabels": {"k8s-app": "kube-dns"}}}
        expected = [
            (self.pods("data", "db"), "TCP", 5432), (self.pods("data", "db"), "TCP", 6380),
            ({"ipBlock": {"cidr": "10.96.0.20/32"}}, "TCP", 6379),
            ({"ipBlock": {"cidr": "10.96.0.10/32"}}, "UDP", 53),
            (kube_dns, "TCP", 53), (kube_dns, "UDP", 53),
            (self.pods("kube-system", "coredns"), "UDP", 53),
            ({"ipBlock": {"cidr": "198.51.100.7/32"}}, "TCP", 443),
            ({"ipBlock": {"cidr": "2001:db8::7/128"}}, "TCP", 443),
            ({"ipBlock": {"cidr": "10.200.0.5/32"}}, "TCP", 25)]
        self.assertEqual(ways, {(json.dumps(peer, sort_keys=True), protocol, port)
                                for peer, protocol, port in expected})
        self.assertEqual(found["db-statefulset"]["spec"]["egress"], [])
        for part in ("A person must review it", "the 9 flow records", "# api.example.com",
                     "7 flow records of its 2 pods and 2 of its peers",
                     "10.96.0.10 53/udp, 10.96.0.20 6379/tcp", "all of it is denied"):
            self.assertIn(part, " ".join(line.lstrip("# ") if part[0] != "#" else line
                                         for line in text.splitlines()))

        wide = self.policies("--external-as", "any", "--workload", "web")[0]["web-deployment"]
        blocks = [peer["ipBlock"]["cidr"] for rule in wide["spec"]["egress"] for peer in rule["to"]
                  if "ipBlock" in peer]
        self.assertIn("0.0.0.0/0", blocks)
        self.assertNotIn("198.51.100.7/32", blocks)
        self.assertIn("10.200.0.5/32", blocks)
        self.assertIn("198.51.100.0/24", self.policies("--external-as", "cidr")[1])
        self.assertEqual(sorted(self.policies("--namespace", "data")[0]), ["db-statefulset"])

    def test_what_cannot_be_expressed_is_told(self):
        hosts = flow(("shop", "DaemonSet", "proxy", 1, "192.168.0.7"), "OUT", "10.1.0.1", 80,
                     "CLUSTER")
        hosts.container.pod.host_network = True
        folded = flow(WEB_1, "OUT", "10.1.0.3", 1, "EXTERNAL", folded_flows=500)
        folded.ClearField("remote")
        self.store(hosts, folded, flow(WEB_1, "IN", "192.168.0.7", 80, "PRIVATE"))
        found, text = self.policies()
        self.assertEqual(sorted(found), ["web-deployment"])
        self.assertEqual(found["web-deployment"]["spec"]["ingress"][0]["from"],
                         [{"ipBlock": {"cidr": "192.168.0.7/32"}}])
        self.assertIn("No policy can be made for it", text)
        self.assertIn("node's network", text)
        self.assertIn("1 stand for flows that found no room", text)

    def test_without_records_it_fails(self):
        result = self.call("policy", "--since", "2026-01-01", check=False)
        self.assertEqual((result.returncode, result.stdout), (1, ""))
        self.assertIn("none of the 0 flow records", result.stderr)

    def test_tail_follows_and_goes_on(self):
        self.store(flow(WEB_1, "OUT", "198.51.100.7", 443, "EXTERNAL", names=["api.example.com"]),
                   flow(WEB_1, "OUT", "10.1.1.1", 5432, "CLUSTER"))
        self.agent.send(self.collector, [self.agent.alert("no flow")])
        self.store(flow(WEB_2, "OUT", "198.51.100.8", 443, "EXTERNAL"))
        tail = ("tail", "--external", "--consumer", "siem", "--from-beginning", "--count", "1")
        first = json.loads(self.call(*tail, "--format", "json").stdout)
        self.assertEqual(first["remote_names"], ["api.example.com"])
        second = json.loads(self.call(*tail, "--format", "ocsf").stdout)
        self.assertEqual((second["class_uid"], second["dst_endpoint"]["ip"]), (4001, "198.51.100.8"))
        human = self.call("tail", "--from-beginning", "--count", "3", "--port", "443",
                          "--timeout", "2s", check=False)
        self.assertEqual(human.returncode, 1)  # there are two
        self.assertRegex(human.stdout.splitlines()[0],
                         r"^\S+Z  shop/web-1  web\[0\] out api.example.com 443/tcp external  "
                         r"1 connections, 10 B out, 20 B in$")

    def test_egress_tells_what_is_new_and_what_is_gone(self):
        self.store(flow(WEB_1, "OUT", "198.51.100.7", 443, "EXTERNAL"),
                   flow(WEB_1, "OUT", "198.51.100.8", 443, "EXTERNAL"),
                   flow(WEB_2, "OUT", "198.51.100.8", 443, "EXTERNAL", after=86400),
                   flow(WEB_2, "OUT", "198.51.100.9", 443, "EXTERNAL", after=86400))

        def remotes(*words):
            out = self.call("egress", "--since", "2026-01-01", "--format", "json", *words).stdout
            return [json.loads(line)["remote"] for line in out.splitlines()]
        self.assertEqual(remotes(), ["198.51.100.7", "198.51.100.8", "198.51.100.9"])
        self.assertEqual(remotes("--new-since", "2026-02-01"), ["198.51.100.9"])
        self.assertEqual(remotes("--gone-since", "2026-02-01"), ["198.51.100.7"])


if __name__ == "__main__":
    unittest.main(verbosity=2)
