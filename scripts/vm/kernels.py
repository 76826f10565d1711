# SPDX-License-Identifier: Apache-2.0
"""Kernels for virtual machines: Debian's cloud kernels, one per supported release, fetched as packages
by apt into a cache directory, with an initial RAM disk that holds what a guest needs to mount its
shares. A kernel that is in the cache is used without network."""

import gzip
import json
import lzma
import os
import shutil
import subprocess
import tempfile

# Kernel release -> the Debian suite whose kernel it is.
SUITES = {"5.10": "bullseye", "6.1": "bookworm", "6.12": "trixie"}

# What guests use; modules that these need are added. Built-in ones are in no package and are left out.
MODULES = ("virtio_pci", "virtiofs", "overlay", "veth", "dummy", "tun", "af_packet", "vsock",
           "vsock_loopback", "sctp", "binfmt_misc", "unix_diag", "configs")

BUSYBOX = "/bin/busybox"


class Missing(Exception):
    """What is needed is not there; the message says what to do."""


def cache_dir():
    base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return os.environ.get("VAKT_VM_CACHE") or os.path.join(base, "vakt", "vm")


class Kernel:
    """`image` and `initrd` of the guest, `version` as uname -r tells it."""

    def __init__(self, release, directory):
        with open(os.path.join(directory, "kernel.json"), encoding="utf-8") as about:
            self.version = json.load(about)["version"]
        self.release = release
        self.image = os.path.join(directory, "vmlinuz")
        self.modules = os.path.join(directory, "modules")

    def write_initrd(self, path, init):
        """The RAM disk: busybox, the modules in loading order, `init` as /init."""
        with tempfile.TemporaryDirectory() as root:
            for name in ("bin", "modules", "new", "proc", "sys", "dev"):
                os.mkdir(os.path.join(root, name))
            shutil.copy(BUSYBOX, os.path.join(root, "bin"))
            for name in os.listdir(self.modules):
                shutil.copy(os.path.join(self.modules, name), os.path.join(root, "modules"))
            with open(os.path.join(root, "init"), "w", encoding="utf-8") as out:
                out.write(init)
            os.chmod(os.path.join(root, "init"), 0o755)
            names = subprocess.run(["find", "."], cwd=root, check=True, capture_output=True).stdout
            archive = subprocess.run(["cpio", "--create", "--format=newc", "--quiet"], cwd=root,
                                     check=True, input=names, capture_output=True).stdout
        with gzip.open(path, "wb", compresslevel=1) as out:
            out.write(archive)


def kernel(release, refresh=False):
    """The cached kernel, or a freshly fetched one."""
    directory = os.path.join(cache_dir(), release)
    if refresh or not os.path.exists(os.path.join(directory, "kernel.json")):
        for tool in ("cpio", "depmod", "dpkg-deb"):
            if not shutil.which(tool, path=os.environ["PATH"] + ":/sbin:/usr/sbin"):
                raise Missing(f"{tool} is missing: scripts/install-deps --vm")
        _fetch(release, directory)
    return Kernel(release, directory)


def _archive():
    """Where this machine's own apt takes the distribution's packages from."""
    with open("/etc/os-release", encoding="utf-8") as lines:
        facts = dict(line.strip().split("=", 1) for line in lines if "=" in line)
    codename = facts.get("VERSION_CODENAME", "").strip('"')
    targets = subprocess.run(["apt-get", "indextargets", "--format", "$(RELEASE) $(REPO_URI)",
                              "Created-By: Packages"], capture_output=True, text=True, check=True)
    for line in targets.stdout.splitlines():
        release, _, uri = line.partition(" ")
        if release == codename:
            return uri
    raise Missing(f"apt knows no source of {codename} on this machine: kernels cannot be fetched")


def _apt(suite):
    """Options of a configuration of apt that knows this suite alone and changes nothing else."""
    base = os.path.join(cache_dir(), "apt", suite)
    for name in ("lists/partial", "cache/archives/partial"):
        os.makedirs(os.path.join(base, name), exist_ok=True)
    with open(os.path.join(base, "sources.list"), "w", encoding="utf-8") as out:
        out.write(f"deb {_archive()} {suite} main\n")
    options = {"Dir::Etc::sourcelist": f"{base}/sources.list", "Dir::Etc::sourceparts": "-",
               "Dir::State::lists": f"{base}/lists", "Dir::State::status": "/dev/null",
               "Dir::Cache": f"{base}/cache", "APT::Architecture": "amd64",
               "Acquire::Languages": "none", "Acquire::Check-Valid-Until": "false",
               "APT::Sandbox::User": "root"}
    return [word for name, value in options.items() for word in ("-o", f"{name}={value}")]


def _run(command, **options):
    done = subprocess.run(command, capture_output=True, text=True, timeout=900, **options)
    if done.returncode != 0:
        raise Missing(f"{' '.join(command[:1] + command[-2:])} failed: {done.stderr.strip()[-400:]}")
    return done.stdout


def _fetch(release, directory):
    apt = _apt(SUITES[release])
    print(f"==> {release}: fetching the kernel of Debian {SUITES[release]}", flush=True)
    _run(["apt-get", "-q", *apt, "update"])
    depends = _run(["apt-cache", *apt, "depends", "linux-image-cloud-amd64"])
    package = next((line.split()[1] for line in depends.splitlines()
                    if line.split()[:1] == ["Depends:"] and "linux-image-" in line), None)
    if not package:
        raise Missing(f"{SUITES[release]} has no kernel package")
    with tempfile.TemporaryDirectory() as work:
        _run(["apt-get", "-q", *apt, "download", package], cwd=work)
        deb = next(name for name in os.listdir(work) if name.endswith(".deb"))
        _run(["dpkg-deb", "--extract", deb, "root"], cwd=work)
        _keep(os.path.join(work, "root"), package.removeprefix("linux-image-"), directory)


def _keep(root, version, directory):
    """Moves the image and the needed modules of an unpacked package to the cache."""
    made = directory + ".new"
    shutil.rmtree(made, ignore_errors=True)
    os.makedirs(os.path.join(made, "modules"))
    shutil.copy(os.path.join(root, "boot", f"vmlinuz-{version}"), os.path.join(made, "vmlinuz"))
    if not os.path.isdir(os.path.join(root, "lib/modules")):  # merged /usr
        os.makedirs(os.path.join(root, "lib"), exist_ok=True)
        os.rename(os.path.join(root, "usr/lib/modules"), os.path.join(root, "lib/modules"))
    tree = os.path.join(root, "lib/modules", version)
    _run(["depmod", "--basedir", root, version],
         env=dict(os.environ, PATH=os.environ["PATH"] + ":/sbin:/usr/sbin"))
    for number, path in enumerate(_loading_order(tree)):
        with open(os.path.join(tree, path), "rb") as packed:
            content = packed.read()
        if path.endswith(".xz"):
            content = lzma.decompress(content)
        name = os.path.basename(path).removesuffix(".xz")
        with open(os.path.join(made, "modules", f"{number:03}-{name}"), "wb") as out:
            out.write(content)
    with open(os.path.join(made, "kernel.json"), "w", encoding="utf-8") as out:
        json.dump({"version": version}, out)
    shutil.rmtree(directory, ignore_errors=True)
    os.rename(made, directory)


def _loading_order(tree):
    """Files of MODULES and of what they need, what is needed first."""
    needs = {}
    with open(os.path.join(tree, "modules.dep"), encoding="utf-8") as lines:
        for line in lines:
            path, _, rest = line.partition(":")
            needs[path] = rest.split()
    order = []

    def add(path):
        for other in needs[path]:
            add(other)
        if path not in order:
            order.append(path)

    names = {os.path.basename(path).split(".")[0].replace("-", "_"): path for path in needs}
    for module in MODULES:
        if module in names:
            add(names[module])
    return order
