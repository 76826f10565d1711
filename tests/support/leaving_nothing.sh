#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# leaving_nothing.sh PROGRAM [ARGUMENTS...]
# Runs a test with a temporary directory of its own (TMPDIR), short enough for the names of unix
# sockets, and fails when the test leaves anything there.
directory=$(mktemp -d "${TMPDIR:-/tmp}/t.XXXXXX") || exit 1
TMPDIR=$directory "$@"
status=$?
left=$(ls -A "$directory")
rm -rf "$directory"
if [ -n "$left" ]; then
  echo "$1 left in its temporary directory: $left" >&2
  exit 1
fi
exit $status
