#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Shipped rules against the real kernel: a harmless act of each kind, and quiet neighbours."""

import os
import shutil
import subprocess
import unittest

import harness
from harness import KernelTestCase


class LiveRules(KernelTestCase):
    def setUp(self):
        super().setUp()
        self.start_agent("--rule-matching", "all")

    def test_program_run_from_memory(self):
        self.act("python3", "-c", """
import os
fd = os.memfd_create("payload", 0)
os.write(fd, open("/bin/true", "rb").read())
os.execve(fd, ["innocent"], {})
""")
        [alert] = self.wait_alert("Program run from memory")
        self.assertEqual(alert["priority"], "Critical")
        self.assertIn("memfd:payload", alert["output"])

    def test_deleted_program_run(self):
        copy = self.path("copy")
        shutil.copy("/bin/true", copy)
        self.act("python3", "-c", f"""
import os
fd = os.open({copy!r}, os.O_RDONLY)
os.unlink({copy!r})
os.execve(fd, ["x"], {{}})
""")
        self.wait_alert("Deleted program run")

    def test_program_run_from_shared_memory(self):
        program = f"/dev/shm/vakt-e2e-{os.getpid()}"
        shutil.copy("/bin/true", program)
        self.addCleanup(os.unlink, program)
        self.act(program)
        [alert] = self.wait_alert("Program run from a world-writable directory")
        self.assertEqual(alert["output_fields"]["proc.exepath"], program)

    def test_credential_file_read_through_a_symbolic_link(self):
        link = self.path("innocent.txt")
        os.symlink("/etc/shadow", link)
        self.act("cat", link, stdout=subprocess.DEVNULL)
        alerts = self.wait_alert("Credential file read by an unexpected program")
        self.assertEqual(alerts[0]["output_fields"]["fd.name"], "/etc/shadow")
        self.assertIn(link, alerts[0]["output"])

    def test_write_below_a_binary_directory(self):
        # In a mount namespace of its own, over a tmpfs: the machine's directory is not touched.
        self.act("unshare", "-m", "sh", "-c",
                 "mount -t tmpfs none /usr/libexec && echo x > /usr/libexec/vakt-e2e")
        [alert] = self.wait_alert("Write below a binary directory")
        self.assertEqual(alert["output_fields"]["fd.name"], "/usr/libexec/vakt-e2e")

    def test_write_to_a_place_that_survives_a_restart(self):
        self.act("unshare", "-m", "sh", "-c",
                 "mkdir -p /etc/cron.d && mount -t tmpfs none /etc/cron.d && echo x > /etc/cron.d/job")
        self.wait_alert("Write to a place that survives a restart")

    def test_tool_joins_a_shell_to_the_network(self):
        self.act("bash", "-c", "exit 0; exec >/dev/tcp/127.0.0.1/9")
        [alert] = self.wait_alert("Tool joins a shell to the network")
        self.assertEqual(alert["output_fields"]["proc.name"], "bash")

    def test_connection_to_the_metadata_service(self):
        # In a network namespace where the address is the loopback interface's own.
        self.act("unshare", "-n", "sh", "-c",
                 "ip link set lo up && ip addr add 169.254.169.254/32 dev lo && python3 -c '"
                 "import socket; s = socket.socket(); s.settimeout(2); "
                 "l = socket.create_server((\"169.254.169.254\", 80)); "
                 "s.connect((\"169.254.169.254\", 80))'")
        [alert] = self.wait_alert("Connection to the cloud metadata service")
        self.assertIn("->169.254.169.254:80", alert["output"])

    def test_demonstration(self):
        self.act("true", "vakt-demonstration-e2e")
        self.wait_alert("Vakt demonstration")

    def test_everyday_acts_are_quiet(self):
        for command in ("ls -l /etc", "cat /etc/hostname /etc/passwd", "grep -r root /etc/group",
                        "cp /etc/hostname /tmp/vakt-quiet && rm /tmp/vakt-quiet",
                        "python3 -c 'print(1)'", "find /usr/share/doc -maxdepth 1 | head",
                        "tar cf /dev/null /etc/default", "sleep 0.1", "date; id; uname -a"):
            self.act("sh", "-c", command)
        self.act("true", "vakt-demonstration-end")  # behind it, all the others were evaluated
        self.wait_alert("Vakt demonstration")
        self.assertEqual([a["output"] for a in self.alerts() if a["rule"] != "Vakt demonstration"], [])


if __name__ == "__main__":
    unittest.main(verbosity=2)
