# SPDX-License-Identifier: Apache-2.0
"""A day in the life of a node, chore by chore: shell scripts that run in a throwaway copy of the
machine (root_copy.sh). What an administrator would have done before, and what rules rightly speak of,
is a chore's preparation: it is not watched. A new chore is a new row."""

from collections import namedtuple

# needs: programs without which it is skipped.
Chore = namedtuple("Chore", "name needs script preparation", defaults=("",))

PACKAGE = r"""
cd /root
mkdir -p p/DEBIAN p/usr/bin p/usr/sbin p/usr/lib/vakt-day p/lib/systemd/system p/etc/cron.d \
         p/etc/logrotate.d p/etc/sudoers.d p/etc/profile.d p/etc/pam.d p/usr/lib/x86_64-linux-gnu/security
cat >p/DEBIAN/control <<END
Package: day-in-the-life
Version: $1
Architecture: all
Maintainer: nobody <nobody@example.org>
Description: a package with a little of everything
END
printf '/etc/cron.d/day\n/etc/sudoers.d/day\n/etc/profile.d/day.sh\n/etc/pam.d/day\n' >p/DEBIAN/conffiles
cat >p/DEBIAN/postinst <<'END'
#!/bin/sh
set -e
if [ "$1" = configure ]; then
  getent passwd day >/dev/null || useradd --system --shell /usr/sbin/nologin day
  usermod -c "day" day
  groupadd --force --system daygroup
  chmod 4755 /usr/bin/day-setuid
  chown root:day /usr/bin/day-setuid
  chmod 4750 /usr/bin/day-setuid
  setcap cap_net_raw+ep /usr/bin/day-capable || true
  mkdir -p /var/lib/day && chown day: /var/lib/day
  touch -r /usr/bin/day /etc/day.stamp
  ldconfig
  update-alternatives --install /usr/bin/day-alternative day /usr/bin/day 10
  systemd-sysusers --dry-run >/dev/null 2>&1 || true
  ldd /usr/bin/ls >/dev/null
fi
END
printf '#!/bin/sh\nset -e\nupdate-alternatives --remove day /usr/bin/day\n' >p/DEBIAN/prerm
printf '#!/bin/sh\nset -e\n[ "$1" != purge ] || { userdel day || true; rm -rf /var/lib/day; }\n' >p/DEBIAN/postrm
chmod 755 p/DEBIAN/postinst p/DEBIAN/prerm p/DEBIAN/postrm
for name in day day-setuid day-capable; do cp /usr/bin/true p/usr/bin/$name; done
cp /usr/bin/true p/usr/sbin/dayd
printf '[Service]\nExecStart=/usr/sbin/dayd\n' >p/lib/systemd/system/day.service
echo '17 * * * * root true' >p/etc/cron.d/day
echo '/var/log/day.log { weekly }' >p/etc/logrotate.d/day
echo 'day ALL=(root) /usr/bin/true' >p/etc/sudoers.d/day
echo 'true' >p/etc/profile.d/day.sh
echo 'auth required pam_permit.so' >p/etc/pam.d/day
dpkg-deb --build --root-owner-group p day.deb >/dev/null
"""

CHORES = (
    Chore("a package is installed, upgraded, removed and purged", ("dpkg", "dpkg-deb", "useradd"), r"""
build() {
""" + PACKAGE + r"""
}
build 1.0
dpkg -i day.deb
/usr/bin/day
build 1.1
dpkg -i day.deb
dpkg --verify day-in-the-life || true
dpkg -L day-in-the-life >/dev/null
dpkg -r day-in-the-life
dpkg -P day-in-the-life
"""),
    Chore("apt installs a local package", ("apt-get", "dpkg-deb"), r"""
build() {
""" + PACKAGE + r"""
}
build 2.0
apt-get install -y -o APT::Sandbox::User=root -o Debug::NoLocking=1 ./day.deb
apt-get check -o Debug::NoLocking=1
apt-cache policy day-in-the-life
apt-mark showmanual | wc -l
apt-get purge -y -o Debug::NoLocking=1 day-in-the-life
apt-get clean -o Debug::NoLocking=1
"""),
    Chore("Debian packages that lie about are installed", ("dpkg",), r"""
debs=$(find /var/cache/apt/archives -maxdepth 1 -name '*.deb' -size -400k | sort | head -4)
[ -n "$debs" ] || { echo "no packages lie about"; exit 77; }
for deb in $debs; do dpkg --force-depends --force-downgrade -i "$deb"; done
"""),
    Chore("caches and links of the system are brought up to date", ("ldconfig", "update-alternatives"), r"""
ldconfig
update-alternatives --get-selections | head -3
systemd-sysusers --dry-run >/dev/null 2>&1 || true
systemd-tmpfiles --create --dry-run >/dev/null 2>&1 || true
mandb -q --no-purge >/dev/null 2>&1 || true
depmod -n >/dev/null 2>&1 || true
update-ca-certificates >/dev/null 2>&1 || true
locale -a >/dev/null
"""),
    Chore("a C project is built and installed", ("make", "gcc"), r"""
mkdir -p /root/project/src && cd /root/project
for i in 1 2 3 4; do echo "int f$i(int x) { return x + $i; }" >src/f$i.c; done
echo 'int f1(int); int main(void) { return f1(1) - 2; }' >src/main.c
cat >configure <<'END'
#!/bin/sh
echo "int main(void){return 0;}" >conftest.c && gcc -o conftest conftest.c && ./conftest && rm -f conftest*
touch -r configure config.status
END
chmod +x configure && ./configure
printf 'PREFIX ?= /usr/local\nSRC := $(wildcard src/*.c)\nOBJ := $(SRC:.c=.o)\nall: demo\ndemo: libf.a src/main.o\n\t$(CC) -o $@ src/main.o libf.a\nlibf.a: $(filter-out src/main.o,$(OBJ))\n\tar rcs $@ $^\ninstall: demo\n\tinstall -D -m 755 demo $(PREFIX)/bin/demo\ncheck: demo\n\t./demo\nclean:\n\trm -rf demo libf.a src/*.o\n.PHONY: all install check clean\n' >Makefile
make -j2 && make check && make install && strip /usr/local/bin/demo
/usr/local/bin/demo
ldd /usr/local/bin/demo
mkdir -p /tmp/out-of-tree && cp -r . /tmp/out-of-tree/ && cd /tmp/out-of-tree && make clean all check
./demo
cd / && rm -rf /tmp/out-of-tree
"""),
    Chore("a CMake project is built", ("cmake", "g++"), r"""
mkdir -p /root/cm && cd /root/cm
echo 'cmake_minimum_required(VERSION 3.20)
project(x CXX)
add_executable(x x.cc)' >CMakeLists.txt
echo 'int main() {}' >x.cc
cmake -S . -B build >/dev/null && cmake --build build && build/x
"""),
    Chore("Python works: environment, tests, modules, servers", ("python3",), r"""
mkdir -p /root/py && cd /root/py
python3 -m venv --without-pip env && env/bin/python -c 'print(1)'
printf 'import unittest\nclass T(unittest.TestCase):\n  def test(self): self.assertTrue(True)\nunittest.main()\n' >t.py
python3 t.py
python3 -m compileall -q . && python3 -m zipapp env -m x:y -o x.pyz || true
python3 - <<'END'
import base64, concurrent.futures, json, multiprocessing, sqlite3, ssl, subprocess, tempfile, zipfile
with concurrent.futures.ProcessPoolExecutor(2) as pool:
    assert sum(pool.map(abs, range(10))) == 45
with tempfile.NamedTemporaryFile(suffix=".py") as script:
    script.write(b"print(2)"); script.flush()
    subprocess.run(["python3", script.name], check=True)
    subprocess.run(["sh", "-c", "echo " + base64.b64encode(b"x").decode()], check=True)
sqlite3.connect("/tmp/x.db").execute("create table t (x)")
zipfile.ZipFile("/tmp/x.zip", "w").writestr("x", json.dumps({}))
END
"""),
    Chore("curl and Python speak over the loopback interface", ("python3", "curl"), r"""
mkdir /srv/www && echo hello >/srv/www/index.html && cd /srv/www
python3 -m http.server 8080 --bind 127.0.0.1 >/dev/null 2>&1 &
server=$!
for i in $(seq 50); do curl -fsS -o /tmp/page http://127.0.0.1:8080/ 2>/dev/null && break; sleep 0.1; done
curl -fsS http://127.0.0.1:8080/ | grep -q hello
curl -fsS --data-binary @/srv/www/index.html http://127.0.0.1:8080/ || true
python3 -c "import urllib.request as r; assert b'hello' in r.urlopen('http://127.0.0.1:8080/').read()"
bash -c 'exec 3<>/dev/null; echo "$BASH_VERSION"'
kill $server
"""),
    Chore("git is used", ("git",), r"""
export HOME=/root GIT_CONFIG_GLOBAL=/dev/null
mkdir -p /srv/repo && cd /srv/repo
git init -q . && git config user.email a@b && git config user.name a
for i in 1 2 3; do echo $i >f && git add f && git commit -qm "change $i"; done
git clone -q . /srv/clone && cd /srv/clone && git log --oneline | head -2
git gc -q && git fsck && git archive HEAD | tar t && git grep -n 3 || true
git diff HEAD~1 && git stash list && git rebase -q HEAD~1 && git worktree add -q /srv/tree -b other
"""),
    Chore("files are packed, searched and copied", ("tar", "find"), r"""
tar cf /tmp/share.tar /usr/share/doc/bash /usr/share/perl5 2>/dev/null || true
mkdir /tmp/unpacked && tar xf /tmp/share.tar -C /tmp/unpacked
gzip -k /tmp/share.tar && xz -k -0 /tmp/share.tar && rm /tmp/share.tar.*
find /usr/share -name '*.conf' | head -50 | xargs -r grep -l a | wc -l
find /etc -type f -newer /etc/hostname 2>/dev/null | wc -l
find /tmp/unpacked -type f -exec md5sum {} + | sort | head -3
grep -rn root /etc/passwd /etc/group
grep -rn password /tmp/unpacked | wc -l
du -sh /usr/share/doc && ls -lR /tmp/unpacked | wc -l
cp -a /tmp/unpacked /srv/copy && mv /srv/copy /srv/moved && chmod -R g+w /srv/moved && chown -R 1000:1000 /srv/moved
ln -s /srv/moved /srv/link && rm -rf /srv/link /srv/moved /tmp/unpacked
dd if=/dev/zero of=/var/swapfile bs=64k count=4 2>/dev/null
sed -i 's/x/x/' /etc/hosts
vim -es -u NONE -c 'wq' /etc/motd || true
"""),
    Chore("the system is looked at", ("ps",), r"""
ps aux >/dev/null && ps -ef --forest >/dev/null
top -bn1 >/dev/null 2>&1 || true
df -h >/dev/null; free >/dev/null; uptime; id; whoami; uname -a; hostname; date; w >/dev/null || true
ip addr >/dev/null; ip route; ss -tlnp >/dev/null
sysctl -a >/dev/null 2>&1 || true
cat /proc/meminfo /proc/self/status /proc/1/status /proc/self/environ >/dev/null
lsof -p $$ >/dev/null 2>&1 || true
dmesg >/dev/null 2>&1 || true
lsblk >/dev/null 2>&1 || true
journalctl -n1 >/dev/null 2>&1 || true
systemctl --version >/dev/null 2>&1 || true
ldd /usr/bin/python3 >/dev/null
strace -f -o /tmp/trace true 2>/dev/null || true
crontab -l 2>/dev/null || true
getcap /usr/bin/ping 2>/dev/null || true
iptables -L -n >/dev/null 2>&1 || true
bpftool prog list >/dev/null 2>&1 || true
"""),
    Chore("keys and certificates are made", ("ssh-keygen", "openssl"), r"""
mkdir -p -m 700 /root/.ssh
ssh-keygen -q -t ed25519 -N '' -f /root/day_key && ssh-keygen -lf /root/day_key.pub
ssh-keygen -q -t rsa -b 2048 -m PEM -N '' -f /root/day_rsa
ssh-keygen -A >/dev/null
openssl req -x509 -newkey rsa:2048 -nodes -keyout /root/k.pem -out /root/c.pem -subj /CN=x -days 1 2>/dev/null
openssl x509 -in /root/c.pem -noout -subject
openssl enc -aes-256-cbc -pbkdf2 -pass pass:x -in /etc/hostname -out /tmp/enc
"""),
    Chore("cron runs jobs", ("cron",), r"""
cron -f &
cron=$!
for i in $(seq 100); do [ -e /tmp/cron-ran ] && [ -e /tmp/user-cron-ran ] && break; sleep 0.1; done
[ -e /tmp/cron-ran ]
kill $cron
for job in dpkg logrotate man-db; do [ ! -x /etc/cron.daily/$job ] || /etc/cron.daily/$job || true; done
""", r"""
echo '@reboot root touch /tmp/cron-ran; run-parts /root/jobs' >/etc/cron.d/day
mkdir /root/jobs && printf '#!/bin/sh\necho job; find /var/tmp -mtime +7 -delete\n' >/root/jobs/tidy && chmod 755 /root/jobs/tidy
printf '@reboot date >/tmp/user-cron-ran\n' >/var/spool/cron/crontabs/nobody
chown nobody:crontab /var/spool/cron/crontabs/nobody && chmod 600 /var/spool/cron/crontabs/nobody
rm -f /run/crond.reboot
"""),
    Chore("logs are rotated", ("logrotate",), r"""
mkdir -p /var/log/day && for i in 1 2 3 4 5; do date >>/var/log/day/app.log; done
for log in auth.log syslog kern.log wtmp btmp; do echo x >>/var/log/$log.day; done
cat >/root/rotate.conf <<'END'
/var/log/day/app.log { su root root
 rotate 3
 compress
 copytruncate
 missingok }
/var/log/auth.log /var/log/syslog /var/log/wtmp /var/log/btmp { su root root
 rotate 2
 create 0640 root adm
 missingok
 nocompress
 postrotate
  true
 endscript }
END
chmod 644 /root/rotate.conf
logrotate -f -s /tmp/rotate.state /root/rotate.conf
logrotate -f -s /tmp/rotate.state /root/rotate.conf
ls /var/log/day
"""),
    Chore("somebody logs in at a terminal, by su and by sudo", ("su", "sudo", "script", "login"), r"""
su - nobody -s /bin/bash -c 'id; cd /tmp; ls -a'
runuser -u nobody -- id
su root -c 'true'
printf 'id\nexit\n' | timeout 10 script -qec 'login -f root' /dev/null >/dev/null 2>&1 || true
printf 'ls\nexit\n' | timeout 10 script -qec 'bash --login -i' /dev/null >/dev/null 2>&1 || true
sudo -n true
sudo -n -u nobody id
sudo -n sh -c 'echo x >/root/from-sudo; cat /root/from-sudo'
passwd -S root
newgrp root </dev/null
chage -l root >/dev/null
last -n1 >/dev/null 2>&1 || true
"""),
    Chore("somebody logs in by ssh and copies a file", ("/usr/sbin/sshd", "ssh", "scp", "ssh-keygen"), r"""
cd /root && mkdir -p -m 700 .ssh
ssh-keygen -q -t ed25519 -N '' -f .ssh/id_ed25519
ssh-keygen -q -A
cp /root/.ssh/id_ed25519.pub /etc/ssh/root_keys
/usr/sbin/sshd -o ListenAddress=127.0.0.1:2222 -o PermitRootLogin=yes -o StrictModes=no \
  -o AuthorizedKeysFile=/etc/ssh/root_keys -o UsePAM=yes
o="-o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR"
for i in $(seq 50); do ssh $o -p 2222 127.0.0.1 true 2>/dev/null && break; sleep 0.1; done
ssh $o -p 2222 127.0.0.1 'id; uname -a; ls /root'
ssh $o -tt -p 2222 127.0.0.1 'echo terminal' </dev/null
scp $o -P 2222 /etc/hostname 127.0.0.1:/tmp/hostname
sftp $o -P 2222 -b - 127.0.0.1 <<'END'
ls /tmp
END
"""),
    Chore("a container is started, checked and ended", ("runc", "/bin/busybox"), r"""
mkdir -p /run/c/rootfs/bin /run/c/rootfs/etc /run/c/rootfs/proc /run/c/rootfs/dev \
         /run/c/rootfs/sys /run/c/rootfs/tmp && cd /run/c
cp /bin/busybox rootfs/bin/busybox
for name in sh ls cat id sleep wget ps; do ln rootfs/bin/busybox rootfs/bin/$name; done
echo 'root:x:0:0:root:/root:/bin/sh' >rootfs/etc/passwd
runc spec
python3 - "$CONTAINER_CGROUP" <<'END'
import json, sys
spec = json.load(open("config.json"))
spec["process"].update(terminal=False, args=["sh", "-c", "id; ls /; cat /etc/passwd; ps; sleep 3"])
spec["linux"]["cgroupsPath"] = sys.argv[1]
spec["linux"].pop("resources", None)
spec["process"].pop("rlimits", None)
spec["mounts"] = [m for m in spec["mounts"] if m["type"] != "cgroup"]
json.dump(spec, open("config.json", "w"))
END
runc --root /run/runc-day run day >/tmp/container.log 2>&1 &
container=$!
for i in $(seq 50); do runc --root /run/runc-day exec day sh -c 'cat /etc/passwd; ls' >/dev/null 2>&1 && break; sleep 0.1; done
runc --root /run/runc-day exec day id
wait $container
cat /tmp/container.log
"""),
    Chore("a root directory is made and used", ("unshare", "/bin/busybox"), r"""
mkdir -p /srv/root/bin /srv/root/proc && cp /bin/busybox /srv/root/bin/ && ln /srv/root/bin/busybox /srv/root/bin/sh
chroot /srv/root /bin/busybox ls /
unshare --mount --pid --fork --mount-proc --uts sh -c 'hostname day; mount -t tmpfs none /mnt; ps; umount /mnt'
unshare --user --map-root-user --net sh -c 'ip link; id'
"""),
)
