# SPDX-License-Identifier: Apache-2.0
"""What every pod of ours has to hold to, and what the agent alone may besides. Each function gives
the sentences that say what a pod does against it."""

# What the agent's work takes; each is explained in docs/reference/capabilities.md and docs/install.md.
AGENT_CAPABILITIES = {"BPF", "NET_ADMIN", "PERFMON", "SYS_PTRACE"}
AGENT_HOST_PATHS = {  # path -> whether it may be written
    "/etc/vakt/tls": False, "/etc/passwd": False, "/etc/group": False, "/sys/kernel/tracing": False,
    "/sys/fs/cgroup": False, "/run/containerd": False, "/var/lib/vakt/databases": False, "/sys/fs/bpf/vakt": True,
    "/var/lib/vakt/agent": True, "/var/lib/kubelet/seccomp/vakt": True,
}


def containers(pod):
    return pod.get("initContainers", []) + pod["containers"]


def of_container(container, is_init):
    name = container["name"]
    context = container.get("securityContext", {})
    if context.get("privileged") is not False:
        yield f"{name}: privileged"
    if context.get("allowPrivilegeEscalation") is not False:
        yield f"{name}: may gain privileges"
    if context.get("readOnlyRootFilesystem") is not True:
        yield f"{name}: its root file system can be written"
    if context.get("capabilities", {}).get("drop") != ["ALL"]:
        yield f"{name}: does not drop all capabilities"
    for kind in ("requests", "limits"):
        if "memory" not in container.get("resources", {}).get(kind, {}):
            yield f"{name}: no {kind} of memory"
    if "cpu" not in container.get("resources", {}).get("requests", {}):
        yield f"{name}: no requests of cpu"
    if container["image"].endswith(":latest"):
        yield f"{name}: an image that changes under its name"
    if container["command"][0].rsplit("/", 1)[-1] in ("sh", "bash"):
        yield f"{name}: a shell"
    if not is_init:
        for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
            if probe not in container:
                yield f"{name}: no {probe}"


def of_mounts(pod):
    volumes = {volume["name"] for volume in pod["volumes"]}
    mounted = {m["name"] for c in containers(pod) for m in c.get("volumeMounts", [])}
    for name in sorted(mounted - volumes):
        yield f"mounts the volume {name}, which there is not"
    for name in sorted(volumes - mounted):
        yield f"has the volume {name} and mounts it nowhere"
    for container in containers(pod):
        paths = [m["mountPath"] for m in container.get("volumeMounts", [])]
        for path in {p for p in paths if paths.count(p) > 1}:
            yield f"{container['name']}: two mounts on {path}"


def of_any_pod(pod):
    for flag in ("hostNetwork", "hostIPC"):
        if pod.get(flag):
            yield flag
    if pod.get("automountServiceAccountToken") is not False:
        yield "has a token for the Kubernetes API"
    if "priorityClassName" not in pod:
        yield "no priority class"
    for container in containers(pod):
        is_init = container in pod.get("initContainers", [])
        yield from of_container(container, is_init)
        profile = container["securityContext"].get(
            "seccompProfile", pod.get("securityContext", {}).get("seccompProfile", {}))
        if profile.get("type") not in ("RuntimeDefault", "Localhost"):
            yield f"{container['name']}: no seccomp profile"
    yield from of_mounts(pod)


def of_collector(pod):
    """Pod Security's `restricted`, and more."""
    yield from of_any_pod(pod)
    if pod.get("hostPID"):
        yield "hostPID"
    if pod["securityContext"].get("runAsNonRoot") is not True:
        yield "may be root"
    for volume in pod["volumes"]:
        if "hostPath" in volume:
            yield f"the node's {volume['hostPath']['path']}"
    for container in containers(pod):
        if container["securityContext"]["capabilities"].get("add"):
            yield f"{container['name']}: adds capabilities"


def of_agent(pod):
    yield from of_any_pod(pod)
    writable = {m["name"] for c in containers(pod) for m in c["volumeMounts"]
                if not m.get("readOnly")}
    for volume in pod["volumes"]:
        if "hostPath" not in volume:
            continue
        path = volume["hostPath"]["path"]
        if path not in AGENT_HOST_PATHS:
            yield f"the node's {path}"
        elif volume["name"] in writable and not AGENT_HOST_PATHS[path]:
            yield f"may write the node's {path}"
    for container in containers(pod):
        extra = set(container["securityContext"]["capabilities"].get("add", [])) - AGENT_CAPABILITIES
        for capability in sorted(extra):
            yield f"{container['name']}: {capability}"
    if {"operator": "Exists"} not in pod.get("tolerations", []):
        yield "does not run on every node"
