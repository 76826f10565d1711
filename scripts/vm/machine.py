# SPDX-License-Identifier: Apache-2.0
"""A virtual machine for one run: QEMU without KVM (nested virtualisation is rare where tests run) and
this machine's own root file system as the guest's, shared read-only by virtiofs. The guest so has the
programs, libraries and Python that the build was made with, at the same paths, and there is no image
to make or to keep. It writes to its own memory only (/tmp, /run, /var/tmp).

Read-only twice: the guest mounts its shares so, and the file server sees a read-only bind mount in a
mount namespace of its own, which goes with it. What the guest reports comes by a second serial line."""

import ctypes
import json
import os
import shutil
import signal
import subprocess
import tempfile
import time

from kernels import Missing

VIRTIOFSD = "/usr/lib/qemu/virtiofsd"
PR_SET_PDEATHSIG = 1
QEMU = "qemu-system-x86_64"
WRITABLE = ("/tmp", "/run", "/var/tmp", "/var/log", "/root", "/mnt")

TIMING = ("-accel", "tcg,thread=multi", "-smp", "2")
# The guest's clock goes on by 1 ns with each instruction, and to the next timer when there is none.
COUNTING = ("-accel", "tcg,thread=single", "-smp", "1", "-icount", "shift=0,sleep=off")

INIT = """#!/bin/busybox sh
b=/bin/busybox
$b mount -t devtmpfs none /dev
$b mount -t proc none /proc
for module in /modules/*; do $b insmod $module 2>/dev/null; done
$b mount -t virtiofs -o ro vakt0 /new || exec $b poweroff -f
for dir in {writable}; do $b mount -t tmpfs none /new$dir; done
$b chmod 1777 /new/tmp /new/var/tmp
{mounts}
$b mount -t proc none /new/proc
$b mount -t sysfs none /new/sys
$b mount -t devtmpfs none /new/dev
$b mkdir -p /new/dev/pts /new/dev/shm
$b mount -t devpts none /new/dev/pts
$b mount -t tmpfs none /new/dev/shm
$b mount -t cgroup2 none /new/sys/fs/cgroup
$b mount -t bpf none /new/sys/fs/bpf
$b mount -t tracefs none /new/sys/kernel/tracing
$b mount -t securityfs none /new/sys/kernel/security
$b ifconfig lo up
$b hostname vakt-vm
exec $b switch_root /new /usr/bin/python3 {runner}
"""


def why_not():
    """What is missing to run a machine, or None."""
    if os.geteuid() != 0:
        return "virtual machines share this machine's files read-only, which needs root"
    for tool in (QEMU, VIRTIOFSD, "/bin/busybox", "unshare"):
        if not shutil.which(tool):
            return f"{tool} is missing: scripts/install-deps --vm"
    return None


class Machine:
    """One boot. `run` yields what the guest reports, line by line, and ends with the guest."""

    def __init__(self, kernel, runner, shares, memory_mib=2048, append="", counts=False):
        self._kernel = kernel
        self._runner = runner        # Python file, run in the guest after boot
        self._shares = ["/", *shares]  # directories, the root first
        self._memory = memory_mib
        self._append = append
        self._counts = counts        # its clock counts instructions: one CPU, and slower
        self._programs = []

    def run(self, seconds):
        with tempfile.TemporaryDirectory(prefix="vakt-vm-") as work:
            self.console = os.path.join(work, "console")
            try:
                yield from self._run(work, time.monotonic() + seconds)
            finally:
                self.console_text = _tail(self.console)
                self._stop()

    def _run(self, work, deadline):
        self._kernel.write_initrd(os.path.join(work, "initrd"), self._init())
        sockets = [self._serve(work, n, share) for n, share in enumerate(self._shares)]
        report = os.path.join(work, "report")
        qemu = self._start(self._command(work, sockets, report), "qemu")
        held = b""
        with open(report, "w+b", buffering=0) as lines:
            while True:
                ended = qemu.poll() is not None  # before the read: nothing comes after it
                held += lines.read()
                *whole, held = held.split(b"\n")
                for line in whole:
                    if line.strip():
                        yield json.loads(line)
                if ended:
                    return
                if time.monotonic() > deadline:
                    yield {"event": "timeout"}
                    return
                time.sleep(0.2)

    def _init(self):
        mounts = "\n".join(f"$b mkdir -p /new{path}; $b mount -t virtiofs -o ro vakt{n} /new{path}"
                           for n, path in enumerate(self._shares) if n > 0)
        return INIT.format(writable=" ".join(WRITABLE), mounts=mounts, runner=self._runner)

    def _serve(self, work, number, directory):
        """A file server for `directory`; returns its socket."""
        socket = os.path.join(work, f"fs{number}")
        view = os.path.join(work, f"view{number}")
        os.mkdir(view)
        script = ('mount --make-rprivate / && mount --bind "$1" "$2" && mount -o remount,bind,ro "$2" '
                  f'&& exec {VIRTIOFSD} --socket-path="$3" -o source="$2" -o sandbox=chroot '
                  '-o cache=auto --rlimit-nofile=4096 --thread-pool-size=2')
        self._start(["unshare", "--mount", "sh", "-c", script, "sh", directory, view, socket],
                    f"virtiofsd of {directory}")
        for _ in range(100):
            if os.path.exists(socket):
                return socket
            time.sleep(0.1)
        raise Missing(f"the file server of {directory} did not start")

    def _command(self, work, sockets, report):
        size = f"{self._memory}M"
        # The processor without cmpxchg16b: QEMU 7.2 emulates it wrongly, and kernels that use it panic.
        command = [QEMU, *(COUNTING if self._counts else TIMING), "-cpu", "max,-cx16", "-m", size,
                   "-display", "none", "-no-reboot", "-nic", "none", "-monitor", "none",
                   "-serial", f"file:{self.console}", "-serial", f"file:{report}",
                   "-object", f"memory-backend-memfd,id=mem,size={size},share=on",
                   "-numa", "node,memdev=mem",
                   "-kernel", self._kernel.image, "-initrd", os.path.join(work, "initrd"),
                   "-append", "console=ttyS0 quiet panic=-1 oops=panic "
                   "no_timer_check lsm=lockdown,yama,integrity,apparmor,bpf " + self._append
                   + (" vakt.icount" if self._counts else "")]
        for number, socket in enumerate(sockets):
            command += ["-chardev", f"socket,id=fs{number},path={socket}",
                        "-device", f"vhost-user-fs-pci,chardev=fs{number},tag=vakt{number}"]
        return command

    def _start(self, command, name):
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                   stderr=subprocess.PIPE, start_new_session=True, preexec_fn=_end_with_parent)
        self._programs.append((name, process))
        return process

    def _stop(self):
        for _, process in reversed(self._programs):
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGTERM)
                try:
                    process.wait(10)
                except subprocess.TimeoutExpired:
                    os.killpg(process.pid, signal.SIGKILL)
                    process.wait()
        said = [(name, p.stderr.read().decode(errors="replace").strip()) for name, p in self._programs]
        self.errors = [f"{name}: {text[-500:]}" for name, text in said if text]
        self._programs = []


def _end_with_parent():
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def _tail(path, size=8192):
    try:
        with open(path, "rb") as text:
            return text.read()[-size:].decode(errors="replace")
    except FileNotFoundError:
        return ""
