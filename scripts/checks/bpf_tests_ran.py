#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""After a full run of scripts/test: the tests that need root and BPF were not all skipped."""
import re
import subprocess
import sys
import xml.etree.ElementTree as xml

import source_tree

RESULTS = "build/test-results.xml"
LABELS = ("bpf", "e2e")


def names_of(label):
    listing = subprocess.run(["ctest", "--test-dir", "build", "-N", "-L", f"^{label}$"], cwd=source_tree.TOP,
                             check=True, capture_output=True, text=True).stdout
    return set(re.findall(r"Test\s+#\d+: (\S+)", listing))


def count(output):
    """Cases that ran and that were skipped, in the output of GoogleTest and of Python's unittest."""
    skipped = len(re.findall(r"^\[  SKIPPED \] .*\(\d+ ms\)$", output, re.MULTILINE))
    ran = len(re.findall(r"^\[       OK \]", output, re.MULTILINE))
    python_skipped = sum(map(int, re.findall(r"^OK \(.*skipped=(\d+)", output, re.MULTILINE)))
    ran += sum(map(int, re.findall(r"^Ran (\d+) tests? in", output, re.MULTILINE))) - python_skipped
    return ran, skipped + python_skipped


def main():
    results = xml.fromstring(source_tree.read(RESULTS))
    outputs = {case.get("name"): case.findtext("system-out", "") for case in results.iter("testcase")}
    all_skipped = False
    for label in LABELS:
        ran, skipped = count("\n".join(outputs.get(name, "") for name in names_of(label)))
        print(f"{label}: {ran} cases ran, {skipped} were skipped")
        all_skipped = all_skipped or ran == 0
    return 1 if all_skipped else 0


if __name__ == "__main__":
    sys.exit(main())
