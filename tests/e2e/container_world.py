# SPDX-License-Identifier: Apache-2.0
"""A containerd of its own for tests and demonstrations: private root, state and socket, images made
here (nothing is downloaded), and pods and containers over CRI. Whatever it starts is ended by pid,
and whatever it makes is removed.

Pods share the network of the process, without CNI plugins, or are put on a bridge by these."""

import hashlib
import importlib
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import tarfile
import tempfile
import time

from harness import wait_for

SOURCE = os.path.abspath(os.path.join(os.path.dirname(__file__), "../.."))
CRI_PROTO = os.path.join(SOURCE, "agent/enrich/cri/cri_runtime.proto")
BUSYBOX = "/bin/busybox"
APP_IMAGE = "localhost/vakt/busybox:1"
PAUSE_IMAGE = "localhost/vakt/pause:1"
NODE = 2  # NamespaceMode
POD = 0
CNI_PLUGINS = "/usr/lib/cni"  # package containernetworking-plugins

CONFIG = """
version = 2
root = "{home}/root"
state = "{home}/run"
oom_score = 0
[grpc]
  address = "{home}/run/containerd.sock"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{pause}"
  disable_apparmor = true
  restrict_oom_score_adj = true
  tolerate_missing_hugetlb_controller = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "{home}/cni"
    conf_dir = "{home}/cni"
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "{snapshotter}"
"""


def why_no_containers():
    """Why containers cannot be run here, or None."""
    if os.geteuid() != 0:
        return "needs root"
    for program in ("containerd", "ctr", "runc"):
        if shutil.which(program, path=os.environ["PATH"] + ":/usr/sbin:/sbin") is None:
            return f"{program} is not installed"
    if not os.path.exists(BUSYBOX):
        return f"{BUSYBOX} is not installed (busybox-static)"
    try:
        import grpc  # noqa: F401
        import grpc_tools  # noqa: F401
    except ImportError as error:
        return str(error)
    return None


def digest_of(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def add_file(archive, name, data, mode=0o644):
    entry = tarfile.TarInfo(name)
    entry.size = len(data)
    entry.mode = mode
    archive.addfile(entry, io.BytesIO(data))


def busybox_layer():
    """A root directory with busybox under the names of its programs."""
    out = io.BytesIO()
    with open(BUSYBOX, "rb") as file:
        busybox = file.read()
    applets = subprocess.run([BUSYBOX, "--list"], capture_output=True, text=True, check=True)
    with tarfile.open(fileobj=out, mode="w") as archive:
        for directory in ("bin", "etc", "proc", "sys", "dev", "tmp", "root"):
            entry = tarfile.TarInfo(directory)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o755
            archive.addfile(entry)
        add_file(archive, "bin/busybox", busybox, 0o755)
        for applet in applets.stdout.split():
            if applet == "busybox":
                continue
            entry = tarfile.TarInfo("bin/" + applet)
            entry.type, entry.linkname = tarfile.SYMTYPE, "busybox"
            archive.addfile(entry)
        add_file(archive, "etc/passwd", b"root:x:0:0:root:/root:/bin/sh\nweb:x:33:33::/:/bin/sh\n")
        add_file(archive, "etc/group", b"root:x:0:\nwebs:x:33:\n")
        add_file(archive, "etc/shadow", b"root:*:19000:0:99999:7:::\n", 0o640)
    return out.getvalue()


def image_archive(images):
    """An OCI image layout as a tar: {name: entrypoint}, all of one layer. Returns it and the digest
    of each image's manifest."""
    blobs, digests, index = {}, {}, []

    def blob(data):
        blobs[digest_of(data)] = data
        return {"digest": digest_of(data), "size": len(data)}

    layer = busybox_layer()
    layer_blob = {"mediaType": "application/vnd.oci.image.layer.v1.tar", **blob(layer)}
    for name, entrypoint in images.items():
        config = json.dumps({
            "architecture": "amd64", "os": "linux",
            "config": {"Entrypoint": entrypoint, "Env": ["PATH=/bin"], "Labels": {"made": "here"}},
            "rootfs": {"type": "layers", "diff_ids": [digest_of(layer)]}}).encode()
        manifest = json.dumps({
            "schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": {"mediaType": "application/vnd.oci.image.config.v1+json", **blob(config)},
            "layers": [layer_blob]}).encode()
        index.append({"mediaType": "application/vnd.oci.image.manifest.v1+json", **blob(manifest),
                      "annotations": {"io.containerd.image.name": name}})
        digests[name] = digest_of(manifest)
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        add_file(archive, "oci-layout", b'{"imageLayoutVersion":"1.0.0"}')
        add_file(archive, "index.json", json.dumps({"schemaVersion": 2, "manifests": index}).encode())
        for digest, data in blobs.items():
            add_file(archive, "blobs/" + digest.replace(":", "/"), data)
    return out.getvalue(), digests


def compile_proto(directory):
    """The modules for the interface, made by Debian's grpc_tools."""
    subprocess.run([sys.executable, "-m", "grpc_tools.protoc", "-I", os.path.dirname(CRI_PROTO),
                    f"--python_out={directory}", f"--grpc_python_out={directory}", CRI_PROTO], check=True)
    sys.path.insert(0, directory)
    try:
        return (importlib.import_module("cri_runtime_pb2"),
                importlib.import_module("cri_runtime_pb2_grpc"))
    finally:
        sys.path.remove(directory)


class ContainerWorld:
    """`cgroup_parent` is a cgroup (its path in the hierarchy) that all containers are made below.
    `bridge`: pods have network namespaces of their own, on a bridge of this name in that of this
    process, with addresses of `subnet`; else they share that of this process."""

    def __init__(self, cgroup_parent="/vakt-containers", bridge=None, subnet="10.213.0.0/24"):
        import grpc
        self.grpc = grpc
        self.cgroup_parent = cgroup_parent
        self.bridge, self.subnet = bridge, subnet
        self.network = NODE if bridge is None else POD
        self.home = tempfile.mkdtemp(prefix="vakt-containerd-")
        self.run_directory = os.path.join(self.home, "run")  # /run/containerd of a node
        self.socket = os.path.join(self.run_directory, "containerd.sock")
        self.process = None
        self.channel = None
        self.sandboxes = {}  # id -> its configuration
        self.containers = []
        self.pb2, self.pb2_grpc = compile_proto(self.home)

    # -- containerd ------------------------------------------------------------------------------

    def start(self):
        os.makedirs(os.path.join(self.home, "cni"), exist_ok=True)
        if self.bridge:
            self.configure_network()
        os.makedirs(self.run_directory, mode=0o711, exist_ok=True)
        with open(os.path.join(self.home, "config.toml"), "w") as config:
            config.write(CONFIG.format(home=self.home, pause=PAUSE_IMAGE, snapshotter="overlayfs"))
        self.start_containerd()
        archive, digests = image_archive({
            PAUSE_IMAGE: ["/bin/sleep", "1000000000"], APP_IMAGE: ["/bin/sh"]})
        tar = os.path.join(self.home, "images.tar")
        with open(tar, "wb") as out:
            out.write(archive)
        self.ctr("images", "import", "--digests", "--base-name", "localhost/vakt/none", tar)
        for name, digest in digests.items():
            repository = name.rsplit(":", 1)[0]
            self.ctr("images", "tag", "--force", name, f"{repository}@{digest}")
        self.app_digest = digests[APP_IMAGE]
        self.wait_for_image(APP_IMAGE)
        return self

    def configure_network(self):
        for plugin in ("bridge", "host-local", "loopback"):
            os.symlink(os.path.join(CNI_PLUGINS, plugin), os.path.join(self.home, "cni", plugin))
        with open(os.path.join(self.home, "cni", "10-bridge.conflist"), "w") as out:
            json.dump({"cniVersion": "0.4.0", "name": self.bridge, "plugins": [
                {"type": "bridge", "bridge": self.bridge, "isGateway": True, "ipam": {
                    "type": "host-local", "dataDir": os.path.join(self.home, "addresses"),
                    "ranges": [[{"subnet": self.subnet}]],
                    "routes": [{"dst": "0.0.0.0/0"}]}}]}, out)

    def start_containerd(self):
        log = open(os.path.join(self.home, "containerd.log"), "ab")
        self.process = subprocess.Popen(
            ["containerd", "--config", os.path.join(self.home, "config.toml")],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
            env={**os.environ, "PATH": os.environ["PATH"] + ":/usr/sbin:/sbin"})
        log.close()
        self.connect()

    def connect(self):
        if self.channel is not None:
            self.channel.close()
        self.channel = self.grpc.insecure_channel(
            "unix:" + self.socket, options=[("grpc.default_authority", "localhost")])
        self.runtime = self.pb2_grpc.RuntimeServiceStub(self.channel)
        self.images = self.pb2_grpc.ImageServiceStub(self.channel)
        end = time.monotonic() + 60
        while True:
            try:
                self.runtime.Version(self.pb2.VersionRequest(), timeout=5)
                return
            except self.grpc.RpcError as error:
                if time.monotonic() > end or self.process.poll() is not None:
                    raise RuntimeError(f"containerd does not answer: {error}\n{self.log()[-2000:]}")
                time.sleep(0.1)

    def restart(self):
        """Stops containerd and starts it again; containers go on meanwhile."""
        self.stop_containerd()
        self.start_containerd()

    def stop_containerd(self, with_signal=signal.SIGTERM):
        if self.process is None or self.process.poll() is not None:
            return
        self.process.send_signal(with_signal)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def log(self):
        with open(os.path.join(self.home, "containerd.log"), errors="replace") as log:
            return log.read()

    def ctr(self, *arguments):
        subprocess.run(["ctr", "-a", self.socket, "-n", "k8s.io", *arguments], check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, timeout=120)

    def wait_for_image(self, name):
        request = self.pb2.ImageStatusRequest(image=self.pb2.ImageSpec(image=name))
        end = time.monotonic() + 30
        while not self.images.ImageStatus(request, timeout=5).image.repo_digests:
            if time.monotonic() > end:
                raise RuntimeError(f"the runtime does not know {name}")
            time.sleep(0.1)

    # -- pods and containers ---------------------------------------------------------------------

    def run_pod(self, name, namespace="default", labels=None, annotations=None, privileged=False):
        options = self.pb2.NamespaceOption(network=self.network, pid=1)
        config = self.pb2.PodSandboxConfig(
            metadata=self.pb2.PodSandboxMetadata(name=name, namespace=namespace, uid=f"uid-of-{name}"),
            log_directory=os.path.join(self.home, "logs", name),
            labels={"io.kubernetes.pod.name": name, "io.kubernetes.pod.namespace": namespace,
                    "io.kubernetes.pod.uid": f"uid-of-{name}", **(labels or {})},
            annotations=annotations or {},
            linux=self.pb2.LinuxPodSandboxConfig(
                cgroup_parent=self.cgroup_parent,
                security_context=self.pb2.LinuxSandboxSecurityContext(
                    namespace_options=options, privileged=privileged)))
        answer = self.runtime.RunPodSandbox(self.pb2.RunPodSandboxRequest(config=config), timeout=120)
        self.sandboxes[answer.pod_sandbox_id] = config
        return answer.pod_sandbox_id

    def address_of(self, sandbox):
        request = self.pb2.PodSandboxStatusRequest(pod_sandbox_id=sandbox)
        return self.runtime.PodSandboxStatus(request, timeout=30).status.network.ip

    def create(self, sandbox, name, command, mounts=(), privileged=False, user=None, labels=None):
        """`mounts`: (on the host, in the container, readonly) each."""
        config = self.sandboxes[sandbox]
        pod = config.metadata
        context = self.pb2.LinuxContainerSecurityContext(
            privileged=privileged,
            namespace_options=self.pb2.NamespaceOption(network=self.network, pid=1))
        if user is not None:
            context.run_as_user.value = user
        container = self.pb2.ContainerConfig(
            metadata=self.pb2.ContainerMetadata(name=name),
            image=self.pb2.ImageSpec(image=APP_IMAGE), command=command,
            mounts=[self.pb2.Mount(host_path=host, container_path=inside, readonly=readonly)
                    for host, inside, readonly in mounts],
            labels={"io.kubernetes.container.name": name, "io.kubernetes.pod.name": pod.name,
                    "io.kubernetes.pod.namespace": pod.namespace, "io.kubernetes.pod.uid": pod.uid,
                    **(labels or {})},
            log_path=f"{name}.log",
            linux=self.pb2.LinuxContainerConfig(security_context=context))
        answer = self.runtime.CreateContainer(self.pb2.CreateContainerRequest(
            pod_sandbox_id=sandbox, config=container, sandbox_config=config), timeout=120)
        self.containers.append(answer.container_id)
        return answer.container_id

    def start_container(self, container):
        self.runtime.StartContainer(self.pb2.ContainerIdRequest(container_id=container), timeout=120)

    def run(self, sandbox, name, command, **options):
        container = self.create(sandbox, name, command, **options)
        self.start_container(container)
        return container

    def exec(self, container, *command):
        return self.runtime.ExecSync(self.pb2.ExecSyncRequest(
            container_id=container, cmd=command, timeout=30), timeout=60)

    def remove_container(self, container):
        request = self.pb2.ContainerIdRequest(container_id=container)
        self.runtime.StopContainer(
            self.pb2.StopContainerRequest(container_id=container, timeout=0), timeout=60)
        self.runtime.RemoveContainer(request, timeout=60)
        self.containers.remove(container)

    def remove_pod(self, sandbox):
        request = self.pb2.PodSandboxIdRequest(pod_sandbox_id=sandbox)
        self.runtime.StopPodSandbox(request, timeout=60)
        self.runtime.RemovePodSandbox(request, timeout=60)
        del self.sandboxes[sandbox]

    def enter(self, cgroup_parent):
        """From now on containers are made below this cgroup, of a containerd that runs."""
        self.cgroup_parent = cgroup_parent
        if self.process.poll() is not None:
            self.start_containerd()

    def clear(self):
        """Removes all pods, their containers with them, and the directories of their cgroups."""
        for sandbox in list(self.sandboxes):
            try:
                self.remove_pod(sandbox)
            except self.grpc.RpcError:
                del self.sandboxes[sandbox]
        self.containers.clear()
        self._remove_cgroups()

    # -- the end ---------------------------------------------------------------------------------

    def close(self):
        self.clear()
        if self.channel is not None:
            self.channel.close()
        self.stop_containerd()
        self._unmount()
        shutil.rmtree(self.home, ignore_errors=True)

    def _unmount(self):
        with open("/proc/self/mounts") as mounts:
            below = [line.split()[1] for line in mounts if line.split()[1].startswith(self.home)]
        for path in sorted(below, reverse=True):
            subprocess.run(["umount", "-l", path], check=False)

    def _remove_cgroups(self):
        """Of every hierarchy. A process that has ended is in its control group for a moment more."""
        with open("/proc/self/mounts") as mounts:
            roots = [line.split()[1] for line in mounts if line.split()[2] in ("cgroup", "cgroup2")]
        tops = [os.path.join(root, self.cgroup_parent.lstrip("/")) for root in roots]

        def removed():
            for top in tops:
                for directory, _, _ in os.walk(top, topdown=False):
                    try:
                        os.rmdir(directory)
                    except OSError:
                        pass
            return not any(map(os.path.exists, tops))
        wait_for(removed, 5, step=0.1)
