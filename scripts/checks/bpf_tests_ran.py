#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""After a full run of scripts/test: the tests of the probes were not all skipped."""
import re
import subprocess
import sys

import source_tree

LOG = "build/Testing/Temporary/LastTest.log"


def names_of(label):
    listing = subprocess.run(["ctest", "--test-dir", "build", "-N", "-L", f"^{label}$"], cwd=source_tree.TOP,
                             check=True, capture_output=True, text=True).stdout
    return set(re.findall(r"Test\s+#\d+: (\S+)", listing))


def main():
    # One block for each test: "3/21 Test: name", then what it printed.
    blocks = re.split(r"^\d+/\d+ Test: ", source_tree.read(LOG), flags=re.MULTILINE)[1:]
    wanted = names_of("bpf")
    ran = skipped = 0
    for block in blocks:
        if block.split("\n", 1)[0].strip() in wanted:
            ran += len(re.findall(r"^\[       OK \]", block, re.MULTILINE))
            skipped += len(re.findall(r"^\[  SKIPPED \] .*\(\d+ ms\)$", block, re.MULTILINE))
    print(f"{ran} cases of {len(wanted)} probe tests ran, {skipped} were skipped")
    return 0 if ran > 0 else 1


if __name__ == "__main__":
    sys.exit(main())
