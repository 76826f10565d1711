# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# What the scripts share. Source it; it moves to the top of the tree.

ROOT="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
cd "$ROOT" || exit 1
export PATH="$PATH:/usr/sbin:/sbin"  # bpftool, for users without them

step() { printf '==> %s\n' "$*"; }

fail() {
  printf '%s: %s\n' "${0##*/}" "$*" >&2
  exit 1
}

# The comment below the licence line of the calling script.
usage() { sed -n '3,/^[^#]/{/^#/s/^# \{0,1\}//p}' "$0"; }
