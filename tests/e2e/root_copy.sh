#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# root_copy.sh DIR CGROUP PREPARATION CHORE: runs two scripts in a throwaway copy of this machine: an
# overlay over its root directory, in namespaces of its own for mounts, processes and the network.
# What they install, change or break goes with it. DIR is an empty directory; the chore runs in the
# control group, its preparation does not.
set -e
if [ "$1" != --inside ]; then
  exec unshare --mount --net --pid --fork --kill-child --uts --ipc --propagation private sh "$0" --inside "$@"
fi
dir=$2
cgroup=$3
preparation=$4
chore=$5
mount -t tmpfs none "$dir"
mkdir "$dir/upper" "$dir/work" "$dir/root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$dir/upper,workdir=$dir/work" "$dir/root"
cp "$preparation" "$dir/root/preparation"
cp "$chore" "$dir/root/chore"
cd "$dir/root"
mount --rbind /dev dev
mount --rbind /sys sys
mount -t proc proc proc
mount -t tmpfs none tmp
chmod 1777 tmp
mount -t tmpfs none run
mount -t tmpfs none var/tmp
chmod 1777 var/tmp
mkdir -p old_root run/sshd run/lock run/user
pivot_root . old_root
cd /
umount -l /old_root
ip link set lo up
sh -e /preparation
echo 0 >"$cgroup/cgroup.procs"
exec sh -c "sh -e /chore; exit \$?"
