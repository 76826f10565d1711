# SPDX-License-Identifier: Apache-2.0
"""Runs pods of the rendered chart as containers, with podman and runc: what the manifest says of
command, environment, user, capabilities, seccomp, root file system, memory and mounts is what the
container gets. Its share of a CPU only where it is asked for: on a machine that is busy with other tests
a fifth of one makes a start last minutes. There is no kubelet; what that would do besides is said here."""

import os
import shutil
import subprocess
import tempfile
import time

import yaml

import harness

GO = {**os.environ, "GO111MODULE": "off", "GOPATH": "/usr/share/gocode", "GOFLAGS": "",
      "GOCACHE": os.path.join(harness.BUILD, "go/cache")}
BUILD = os.path.abspath(harness.BUILD)
IMAGES = os.path.join(BUILD, "images")
TOOLS = ("go", "podman", "buildah", "mmdebstrap", "runc")


def why_not():
    """Why containers cannot be run here, or None."""
    missing = [tool for tool in TOOLS if shutil.which(tool, path=os.environ["PATH"] + ":/usr/sbin") is None]
    return f"needs {', '.join(missing)}" if missing else None


def build_images(source=harness.SOURCE, build=BUILD):
    """Those of the built programs, made anew when a program is newer."""
    images = os.path.join(build, "images")
    archives = [os.path.join(images, f"vakt-{name}.oci.tar") for name in ("agent", "collector")]
    inputs = [os.path.join(build, "bin", name) for name in ("vakt-agent", "vakt-collector", "vaktctl")]
    inputs += [os.path.join(source, path) for path in (
        "scripts/build-images", "daemonset/chart/files/seccomp-agent.json",
        "daemonset/images/agent.Dockerfile", "daemonset/images/collector.Dockerfile")]
    inputs += [os.path.join(folder, name) for folder, _, names in os.walk(os.path.join(source, "rules"))
               for name in names]
    if all(os.path.exists(a) for a in archives) and \
            min(map(os.path.getmtime, archives)) > max(map(os.path.getmtime, inputs)):
        return archives
    subprocess.run([os.path.join(source, "scripts/build-images"), images], check=True,
                   env={**os.environ, "VAKT_BUILD_DIR": build})
    return archives


def render(*settings, source=harness.SOURCE):
    """The manifests of a release, by (kind, name)."""
    with tempfile.TemporaryDirectory() as work:
        program = os.path.join(work, "render")
        subprocess.run(["go", "build", "-o", program, "./daemonset/render"], cwd=source,
                       env=GO, check=True)
        command = [program]
        for setting in settings:
            command += ["--set", setting]
        text = subprocess.run([*command, os.path.join(source, "daemonset/chart")], check=True,
                              capture_output=True, text=True).stdout
    return {(m["kind"], m["metadata"]["name"]): m for m in yaml.safe_load_all(text) if m}


class Release:
    """One version of Vakt: its manifests, and its images as `podman` has them. Of the tree `source`,
    built in `build`."""

    def __init__(self, podman, source=harness.SOURCE, build=BUILD):
        self.manifests = render("agent.tls.source=host", source=source)
        self.images = {name: podman.load(archive) for name, archive in
                       zip(("agent", "collector"), build_images(source, build))}

    def pod(self, kind, name):
        return self.manifests[kind, name]["spec"]["template"]["spec"]

    def settings(self, name):
        """What the ConfigMap of that name holds."""
        return self.manifests["ConfigMap", name]["data"]


def write_volume(directory, data):
    """Files as a kubelet lays out a ConfigMap or a Secret: a change is the swap of one link."""
    os.makedirs(directory, exist_ok=True)
    stamp = f"..{time.monotonic_ns()}"
    os.mkdir(os.path.join(directory, stamp))
    for name, text in data.items():
        with open(os.path.join(directory, stamp, name), "w") as file:
            file.write(text)
        if not os.path.lexists(os.path.join(directory, name)):
            os.symlink(f"..data/{name}", os.path.join(directory, name))
    os.symlink(stamp, os.path.join(directory, "..new"))
    os.rename(os.path.join(directory, "..new"), os.path.join(directory, "..data"))
    for name in os.listdir(directory):
        if not name.startswith("..") and name not in data:
            os.unlink(os.path.join(directory, name))


class Podman:
    """Storage and state of its own, removed with it."""

    def __init__(self, directory):
        self.directory = directory
        self.command = ["podman", "--root", f"{directory}/root", "--runroot", f"{directory}/run",
                        "--storage-driver", "overlay", "--runtime", "runc", "--cgroup-manager",
                        "cgroupfs", "--events-backend", "none"]
        self.names = []

    def __call__(self, *arguments, check=True, **options):
        out = subprocess.run([*self.command, *arguments], capture_output=True, text=True,
                             stdin=subprocess.DEVNULL, timeout=300, **options)
        if check and out.returncode != 0:
            raise AssertionError(f"podman {' '.join(arguments)}: {out.stdout}{out.stderr}")
        return out

    def load(self, archive):
        """An image of an OCI archive; returns its id: versions may have the same name."""
        name = self("load", "--quiet", "-i", archive).stdout.strip().split()[-1]
        return self("image", "inspect", "--format", "{{.Id}}", name).stdout.strip()

    def run(self, name, *arguments):
        """Starts a container; no network but its own loopback, or that of another."""
        limits = ["--ulimit", "nofile=20000:20000", "--ulimit", "nproc=9000:9000"]
        self.names.append(name)
        return self("run", "--detach", "--name", name, "--pull=never", *limits, *arguments).stdout.strip()

    def inspect(self, name, form):
        return self("inspect", "--format", form, name).stdout.strip()

    def logs(self, name):
        out = self("logs", name, check=False)
        return out.stdout + out.stderr

    def remove(self, name):
        """Told to stop first, as a kubelet does."""
        self("rm", "--force", "--time", "15", name, check=False)
        self.names.remove(name)

    def remove_containers(self):
        for name in reversed(self.names[:]):
            self.remove(name)

    def close(self):
        self.remove_containers()
        self("rmi", "--all", "--force", check=False)
        # Mounts of the storage, which rm leaves when the driver is overlay.
        subprocess.run(["umount", f"{self.directory}/root/overlay"], capture_output=True)


def cpus(text):
    """'200m' -> 0.2"""
    return int(text[:-1]) / 1000 if text.endswith("m") else float(text)


def flags_of(container, pod, volumes, seccomp, cpu_limit=False):
    """What the manifest says of a container, as podman takes it. `volumes`: of each volume its
    directory here; `seccomp`: the file of a Localhost profile."""
    context = {**pod.get("securityContext", {}), **container["securityContext"]}
    assert not context["privileged"]
    flags = ["--user", f"{context['runAsUser']}:{context['runAsGroup']}", "--read-only-tmpfs=false"]
    flags += ["--cap-drop", capability_drop(context)]
    for capability in context["capabilities"].get("add", []):
        flags += ["--cap-add", capability]
    if context["readOnlyRootFilesystem"]:
        flags.append("--read-only")
    if not context["allowPrivilegeEscalation"]:
        flags += ["--security-opt", "no-new-privileges"]
    if context["seccompProfile"]["type"] == "Localhost":
        flags += ["--security-opt", f"seccomp={seccomp}"]
    if pod.get("hostPID"):
        flags.append("--pid=host")
    memory = container["resources"]["limits"]["memory"]
    flags += ["--memory", memory.replace("i", "").lower(), "--memory-swap", memory.replace("i", "").lower()]
    if cpu_limit:
        flags += ["--cpus", str(cpus(container["resources"]["limits"]["cpu"]))]
    for mount in container["volumeMounts"]:
        source = volumes[mount["name"]]
        if "subPath" in mount:
            source = os.path.realpath(os.path.join(source, mount["subPath"]))
        options = ["ro" if mount.get("readOnly") else "rw", "rbind"]
        if mount.get("mountPropagation") == "HostToContainer":
            options.append("rslave")
        flags += ["--volume", f"{source}:{mount['mountPath']}:{','.join(options)}"]
    return flags


def capability_drop(context):
    [dropped] = context["capabilities"]["drop"]
    return dropped.lower()
