#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The tree speaks of the project alone: no paths of one machine, no unfinished work."""
import re
import sys

import source_tree

FORBIDDEN = [
    (re.compile(r"(?<![\w.])/(work|tmp/vakt)/"), "a path of one machine"),
    (re.compile(r"\b(TODO|FIXME|XXX)\b"), "unfinished work: finish it, or leave it out"),
    (re.compile(r"https?://(deb\.debian\.org|ftp\.|[\w.]*pypi\.org|proxy\.|mirror)"), "a package host"),
]
SUFFIXES = (".cc", ".h", ".c", ".def", ".proto", ".py", ".sh", ".md", ".txt", ".cmake", ".json", ".service")
EXEMPT = ("scripts/checks/words.py", "tests/data/")


def main():
    findings = []
    for path in source_tree.files():
        is_script = path.startswith(("scripts/", ".ci/"))
        if path.startswith(EXEMPT) or not (path.endswith(SUFFIXES) or is_script):
            continue
        for number, line in enumerate(source_tree.read(path).splitlines(), 1):
            for pattern, why in FORBIDDEN:
                if pattern.search(line):
                    findings.append(f"{path}:{number}: {why}: {line.strip()[:80]}")
    print("\n".join(findings), end="\n" if findings else "")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
