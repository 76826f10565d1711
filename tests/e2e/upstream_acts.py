# SPDX-License-Identifier: Apache-2.0
"""For each of Falco's upstream rules a harmless act that makes it fire: a shell script for a throwaway
copy of the machine, after live_acts.PRELUDE; or the reason why none can on one machine."""

from live_acts import Act

# A container's first program: process 1 of a pid namespace that also leads its process group.
FIRST = "unshare --pid --fork --mount-proc setsid --wait"
PYTHON_SYSCALL = "python3 -c \"import ctypes; libc = ctypes.CDLL(None); {}\""

STABLE = (
    Act("Directory traversal monitored file read",
        "mkdir -p /srv/a; cd /srv/a; timeout 9 python3 -c \"open('/srv/a/../../../etc/passwd')\""),
    Act("Read sensitive file trusted after startup",
        "cp /usr/bin/bash /usr/local/bin/httpd; /usr/local/bin/httpd -c 'sleep 6; : </etc/shadow'"),
    Act("Read sensitive file untrusted", "cat /etc/shadow >/dev/null"),
    Act("Run shell untrusted",
        "cp /usr/bin/bash /usr/local/bin/httpd; /usr/local/bin/httpd -c 'bash -c true; true'"),
    Act("System user interactive", """
cp /usr/bin/bash /usr/local/bin/sshd
child="setpriv --reuid=1 --clear-groups /usr/bin/true"
script -qec "/usr/local/bin/sshd -c '$child; true'" /dev/null"""),
    Act("Terminal shell in container", r"""
cp /usr/bin/bash /usr/local/bin/runc
script -qec "/usr/local/bin/runc -c 'sh -c true; true'" /dev/null""", True),
    Act("Netcat Remote Code Execution in Container", "call nc -e /bin/sh 127.0.0.1", True),
    Act("Search Private Keys or Passwords", "find /srv -name id_rsa"),
    Act("Clear Log Activities", ": >/var/log/syslog"),
    Act("Remove Bulk Data from Disk", "call shred /srv/x"),
    Act("Create Symlink Over Sensitive Files", "ln -s /etc/shadow /srv/x"),
    Act("Create Hardlink Over Sensitive Files", "ln /etc/shadow /etc/x"),
    Act("Packet socket created in container",
        "python3 -c 'import socket; socket.socket(socket.AF_PACKET, socket.SOCK_RAW)'", True),
    Act("Redirect STDOUT/STDIN to Network Connection in Container", """
serve 127.0.0.1 4444
python3 -c "import os, socket
peer = socket.create_connection(('127.0.0.1', 4444))
os.dup2(peer.fileno(), 0)"
kill $server""", True),
    Act("Linux Kernel Module Injection Detected",
        PYTHON_SYSCALL.format("libc.syscall(175, None, 0, None)"), True),
    Act("Detect release_agent File Container Escapes", ": >>/srv/release_agent", True),
    Act("PTRACE attached to process",
        "sleep 5 & " + PYTHON_SYSCALL.format("print(libc.ptrace(16, $!, 0, 0))") + "; kill $!"),
    Act("PTRACE anti-debug attempt", PYTHON_SYSCALL.format("libc.ptrace(0, 0, 0, 0)")),
    Act("Find AWS Credentials", "grep -r aws_access_key_id /srv || true"),
    Act("Execution from /dev/shm",
        "fake /dev/shm/x; /dev/shm/x", False, "mount -t tmpfs none /dev/shm"),
    Act("Drop and execute new binary in container", "call brought-along", True),
    Act("Disallowed SSH Connection Non Standard Port",
        "serve 192.0.2.1 443; ssh -o ConnectTimeout=1 -p 443 192.0.2.1 true || true; kill $server"),
    Act("Fileless execution via memfd_create", r"""python3 -c "
import os
fd = os.memfd_create('payload', 0)
os.write(fd, open('/bin/true', 'rb').read())
os.execve(fd, ['innocent'], {})" """),
)

INCUBATING = (
    Act("Modify Shell Configuration File", "python3 -c \"open('/root/.bashrc', 'a')\""),
    Act("Schedule Cron Jobs", ": >/etc/cron.d/x"),
    Act("Read ssh information",
        "cat /root/.ssh/config", False, "mkdir -p /root/.ssh; : >/root/.ssh/config"),
    Act("DB program spawned process",
        "cp /usr/bin/bash /usr/local/bin/mysqld; /usr/local/bin/mysqld -c 'ls /srv; true'"),
    Act("Change thread namespace",
        "python3 -c \"import ctypes, os; print(ctypes.CDLL(None).setns(os.open('/proc/self/ns/uts', 0), 0))\""),
    Act("Change namespace privileges via unshare",
        "setpriv --bounding-set=-sys_admin --inh-caps=-sys_admin unshare --user true", True),
    Act("Launch Excessively Capable Container", f"{FIRST} /usr/bin/true", True),
    Act("System procs network activity",
        "serve 192.0.2.1 4444; bash -c 'exec 3<>/dev/tcp/192.0.2.1/4444'; kill $server"),
    Act("Program run with disallowed http proxy env",
        "HTTP_PROXY=http://127.0.0.1:1 curl --version >/dev/null"),
    Act("Unexpected UDP Traffic", """
ip addr add 192.0.2.1 dev lo
python3 -c "import socket
socket.socket(socket.AF_INET, socket.SOCK_DGRAM).connect(('192.0.2.1', 9999))" """),
    Act("Non sudo setuid",
        "setpriv --reuid=1 --clear-groups --inh-caps=+setuid --ambient-caps=+setuid "
        "python3 -c 'import os; os.setuid(2)'"),
    Act("User mgmt binaries", "call useradd eve"),
    Act("Create files below dev",
        "rm -f /dev/vakt-x; : >/dev/vakt-x", False, "mount -t tmpfs none /dev"),
    Act("Contact EC2 Instance Metadata Service From Container",
        "serve 169.254.169.254 80; curl -s -m 1 http://169.254.169.254/ || true; kill $server", True),
    Act("Contact cloud metadata service from container",
        "serve 169.254.169.254 80; curl -s -m 1 http://169.254.169.254/ || true; kill $server", True),
    Act("Launch Package Management Process in Container", "dpkg --version", True),
    Act("Launch Suspicious Network Tool in Container", "call nmap 127.0.0.1", True),
    Act("Launch Suspicious Network Tool on Host", "call nmap 127.0.0.1"),
    Act("Delete or rename shell history",
        ": >/root/.bash_history", False, "echo x >/root/.bash_history"),
    Act("Set Setuid or Setgid bit", "chmod u+s /srv/x", False, ": >/srv/x"),
    Act("Launch Remote File Copy Tools in Container", "call scp x y", True),
    Act("Launch Ingress Remote File Copy Tools in Container",
        "call wget http://127.0.0.1:1/", True),
    Act("Read environment variable from /proc files", "cat /proc/1/environ >/dev/null", True),
    Act("Exfiltrating Artifacts via Kubernetes Control Plane", r"""
cp /usr/bin/bash /usr/local/bin/runc
/usr/local/bin/runc -c 'tar cf /srv/x.tar /srv/data; true'""", True, "echo x >/srv/data"),
    Act("Adding ssh keys to authorized_keys",
        "python3 -c \"open('/root/.ssh/authorized_keys', 'a')\"", False, "mkdir -p /root/.ssh"),
    Act("Potential Local Privilege Escalation via Environment Variables Misuse",
        "GLIBC_TUNABLES=glibc.malloc.check=1 /usr/bin/true"),
    Act("Backdoored library loaded into SSHD (CVE-2024-3094)",
        "cp /usr/bin/bash /usr/local/bin/sshd; : >/srv/liblzma.so.5.6.0; /usr/local/bin/sshd -c ': </srv/liblzma.so.5.6.0'"),
    Act("BPF Program Not Profiled", PYTHON_SYSCALL.format("libc.syscall(321, 5, None, 0)")),
)

CANNOT = {
    "Contact K8S API Server From Container": "asks for the address of a name that only a cluster resolves",
    "Debugfs Launched in Privileged Container": "asks a container runtime whether the container is privileged",
    "Launch Privileged Container": "asks a container runtime whether the container is privileged",
    "Mount Launched in Privileged Container": "asks a container runtime whether the container is privileged",
    "Network Connection outside Local Subnet": "holds for no namespace as shipped: its list of namespaces is empty",
}
