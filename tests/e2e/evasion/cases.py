# SPDX-License-Identifier: Apache-2.0
"""The evasion cases: one row each, in the order of their numbers.

A case is an act (acts*.c, or a function of attacks.py for those against the agent itself) and what
must come of it: for each expectation a rule condition that has to fire, and the fields of its alert
that have to be true. `{dir}` is the act's directory, `{acts}` the program that acts, `{secret_ino}`
the inode of the file `secret`, and other names in braces are facts that the act printed.

A case counts as `detected` when each expectation's rule fired with the right fields, as `wrong` when
a rule fired with other values, as `missed` when one did not fire, and as `not applicable` when the
kernel cannot do the act.
"""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Expect:
    condition: str            # of the rule
    fields: dict = dataclasses.field(default_factory=dict)  # field -> value, as text
    count: int = 1            # how many alerts at least


@dataclasses.dataclass(frozen=True)
class Case:
    number: int
    section: str
    title: str
    expect: tuple = ()
    attack: str = ""          # name of a function of attacks.py, for acts that are not in acts*.c
    needs: str = ""           # "strict": only with coverage: strict
    why_not: str = ""         # why a tier cannot see it, for the page


OPEN = "evt.type in (open, openat, openat2, open_by_handle_at, creat)"
EXEC = "evt.type in (execve, execveat)"
SECRET = {"fd.name": "{dir}/secret"}
OPENS_SECRET = Expect(f"{OPEN} and evt.rawres >= 0 and fd.name = {{dir}}/secret", SECRET)


def acts(number):
    """The process that does the act, its children by fork included."""
    return f"proc.exepath = {{acts}} and proc.args = {number}"


def opens(number, name="{dir}/secret", **fields):
    return Expect(f"{OPEN} and evt.rawres >= 0 and {acts(number)} and fd.name = {name}",
                  {"fd.name": name, **{key.replace("_", "."): value for key, value in fields.items()}})


def runs(condition, **fields):
    return Expect(f"{EXEC} and {condition}",
                  {key.replace("__", "."): value for key, value in fields.items()})


CASES = (
    # -- what the caller says -------------------------------------------------------------------
    Case(1, "Arguments", "name rewritten while the call blocks", (opens(1, "{dir}/fifo"),)),
    Case(2, "Arguments", "name rewritten while the kernel reads it (userfaultfd)", (opens(2),)),
    Case(3, "Arguments", "name on a page that was never touched",
         (opens(3), runs("proc.exepath = {dir}/program", proc__exepath="{dir}/program"))),
    Case(4, "Arguments", "directory closed and process replaced at once",
         (Expect(f"{OPEN} and {acts(4)} and fd.name = {{dir}}/deep/hidden",
                 {"fd.name": "{dir}/deep/hidden"}, count=1000),)),
    Case(5, "Arguments", "arguments overwritten after the exec",
         (Expect(f"{OPEN} and fd.name = {{dir}}/secret and proc.exepath = {{dir}}/program",
                 {"proc.args": "5005 original-argument"}),)),

    # -- paths and files -------------------------------------------------------------------------
    Case(6, "Paths", "symbolic link", (opens(6, fd_nameraw="innocent"),)),
    Case(7, "Paths", "relative to a directory descriptor, with ..",
         (opens(7, fd_nameraw="../other/.././secret"),)),
    Case(8, "Paths", "openat2 with RESOLVE_IN_ROOT", (opens(8, evt_type="openat2"),)),
    Case(9, "Paths", "O_PATH descriptor reopened through /proc/self/fd", (
        Expect(f"{OPEN} and {acts(9)} and fd.name = {{dir}}/secret and fd.nameraw startswith /proc/self/fd/",
               SECRET),)),
    Case(10, "Paths", "open_by_handle_at", (opens(10, evt_type="open_by_handle_at"),)),
    Case(11, "Paths", "hard link", (
        Expect(f"{OPEN} and {acts(11)} and fd.ino = {{secret_ino}}",
               {"fd.name": "{dir}/innocent", "fd.ino": "{ino}", "fd.nlink": "2"}),
        Expect(f"evt.type in (link, linkat) and {acts(11)}",
               {"fs.path.target": "{dir}/secret", "fs.path.source": "{dir}/innocent"}))),
    Case(12, "Paths", "bind mount", (
        Expect(f"{OPEN} and {acts(12)} and fd.ino = {{secret_ino}}",
               {"fd.name": "{dir}/alias/secret", "fd.ino": "{ino}"}),
        Expect(f"evt.type = mount and {acts(12)} and evt.arg.dir contains alias", {}))),
    Case(13, "Paths", "bind mount by the new mount interface", (
        Expect(f"{OPEN} and {acts(13)} and fd.ino = {{secret_ino}}", {"fd.ino": "{ino}"}),
        Expect(f"evt.type = move_mount and {acts(13)}", {}))),
    Case(14, "Paths", "chroot", (
        Expect(f"{OPEN} and {acts(14)} and fd.outername = {{dir}}/secret", {"fd.name": "/secret"}),
        Expect(f"evt.type = chroot and {acts(14)}", {}))),
    Case(15, "Paths", "/proc/self/root", (opens(15),)),
    Case(16, "Paths", "descriptor of another process through /proc", (
        Expect(f"{OPEN} and {acts(16)} and fd.name = {{dir}}/secret and fd.nameraw startswith /proc/",
               SECRET),)),
    Case(17, "Paths", "overlay copy-up, then exec", (
        runs("proc.exepath = {dir}/disk/merged/program", proc__is_exe_upper_layer="true"),)),
    Case(18, "Paths", "path of more than 4096 bytes", (
        Expect(f"{OPEN} and {acts(18)} and fd.filename = long-secret",
               {"fd.path_status": "truncated"}),)),
    Case(19, "Paths", "descriptor passed over a socket", (
        Expect(f"evt.type in (recvmsg, recvmmsg) and {acts(19)} and fd.name = {{dir}}/secret", {}),),
         why_not="the opening is seen; who received the descriptor is told by an LSM hook alone"),
    Case(20, "Paths", "descriptor taken by pidfd_getfd", (
        Expect(f"evt.type = pidfd_getfd and {acts(20)}", {"proc.target.pid": "{target}"}),)),
    Case(21, "Paths", "read by splice", (opens(21),)),
    Case(22, "Paths", "write through a mapping", (
        Expect(f"{OPEN} and {acts(22)} and evt.is_open_write = true and fd.name = {{dir}}/secret", SECRET),)),
    Case(23, "Paths", "written elsewhere, renamed into place", (
        Expect(f"evt.type in (rename, renameat, renameat2) and {acts(23)}",
               {"fs.path.source": "{dir}/prepared", "fs.path.target": "{dir}/secret"}),)),
    Case(24, "Paths", "nameless file linked into place", (
        Expect(f"evt.type = linkat and {acts(24)}", {"fs.path.source": "{dir}/appeared"}),)),

    # -- what runs -------------------------------------------------------------------------------
    Case(25, "Programs", "program in memory, by descriptor", (
        runs("proc.is_exe_from_memfd = true and proc.exepath contains memfd:case-25"),)),
    Case(26, "Programs", "program in memory, through /proc", (
        runs("proc.is_exe_from_memfd = true and proc.exepath contains memfd:case-26"),)),
    Case(27, "Programs", "deleted program", (
        runs("proc.is_exe_unlinked = true and proc.exepath startswith {dir}/program"),)),
    Case(28, "Programs", "program by another name", (
        runs("proc.exepath = {dir}/program and proc.name = sshd", proc__exepath="{dir}/program"),)),
    Case(29, "Programs", "program started by the loader", (
        Expect(f"{OPEN} and proc.exe = ld.so and fd.name = {{dir}}/program",
               {"fd.name": "{dir}/program"}),)),
    Case(30, "Programs", "script", (
        Expect(f"{EXEC} and proc.exepath = {{dir}}/interpreter and proc.args contains script",
               {"proc.exepath": "{dir}/interpreter", "proc.script": "{dir}/./script"}),)),
    Case(31, "Programs", "registered binary format", (
        Expect(f"{EXEC} and proc.exepath = {{dir}}/interpreter", {"proc.script": "{dir}/./program"}),
        Expect(f"{OPEN} and {acts(31)} and evt.is_open_write = true and fd.filename = register", {}))),
    Case(32, "Programs", "process name changed", (
        Expect(f"evt.type = prctl and {acts(32)}", {"proc.name": "sshd", "proc.exepath": "{acts}"}),)),
    Case(33, "Programs", "first argument deceives", (
        runs('proc.exe startswith "sshd: root" and proc.exepath = {dir}/program',
             proc__exepath="{dir}/program"),)),
    Case(34, "Programs", "program named like a kernel thread", (
        runs('proc.exe startswith "[kworker" and proc.is_exe_from_memfd = true'),)),
    Case(35, "Programs", "arguments of a megabyte", (
        runs("proc.exepath = {dir}/program and proc.args_truncated = true"),)),
    Case(36, "Programs", "preloaded library", (
        Expect(f"{EXEC} and proc.env[LD_PRELOAD] = {{dir}}/library.so", {}),
        Expect(f"{OPEN} and proc.name = true and fd.name = {{dir}}/library.so", {}))),
    Case(37, "Programs", "vfork and CLONE_PARENT", (
        Expect(f"{EXEC} and proc.exe = vforked", {"proc.ppid": "{pid}"}, count=1000),
        Expect(f"{EXEC} and proc.exe = sister", {"proc.ppid": "{pid}"}))),
    Case(38, "Programs", "exec in a thread that is not the first", (
        Expect(f"{EXEC} and proc.exe = from-thread", {"proc.pid": "{child}", "proc.ppid": "{pid}"}),)),
    Case(39, "Programs", "pids that come back", (
        Expect(f"{EXEC} and proc.exepath = {{dir}}/program and proc.exe startswith run-",
               {"proc.pname": "evasion_acts"}, count=700),)),

    # -- other roads into the kernel -------------------------------------------------------------
    Case(40, "Roads", "32-bit system calls", (
        opens(40, evt_abi="i386"), runs("proc.exepath = {dir}/program")), needs="strict"),
    Case(41, "Roads", "x32 system calls", (opens(41, evt_abi="x32"),)),
    Case(42, "Roads", "io_uring: open and connect", (
        opens(42, evt_abi="io_uring"),
        Expect(f"evt.type = connect and {acts(42)}", {"fd.sport": "{port}"}))),
    Case(43, "Roads", "io_uring with a polling kernel thread", (opens(43, evt_abi="io_uring"),)),
    Case(44, "Roads", "socketcall", (
        Expect(f"evt.type = connect and {acts(44)}", {"fd.sport": "{port}"}),)),

    # -- memory ----------------------------------------------------------------------------------
    Case(45, "Memory", "ptrace", (
        Expect(f"evt.type = ptrace and {acts(45)} and evt.arg.request = PTRACE_ATTACH",
               {"proc.target.pid": "{target}"}),)),
    Case(46, "Memory", "process_vm_writev", (
        Expect(f"evt.type = process_vm_writev and {acts(46)}", {"proc.target.pid": "{target}"}),)),
    Case(47, "Memory", "/proc/PID/mem of another", (
        Expect(f"{OPEN} and {acts(47)} and evt.is_open_write = true and fd.filename = mem",
               {"fd.name": "/proc/{target}/mem"}),)),
    Case(48, "Memory", "/proc/self/mem", (
        Expect(f"{OPEN} and {acts(48)} and evt.is_open_write = true and fd.filename = mem",
               {"fd.name": "/proc/{pid}/mem"}),)),
    Case(49, "Memory", "written memory made executable", (
        Expect(f"evt.type = mprotect and {acts(49)}",
               {"evt.arg.prot": "PROT_READ|PROT_EXEC"}),)),

    # -- network ---------------------------------------------------------------------------------
    Case(50, "Network", "TCP fast open", (
        Expect(f"evt.type = connect and {acts(50)}", {"fd.sport": "{port}"}),)),
    Case(51, "Network", "IPv4 address in IPv6", (
        Expect(f"evt.type = connect and {acts(51)} and fd.sip = 127.0.0.1",
               {"fd.sip": "127.0.0.1", "fd.sport": "{port}"}),)),
    Case(52, "Network", "two destinations in one sendmmsg", (
        Expect(f"evt.type in (sendto, sendmsg, sendmmsg) and {acts(52)}",
               {"fd.sip": "127.0.0.1", "fd.l4proto": "udp", "fd.sport": "{port}"}),
        Expect(f"evt.type in (sendto, sendmsg, sendmmsg) and {acts(52)}",
               {"fd.sip": "127.0.0.1", "fd.l4proto": "udp", "fd.sport": "{port2}"}))),
    Case(53, "Network", "raw socket", (
        Expect(f"evt.type = socket and {acts(53)} and evt.arg.type = 3", {}),)),
    Case(54, "Network", "packet socket", (
        Expect(f"evt.type = socket and {acts(54)} and evt.arg.domain contains PACKET", {}),)),
    Case(55, "Network", "multipath TCP", (
        Expect(f"evt.type = connect and {acts(55)}", {"fd.sport": "{port}"}),)),
    Case(56, "Network", "abstract unix socket", (
        Expect(f"evt.type = connect and {acts(56)} and fd.type = unix", {"fd.name": "@{name}"}),)),
    Case(57, "Network", "vsock, netlink, AF_ALG", (
        Expect(f"evt.type = socket and {acts(57)} and evt.rawres >= 0", {}),)),
    Case(58, "Network", "name query over TCP", (
        Expect(f"evt.type = connect and {acts(58)} and fd.sport = 53 and fd.l4proto = tcp", {}),)),

    # -- identity --------------------------------------------------------------------------------
    Case(59, "Identity", "moved to a cgroup named like a container", (
        Expect(f"{OPEN} and {acts(59)} and fd.name = {{dir}}/secret", {"container.id": "{container}"}),
        Expect(f"evt.kind = process_cgroup and {acts(59)}", {}))),
    Case(60, "Identity", "process older than the agent", attack="older_process"),
    Case(61, "Identity", "user namespace", (
        Expect(f"evt.type = unshare and {acts(61)} and evt.arg.flags contains CLONE_NEWUSER", {}),
        opens(61))),
    Case(62, "Identity", "nested pid namespaces", (
        Expect(f"{OPEN} and {acts(62)} and fd.name = {{dir}}/secret", {"proc.vpid": "1"}),)),

    # -- the agent -------------------------------------------------------------------------------
    Case(63, "Agent", "flood of events", attack="flood"),
    Case(64, "Agent", "killed", (
        Expect(f"evt.type = kill and {acts(64)} and evt.arg.sig = SIGKILL", {"proc.target.pid": "{target}"}),)),
    Case(65, "Agent", "stopped", (
        Expect(f"evt.type = kill and {acts(65)} and evt.arg.sig = SIGSTOP", {"proc.target.pid": "{target}"}),)),
    Case(66, "Agent", "cgroup frozen", (
        Expect(f"{OPEN} and {acts(66)} and evt.is_open_write = true and fd.filename = cgroup.freeze", {}),)),
    Case(67, "Agent", "cgroup.kill", (
        Expect(f"{OPEN} and {acts(67)} and evt.is_open_write = true and fd.filename = cgroup.kill", {}),)),
    Case(68, "Agent", "starved", (
        Expect(f"evt.type = prlimit64 and {acts(68)}", {"proc.target.pid": "{target}"}),
        Expect(f"evt.type = sched_setscheduler and {acts(68)}", {"proc.target.pid": "{target}"}))),
    Case(69, "Agent", "BPF links detached", (
        Expect(f"evt.type = bpf and {acts(69)} and evt.arg.cmd = BPF_LINK_DETACH", {}),)),
    Case(70, "Agent", "maps overwritten", (
        Expect(f"evt.type = bpf and {acts(70)} and evt.arg.cmd = BPF_MAP_UPDATE_ELEM", {}),)),
    Case(71, "Agent", "pins removed", (
        Expect(f"evt.type in (unlink, unlinkat) and {acts(71)}", {"fs.path.name": "{dir}/bpf/pin"}),)),
    # No hook of this tier hangs on the two switches: what is left to see is the attempt.
    Case(72, "Agent", "ftrace switched off", (
        Expect(f"{OPEN} and {acts(72)} and evt.is_open_write = true",
               {"fd.name": "/proc/sys/kernel/ftrace_enabled"}),)),
    Case(73, "Agent", "tracefs events switched off", (
        Expect(f"{OPEN} and {acts(73)} and evt.is_open_write = true and fd.filename = enable", {}),)),
    Case(74, "Agent", "hostile BPF program", (
        Expect(f"evt.type = bpf and {acts(74)} and evt.arg.cmd = BPF_PROG_LOAD", {}),)),
    Case(75, "Agent", "kernel module", (
        Expect(f"evt.type = finit_module and {acts(75)}", {}),)),
    Case(76, "Agent", "spool altered", attack="altered_spool"),
    Case(77, "Agent", "rules altered", attack="altered_rules"),
    Case(78, "Agent", "agent's program exchanged", attack="exchanged_program"),
    Case(79, "Agent", "network cut off", attack="network_cut"),
    Case(80, "Agent", "disk filled", attack="filled_disk"),
    Case(81, "Agent", "clock set", (
        Expect(f"evt.type = clock_settime and {acts(81)}", {}),)),
    Case(82, "Agent", "nested events skipped by the kernel", attack="skipped_events"),
)
