# SPDX-License-Identifier: Apache-2.0
"""JSON schemas of the Kubernetes objects that the chart makes: the fields that it may use, by the
API's reference (Kubernetes 1.30, cert-manager v1, Prometheus operator v1, Kyverno v2, Gatekeeper
v1beta1). Strict: a field that is not here is refused, so that a misspelt one does not pass for one
that works. To use another field, add it."""


def obj(required=(), **fields):
    names = {name.removesuffix("_"): schema for name, schema in fields.items()}
    return {"type": "object", "additionalProperties": False, "properties": names,
            "required": list(required)}


def list_of(items, least=0):
    return {"type": "array", "items": items, "minItems": least}


def one_of(*values):
    return {"enum": list(values)}


def pattern(text):
    return {"type": "string", "pattern": text}


TEXT = {"type": "string"}
FLAG = {"type": "boolean"}
COUNT = {"type": "integer", "minimum": 0}
NAME = pattern(r"^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$")        # a DNS label
DNS_NAME = pattern(r"^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$")
LABEL_VALUE = pattern(r"^([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$")
LABELS = {"type": "object", "additionalProperties": LABEL_VALUE}
ANNOTATIONS = {"type": "object", "additionalProperties": TEXT}
QUANTITY = pattern(r"^[0-9]+(\.[0-9]+)?(m|k|M|G|T|Ki|Mi|Gi|Ti)?$")
PATH = pattern(r"^/[^\s:]*$")
PORT_NUMBER = {"type": "integer", "minimum": 1, "maximum": 65535}
PORT_NAME = pattern(r"^[a-z0-9]([-a-z0-9]{0,13}[a-z0-9])?$")
PORT = {"anyOf": [PORT_NUMBER, PORT_NAME]}
DURATION = pattern(r"^([0-9]+(h|m|s|ms))+$")
COUNT_OR_PERCENT = {"anyOf": [COUNT, pattern(r"^[0-9]{1,3}%$")]}

METADATA = obj(("name",), name=DNS_NAME, namespace=NAME, labels=LABELS, annotations=ANNOTATIONS)
SELECTOR = obj(("matchLabels",), matchLabels=LABELS)
RESOURCES = obj(requests={"type": "object", "additionalProperties": QUANTITY},
                limits={"type": "object", "additionalProperties": QUANTITY})
SECCOMP = obj(("type",), type=one_of("RuntimeDefault", "Localhost", "Unconfined"),
              localhostProfile=pattern(r"^[^/].*"))
APP_ARMOR = obj(("type",), type=one_of("RuntimeDefault", "Localhost", "Unconfined"),
                localhostProfile=TEXT)
SECURITY_CONTEXT = obj(
    privileged=FLAG, allowPrivilegeEscalation=FLAG, readOnlyRootFilesystem=FLAG, runAsNonRoot=FLAG,
    runAsUser=COUNT, runAsGroup=COUNT, seccompProfile=SECCOMP, appArmorProfile=APP_ARMOR,
    capabilities=obj(add=list_of(pattern("^[A-Z_]+$")), drop=list_of(pattern("^[A-Z_]+$"))))
POD_SECURITY_CONTEXT = obj(
    runAsNonRoot=FLAG, runAsUser=COUNT, runAsGroup=COUNT, fsGroup=COUNT,
    fsGroupChangePolicy=one_of("OnRootMismatch", "Always"), seccompProfile=SECCOMP,
    appArmorProfile=APP_ARMOR)
PROBE = obj(grpc=obj(("port",), port=PORT_NUMBER, service=TEXT),
            httpGet=obj(("path", "port"), path=PATH, port=PORT),
            initialDelaySeconds=COUNT, periodSeconds=COUNT, timeoutSeconds=COUNT,
            failureThreshold=COUNT, successThreshold=COUNT)
CONTAINER = obj(
    ("name", "image"), name=NAME, image=pattern(r"^[^\s]+(:[^\s:/]+|@sha256:[0-9a-f]{64})$"),
    imagePullPolicy=one_of("Always", "IfNotPresent", "Never"), command=list_of(TEXT, 1),
    args=list_of(TEXT),
    env=list_of(obj(("name",), name=pattern("^[A-Za-z_][A-Za-z0-9_]*$"), value=TEXT,
                    valueFrom=obj(fieldRef=obj(("fieldPath",), fieldPath=TEXT)))),
    securityContext=SECURITY_CONTEXT, resources=RESOURCES,
    ports=list_of(obj(("containerPort",), name=PORT_NAME, containerPort=PORT_NUMBER,
                      protocol=one_of("TCP", "UDP"))),
    startupProbe=PROBE, livenessProbe=PROBE, readinessProbe=PROBE,
    volumeMounts=list_of(obj(("name", "mountPath"), name=NAME, mountPath=PATH, subPath=TEXT,
                             readOnly=FLAG, mountPropagation=one_of("None", "HostToContainer"))))
VOLUME = obj(
    ("name",), name=NAME, configMap=obj(("name",), name=DNS_NAME),
    secret=obj(("secretName",), secretName=DNS_NAME, defaultMode=COUNT),
    projected=obj(("sources",), defaultMode=COUNT, sources=list_of(obj(
        serviceAccountToken=obj(("path",), path=TEXT, expirationSeconds=COUNT),
        configMap=obj(("name",), name=DNS_NAME,
                      items=list_of(obj(("key", "path"), key=TEXT, path=TEXT)))), 1)),
    hostPath=obj(("path", "type"), path=PATH,
                 type=one_of("Directory", "DirectoryOrCreate", "File", "Socket")))
TOLERATION = obj(key=TEXT, operator=one_of("Exists", "Equal"), value=TEXT, effect=TEXT)
POD_SPEC = obj(
    ("containers",), serviceAccountName=DNS_NAME, automountServiceAccountToken=FLAG,
    enableServiceLinks=FLAG, hostPID=FLAG, hostNetwork=FLAG, hostIPC=FLAG, priorityClassName=DNS_NAME,
    terminationGracePeriodSeconds=COUNT, nodeSelector=LABELS, affinity={"type": "object"},
    tolerations=list_of(TOLERATION), securityContext=POD_SECURITY_CONTEXT,
    imagePullSecrets=list_of(obj(("name",), name=DNS_NAME)),
    initContainers=list_of(CONTAINER), containers=list_of(CONTAINER, 1), volumes=list_of(VOLUME))
POD_TEMPLATE = obj(("metadata", "spec"), metadata=obj(labels=LABELS, annotations=ANNOTATIONS),
                   spec=POD_SPEC)
LABEL_SELECTOR = obj(matchLabels=LABELS, matchExpressions={"type": "array"})
PEER = obj(podSelector=LABEL_SELECTOR, namespaceSelector=LABEL_SELECTOR,
           ipBlock=obj(("cidr",), cidr=TEXT, except_=list_of(TEXT)))
POLICY_PORTS = list_of(obj(port=PORT, protocol=one_of("TCP", "UDP")))


def constraint(**parameters):
    return obj(("match",), match=obj(("kinds", "namespaces"),
                                     kinds=list_of(obj(apiGroups=list_of(TEXT), kinds=list_of(TEXT))),
                                     namespaces=list_of(NAME, 1)),
               **({"parameters": obj(**parameters)} if parameters else {}))


# apiVersion and kind -> the fields beside those and metadata.
KINDS = {
    ("v1", "ConfigMap"): {"data": {"type": "object", "additionalProperties": TEXT,
                                   "propertyNames": {"pattern": r"^[-._a-zA-Z0-9]+$"}}},
    ("rbac.authorization.k8s.io/v1", "ClusterRole"): {"rules": list_of(obj(
        ("apiGroups", "resources", "verbs"), apiGroups=list_of(TEXT, 1), resources=list_of(NAME, 1),
        verbs=list_of(one_of("get", "list", "watch"), 1)), 1)},
    ("rbac.authorization.k8s.io/v1", "ClusterRoleBinding"): {
        "roleRef": obj(("apiGroup", "kind", "name"), apiGroup=one_of("rbac.authorization.k8s.io"),
                       kind=one_of("ClusterRole"), name=DNS_NAME),
        "subjects": list_of(obj(("kind", "name", "namespace"), kind=one_of("ServiceAccount"),
                                name=DNS_NAME, namespace=NAME), 1)},
    ("v1", "ServiceAccount"): {"automountServiceAccountToken": FLAG},
    ("v1", "Service"): {"spec": obj(
        ("selector", "ports"), type=one_of("ClusterIP", "LoadBalancer", "NodePort"), clusterIP=TEXT,
        publishNotReadyAddresses=FLAG, selector=LABELS,
        ports=list_of(obj(("port",), name=PORT_NAME, port=PORT_NUMBER, targetPort=PORT,
                          protocol=one_of("TCP", "UDP")), 1))},
    ("apps/v1", "DaemonSet"): {"spec": obj(
        ("selector", "template"), selector=SELECTOR, template=POD_TEMPLATE, minReadySeconds=COUNT,
        updateStrategy=obj(("type",), type=one_of("RollingUpdate", "OnDelete"),
                           rollingUpdate=obj(maxUnavailable=COUNT_OR_PERCENT,
                                             maxSurge=COUNT_OR_PERCENT)))},
    ("apps/v1", "StatefulSet"): {"spec": obj(
        ("selector", "template", "serviceName"), replicas=COUNT, serviceName=DNS_NAME,
        selector=SELECTOR, template=POD_TEMPLATE,
        volumeClaimTemplates=list_of(obj(("metadata", "spec"), metadata=METADATA, spec=obj(
            ("accessModes", "resources"), accessModes=list_of(one_of("ReadWriteOnce")),
            storageClassName=DNS_NAME, resources=RESOURCES))))},
    ("networking.k8s.io/v1", "NetworkPolicy"): {"spec": obj(
        ("podSelector", "policyTypes"), podSelector=LABEL_SELECTOR,
        policyTypes=list_of(one_of("Ingress", "Egress"), 1),
        ingress=list_of(obj(from_=list_of(PEER), ports=POLICY_PORTS)),
        egress=list_of(obj(to=list_of(PEER), ports=POLICY_PORTS)))},
    ("cert-manager.io/v1", "Certificate"): {"spec": obj(
        ("secretName", "issuerRef"), secretName=DNS_NAME, duration=DURATION, renewBefore=DURATION,
        privateKey=obj(algorithm=one_of("ECDSA"), size=COUNT, rotationPolicy=one_of("Always")),
        usages=list_of(one_of("digital signature", "server auth", "client auth")),
        uris=list_of(pattern("^spiffe://")), dnsNames=list_of(DNS_NAME),
        issuerRef=obj(("name",), group=TEXT, kind=TEXT, name=DNS_NAME))},
    ("monitoring.coreos.com/v1", "ServiceMonitor"): {"spec": obj(
        ("selector", "endpoints"), selector=SELECTOR, endpoints=list_of(obj(
            ("port",), port=PORT_NAME, interval=DURATION, relabelings=list_of(obj(
                targetLabel=TEXT, replacement=TEXT, sourceLabels=list_of(TEXT)))), 1))},
    ("monitoring.coreos.com/v1", "PrometheusRule"): {"spec": obj(("groups",), groups=list_of(obj(
        ("name", "rules"), name=TEXT, rules=list_of(obj(
            ("alert", "expr"), alert=pattern("^[A-Z][A-Za-z]+$"), expr=TEXT, for_=DURATION,
            labels={"type": "object", "additionalProperties": TEXT}, annotations=ANNOTATIONS), 1))))},
    ("kyverno.io/v2", "PolicyException"): {"spec": obj(("match", "exceptions"), match=obj(
        any=list_of(obj(resources=obj(kinds=list_of(TEXT), namespaces=list_of(NAME, 1),
                                      names=list_of(TEXT, 1))))),
        exceptions=list_of(obj(("policyName", "ruleNames"), policyName=NAME, ruleNames=list_of(NAME, 1)), 1))},
    ("constraints.gatekeeper.sh/v1beta1", "K8sPSPHostFilesystem"): {"spec": constraint(
        allowedHostPaths=list_of(obj(("pathPrefix", "readOnly"), pathPrefix=PATH, readOnly=FLAG)))},
    ("constraints.gatekeeper.sh/v1beta1", "K8sPSPCapabilities"): {"spec": constraint(
        requiredDropCapabilities=list_of(TEXT), allowedCapabilities=list_of(TEXT))},
    ("constraints.gatekeeper.sh/v1beta1", "K8sPSPPrivilegedContainer"): {"spec": constraint()},
}


def schema_of(manifest):
    """The schema of a manifest; KeyError for a kind that is not in the table."""
    fields = KINDS[manifest["apiVersion"], manifest["kind"]]
    return {"type": "object", "additionalProperties": False,
            "required": ["metadata"] + [name for name in fields if name == "spec"],
            "properties": {"apiVersion": TEXT, "kind": TEXT, "metadata": METADATA, **fields}}
