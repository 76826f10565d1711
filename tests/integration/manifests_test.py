#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The chart and the plain manifests: rendered, checked against schemas and policies, and read by the
programs that they configure. No cluster is needed, and none is asked."""

import copy
import filecmp
import json
import os
import re
import subprocess
import tempfile
import unittest

import jsonschema
import yaml

import kubernetes_schemas
import manifest_policy

SOURCE = os.environ["VAKT_SOURCE_DIR"]
BINARY = os.environ["VAKT_BINARY_DIR"]
CHART = os.path.join(SOURCE, "daemonset/chart")
BASE = os.path.join(SOURCE, "daemonset/base")
RENDER = os.path.join(BINARY, "go/render")
GO = {**os.environ, "GO111MODULE": "off", "GOPATH": "/usr/share/gocode", "GOFLAGS": "",
      "GOCACHE": os.path.join(BINARY, "go/cache")}

# Settings of a release -> what it is for. All of them render, pass schemas and policies.
VARIANTS = {
    "default": [],
    "everything": ["monitoring.enabled=true", "policies.kyverno=true", "policies.gatekeeper=true",
                   "collector.tls.source=certManager", "collector.tokensSecretName=vakt-tokens",
                   "agent.tls.source=secret", "imagePullSecrets=[{name: registry}]",
                   "agent.rules={exceptions.yaml: '- list: a'}", "collector.config={store: {retention: 30d}}",
                   f"agent.image.digest=sha256:{'a' * 64}", "collector.tls.dnsNames=[alerts.example.org]",
                   "agent.podAnnotations={a: b}", "collector.persistence.storageClassName=fast",
                   "collector.kubernetesApi.enabled=true",
                   "agent.networkDatabases={hostPath: /var/lib/vakt/databases, countries: c.mmdb, systems: a.mmdb}"],
    "agents alone": ["collector.enabled=false", "agent.collectors=['alerts.example.org:7443']",
                     "networkPolicies.agentCollectors=[{ipBlock: {cidr: 192.0.2.1/32}}]",
                     "monitoring.enabled=true", "policies.gatekeeper=true"],
    "collector alone": ["agent.enabled=false", "monitoring.enabled=true",
                        "networkPolicies.collectorFrom=[{ipBlock: {cidr: 10.0.0.0/8}}]",
                        "networkPolicies.collectorEgress=[{to: [{ipBlock: {cidr: 192.0.2.2/32}}]}]"],
    "no network policies": ["networkPolicies.enabled=false"],
}


def setUpModule():
    os.makedirs(os.path.dirname(RENDER), exist_ok=True)
    subprocess.run(["go", "build", "-o", RENDER, "./daemonset/render"], cwd=SOURCE, env=GO, check=True)


def text_of(*settings, flags=()):
    command = [RENDER, *flags]
    for setting in settings:
        command += ["--set", setting]
    return subprocess.run([*command, CHART], check=True, capture_output=True, text=True).stdout


def manifests(*settings):
    return [m for m in yaml.safe_load_all(text_of(*settings)) if m is not None]


def the(kind, name, found):
    [one] = [m for m in found if m["kind"] == kind and m["metadata"]["name"] == name]
    return one


def pods(found):
    """kind -> the pods that it makes, with the volumes that are claimed for them."""
    made = {}
    for manifest in found:
        if manifest["kind"] in ("DaemonSet", "StatefulSet"):
            pod = made[manifest["kind"]] = copy.deepcopy(manifest["spec"]["template"]["spec"])
            for claim in manifest["spec"].get("volumeClaimTemplates", []):
                pod["volumes"].append({"name": claim["metadata"]["name"], "claim": {}})
    return made


def read(path):
    with open(os.path.join(SOURCE, path)) as file:
        return file.read()


class Chart(unittest.TestCase):
    def test_the_plain_manifests_are_the_rendered_chart(self):
        with tempfile.TemporaryDirectory() as fresh:
            subprocess.run([os.path.join(SOURCE, "scripts/render-manifests"), fresh], check=True,
                           env=GO, stdout=subprocess.DEVNULL)
            for folder in ("", "monitoring"):
                compared = filecmp.dircmp(os.path.join(BASE, folder), os.path.join(fresh, folder))
                self.assertEqual((compared.left_only, compared.right_only, compared.diff_files),
                                 ([], [], []), "run scripts/render-manifests")

    def test_kustomizations_list_their_manifests(self):
        for folder in ("", "monitoring"):
            path = os.path.join(BASE, folder)
            with open(os.path.join(path, "kustomization.yaml")) as file:
                listed = yaml.safe_load(file)["resources"]
            there = [n for n in os.listdir(path) if n.endswith(".yaml") and n != "kustomization.yaml"]
            self.assertEqual(sorted(listed), sorted(there))

    def test_every_variant_passes_the_schemas(self):
        for name, settings in VARIANTS.items():
            found = manifests(*settings)
            self.assertTrue(found)
            names = [(m["kind"], m["metadata"]["name"]) for m in found]
            self.assertEqual(len(names), len(set(names)), f"{name}: one object twice")
            for manifest in found:
                with self.subTest(variant=name, kind=manifest["kind"], name=manifest["metadata"]["name"]):
                    jsonschema.validate(manifest, kubernetes_schemas.schema_of(manifest),
                                        cls=jsonschema.Draft7Validator)

    def test_a_misspelt_field_is_refused(self):
        daemonset = the("DaemonSet", "vakt-agent", manifests())
        daemonset["spec"]["template"]["spec"]["hostPid"] = True
        with self.assertRaises(jsonschema.ValidationError):
            jsonschema.validate(daemonset, kubernetes_schemas.schema_of(daemonset))

    def test_values_have_a_schema_that_refuses_others(self):
        values = yaml.safe_load(read("daemonset/chart/values.yaml"))
        schema = json.loads(read("daemonset/chart/values.schema.json"))
        jsonschema.Draft7Validator.check_schema(schema)
        jsonschema.validate(values, schema)
        for path, value in ((["agent", "privileged"], True), (["agent", "seccomp"], "None"),
                            (["agent", "capabilities"], ["SYS_MODULE"]), (["cluster"], "a/b"),
                            (["agent", "collectors"], ["no-port"]), (["colector"], {})):
            wrong = copy.deepcopy(values)
            at = wrong
            for key in path[:-1]:
                at = at[key]
            at[path[-1]] = value
            with self.subTest(path=path), self.assertRaises(jsonschema.ValidationError):
                jsonschema.validate(wrong, schema)

        def compare(value, described, path):
            if "properties" not in described:
                return
            self.assertEqual(sorted(set(described["properties"]) - {"global", "maxSurge",
                             "maxUnavailable", "type", "localhostProfile"}),
                             sorted(set(value) - {"maxSurge", "maxUnavailable", "type"}), path)
            for key, below in value.items():
                if isinstance(below, dict):
                    compare(below, described["properties"][key], path + [key])
        compare(values, schema, [])

    def test_notes_tell_what_remains_to_be_done(self):
        notes = text_of(flags=["--notes"])
        self.assertIn("pod-security.kubernetes.io/enforce=privileged", notes)
        self.assertIn("scripts/node-certs", notes)
        self.assertNotIn("agent status", text_of("agent.enabled=false", flags=["--notes"]))

    def test_selectors_choose_what_they_mean(self):
        found = manifests(*VARIANTS["everything"])
        templates = {kind: m["spec"]["template"]["metadata"]["labels"] for m in found
                     if (kind := m["kind"]) in ("DaemonSet", "StatefulSet")}
        def chosen(selector):
            return sorted(kind for kind, labels in templates.items()
                          if selector.items() <= labels.items())
        for manifest in found:
            spec = manifest.get("spec", {})
            selector = {"Service": spec.get("selector"), "NetworkPolicy": spec.get("podSelector", {}).get("matchLabels"),
                        "DaemonSet": (spec.get("selector") or {}).get("matchLabels"),
                        "StatefulSet": (spec.get("selector") or {}).get("matchLabels")}.get(manifest["kind"])
            if selector:
                wanted = "DaemonSet" if "agent" in manifest["metadata"]["name"] else "StatefulSet"
                self.assertEqual(chosen(selector), [wanted], manifest["metadata"]["name"])
        services = {m["metadata"]["name"]: m["metadata"]["labels"] for m in found if m["kind"] == "Service"}
        for monitor in (m for m in found if m["kind"] == "ServiceMonitor"):
            wanted = monitor["spec"]["selector"]["matchLabels"]
            self.assertTrue(any(wanted.items() <= labels.items() for labels in services.values()))

    def test_ports_that_are_named_are_there(self):
        found = manifests(*VARIANTS["everything"])
        for kind, pod in pods(found).items():
            [container] = pod["containers"]
            ports = {port["name"]: port["containerPort"] for port in container["ports"]}
            for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
                probed = container[probe]
                if "grpc" in probed:
                    self.assertIn(probed["grpc"]["port"], ports.values())
                    self.assertIn(probed["grpc"]["service"], ("liveness", "readiness"))
                else:
                    self.assertIn(probed["httpGet"]["port"], ports)
            config = yaml.safe_load(next(iter(the("ConfigMap", "vakt-agent" if kind == "DaemonSet" else
                                                  "vakt-collector", found)["data"].values())))
            self.assertTrue(config["metrics"]["listen"].endswith(f":{ports['metrics']}"))


class Policies(unittest.TestCase):
    def test_no_variant_does_what_is_forbidden(self):
        for name, settings in VARIANTS.items():
            for kind, pod in pods(manifests(*settings)).items():
                check = manifest_policy.of_agent if kind == "DaemonSet" else manifest_policy.of_collector
                self.assertEqual(list(check(pod)), [], f"{name}: {kind}")

    def test_each_forbidden_thing_is_found(self):
        agent = pods(manifests())["DaemonSet"]
        def mutant(change):
            pod = copy.deepcopy(agent)
            change(pod, pod["containers"][0], pod["containers"][0]["securityContext"])
            return list(manifest_policy.of_agent(pod))
        def capability(pod, container, context):
            context["capabilities"]["add"].append("SYS_ADMIN")
        def mount(pod, container, context):
            next(m for m in container["volumeMounts"] if m["name"] == "cgroup")["readOnly"] = False
        changes = {
            "privileged": lambda p, c, s: s.update(privileged=True),
            "may gain privileges": lambda p, c, s: s.pop("allowPrivilegeEscalation"),
            "its root file system can be written": lambda p, c, s: s.update(readOnlyRootFilesystem=False),
            "does not drop all capabilities": lambda p, c, s: s["capabilities"].pop("drop"),
            "no limits of memory": lambda p, c, s: c["resources"].pop("limits"),
            "no livenessProbe": lambda p, c, s: c.pop("livenessProbe"),
            "no seccomp profile": lambda p, c, s: s.update(seccompProfile={"type": "Unconfined"}),
            "hostNetwork": lambda p, c, s: p.update(hostNetwork=True),
            "SYS_ADMIN": capability,
            "may write the node's /sys/fs/cgroup": mount,
            "the node's /etc": lambda p, c, s: p["volumes"][-1]["hostPath"].update(path="/etc"),
            "does not run on every node": lambda p, c, s: p.pop("tolerations"),
            "has a token for the Kubernetes API": lambda p, c, s: p.pop("automountServiceAccountToken"),
        }
        for wanted, change in changes.items():
            self.assertTrue(any(wanted in told for told in mutant(change)), (wanted, mutant(change)))

    def test_what_cleans_up_holds_to_the_same(self):
        cleanup = yaml.safe_load(read("daemonset/cleanup.yaml"))
        jsonschema.validate(cleanup, kubernetes_schemas.schema_of(cleanup))
        pod = cleanup["spec"]["template"]["spec"]
        found = list(manifest_policy.of_mounts(pod))
        for container in manifest_policy.containers(pod):
            found += manifest_policy.of_container(container, is_init=True)
        self.assertEqual(found, [])
        agent = pods(manifests())["DaemonSet"]
        def written(of_pod, names):
            return {v["name"]: v["hostPath"] for v in of_pod["volumes"] if v["name"] in names}
        self.assertEqual(written(pod, ("state", "seccomp", "pins")), written(agent, ("state", "seccomp", "pins")))

    def test_the_agents_budget(self):
        [container] = pods(manifests())["DaemonSet"]["containers"]
        self.assertEqual(container["resources"], {"requests": {"cpu": "50m", "memory": "64Mi"},
                                                  "limits": {"cpu": "200m", "memory": "192Mi"}})

    def test_networks_are_closed_but_for_what_is_named(self):
        found = manifests()
        for name in ("vakt-agent", "vakt-collector"):
            policy = the("NetworkPolicy", name, found)["spec"]
            self.assertEqual(policy["policyTypes"], ["Ingress", "Egress"])
            for rule in policy["ingress"]:
                self.assertTrue(rule["from"] and rule["ports"])
            for rule in policy["egress"]:
                self.assertTrue(rule["to"] and rule["ports"])

    def test_the_kubernetes_api_is_read_by_who_is_told_to_and_no_further(self):
        roles = ("Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding")
        self.assertEqual([m["kind"] for m in manifests() if m["kind"] in roles], [])
        found = manifests("collector.kubernetesApi.enabled=true")
        self.assertEqual([m["kind"] for m in found if m["kind"] in roles], ["ClusterRole", "ClusterRoleBinding"])
        rules = the("ClusterRole", "vakt-collector", found)["rules"]
        self.assertEqual({(group, resource): rule["verbs"] for rule in rules for group in rule["apiGroups"]
                          for resource in rule["resources"]},
                         {("", "pods"): ["list", "watch"], ("apps", "replicasets"): ["list", "watch"],
                          ("batch", "jobs"): ["list", "watch"]})
        binding = the("ClusterRoleBinding", "vakt-collector", found)
        self.assertEqual(binding["subjects"],
                         [{"kind": "ServiceAccount", "name": "vakt-collector", "namespace": "vakt"}])
        made = pods(found)
        self.assertFalse([v for v in made["DaemonSet"]["volumes"] if "projected" in v])
        [token] = [v for v in made["StatefulSet"]["volumes"] if "projected" in v]
        [mount] = [m for m in made["StatefulSet"]["containers"][0]["volumeMounts"] if m["name"] == token["name"]]
        self.assertTrue(mount["readOnly"])

    def test_exceptions_are_as_narrow_as_the_pod(self):
        for settings in ([], VARIANTS["everything"]):
            with self.subTest(settings=settings):
                self.exceptions_are_as_narrow_as_the_pod(
                    manifests(*settings, "policies.gatekeeper=true", "policies.kyverno=true"))

    def exceptions_are_as_narrow_as_the_pod(self, found):
        pod = pods(found)["DaemonSet"]
        allowed = {p["pathPrefix"]: p["readOnly"] for p in
                   the("K8sPSPHostFilesystem", "vakt-agent", found)["spec"]["parameters"]["allowedHostPaths"]}
        read_only = {v["hostPath"]["path"]: not manifest_policy.AGENT_HOST_PATHS[v["hostPath"]["path"]]
                     for v in pod["volumes"] if "hostPath" in v}
        self.assertEqual(allowed, read_only)
        capabilities = the("K8sPSPCapabilities", "vakt-agent", found)["spec"]["parameters"]
        self.assertEqual(capabilities["allowedCapabilities"],
                         pod["containers"][0]["securityContext"]["capabilities"]["add"])
        match = the("PolicyException", "vakt-agent", found)["spec"]["match"]["any"][0]["resources"]
        self.assertEqual(match["names"], ["vakt-agent", "vakt-agent-*"])


class Configuration(unittest.TestCase):
    """The programs read what the chart writes for them."""

    def effective(self, program, text):
        with tempfile.NamedTemporaryFile("w", suffix=".yaml") as config:
            config.write(text)
            config.flush()
            out = subprocess.run([os.path.join(BINARY, "bin", program), "--config", config.name,
                                  "--print-config"], capture_output=True, text=True)
        self.assertEqual(out.returncode, 0, out.stderr)
        return out.stdout

    def test_both_programs_take_their_files(self):
        for name, settings in VARIANTS.items():
            found = manifests(*settings)
            for program in ("agent", "collector"):
                for data in (m["data"] for m in found if m["metadata"]["name"] == f"vakt-{program}"
                             and m["kind"] == "ConfigMap"):
                    effective = self.effective(f"vakt-{program}", data[f"{program}.yaml"])
                    self.assertIn("/etc/vakt/tls/", effective, name)

    def test_a_setting_of_the_values_reaches_its_program(self):
        found = manifests("agent.config={sensor: {ring_bytes: 16MiB}}", "collector.config={store: {retention: 30d}}")
        agent = the("ConfigMap", "vakt-agent", found)["data"]["agent.yaml"]
        self.assertIn("16MiB", self.effective("vakt-agent", agent))
        found_with = manifests(*VARIANTS["everything"])
        effective = self.effective("vakt-agent", the("ConfigMap", "vakt-agent", found_with)["data"]["agent.yaml"])
        for name in ("c.mmdb", "a.mmdb"):
            self.assertIn(f"/etc/vakt/databases/{name}", effective)
        mounts = pods(found_with)["DaemonSet"]["containers"][0]["volumeMounts"]
        self.assertIn({"name": "databases", "mountPath": "/etc/vakt/databases", "readOnly": True}, mounts)
        collector = the("ConfigMap", "vakt-collector", found)["data"]["collector.yaml"]
        self.assertIn("30d", self.effective("vakt-collector", collector))


class Monitoring(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        reference = read("docs/reference/metrics.md")
        agent, collector = reference.split("## vakt-collector")
        cls.metrics = {job: {f"vakt_{name}" for name in re.findall(r"^\| `(\w+)` \|", text, re.M)}
                       for job, text in (("vakt-agent", agent), ("vakt-collector", collector))}
        cls.found = manifests("monitoring.enabled=true", "cluster=prod")

    def check(self, expression):
        """It asks for metrics of the program that its job names."""
        for metric, selector in re.findall(r"\b(vakt_\w+)\{([^}]*)\}", expression):
            [job] = re.findall(r'job="([\w-]+)"', selector)
            self.assertIn(metric, self.metrics[job], expression)
        self.assertNotRegex(expression, r"\bvakt_\w+(?![\w{])", "a metric of any job")

    def test_alerts_ask_for_metrics_that_there_are(self):
        rules = the("PrometheusRule", "vakt", self.found)["spec"]["groups"][0]["rules"]
        self.assertGreater(len(rules), 10)
        for rule in rules:
            self.check(rule["expr"])
            self.assertEqual(rule["labels"]["cluster"], "prod")

    def test_each_alert_has_its_runbook(self):
        headings = {h.strip().lower() for h in re.findall(r"^### (.*)$", read("docs/runbooks.md"), re.M)}
        rules = the("PrometheusRule", "vakt", self.found)["spec"]["groups"][0]["rules"]
        for rule in rules:
            self.assertEqual(rule["annotations"]["runbook_url"], f"docs/runbooks.md#{rule['alert'].lower()}")
        self.assertEqual(headings, {rule["alert"].lower() for rule in rules})

    def test_the_dashboard_is_of_clusters_and_of_metrics_that_there_are(self):
        config = the("ConfigMap", "vakt-dashboard", self.found)
        dashboard = json.loads(config["data"]["vakt.json"])
        self.assertIn("cluster", [v["name"] for v in dashboard["templating"]["list"]])
        ids = [panel["id"] for panel in dashboard["panels"]]
        self.assertEqual(len(ids), len(set(ids)))
        for panel in dashboard["panels"]:
            for target in panel["targets"]:
                self.check(target["expr"])
                self.assertIn('cluster=~"$cluster"', target["expr"])


if __name__ == "__main__":
    unittest.main()
