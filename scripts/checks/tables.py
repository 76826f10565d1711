#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Each event kind of bpf/wire/events.def has all its parts: the same stem in every layer."""
import re
import sys

import source_tree

# Part -> where (prefixes of paths) and what to find there.
PARTS = [
    ("wire struct", "bpf/wire/", r"\b(struct vakt_)?{stem}\b"),
    ("probe", ("bpf/probes/", "bpf/lib/"), r"\b(KIND_)?{stem}\b"),
    ("decoder", "agent/decode/", r"\bDecode_{stem}\b"),
    ("proto field", "proto/vakt/v1/event.proto", r"\b{stem} = \d+;"),
    ("codec", "common/event/", r"\b{stem}\b"),
    ("probe test", "tests/bpf/", r"\b{stem}\b"),
]


def main():
    rows = re.findall(r"^VAKT_EVENT\((\w+),\s*(\d+)", source_tree.read("bpf/wire/events.def"), re.MULTILINE)
    findings = []
    ids = [number for _, number in rows]
    findings += [f"events.def: id {number} is used twice" for number in set(ids) if ids.count(number) > 1]
    paths = source_tree.files(".h", ".c", ".cc", ".proto")
    for part, prefix, pattern in PARTS:
        text = "\n".join(source_tree.read(path) for path in paths if path.startswith(prefix))
        for stem, _ in rows:
            if not re.search(pattern.format(stem=stem), text):
                findings.append(f"{stem}: no {part} in {prefix if isinstance(prefix, str) else prefix[0]}")
    print("\n".join(findings), end="\n" if findings else "")
    return 1 if findings or not rows else 0


if __name__ == "__main__":
    sys.exit(main())
