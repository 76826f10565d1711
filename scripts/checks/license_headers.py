#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Each source file names its licence at its top."""
import sys

import source_tree

USER_SPACE = "SPDX-License-Identifier: Apache-2.0"
KERNEL = "SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only)"
SUFFIXES = (".cc", ".h", ".c", ".def", ".proto", ".py", ".sh")


def is_script(path):
    return path.startswith(("scripts/", ".ci/")) and source_tree.read(path).startswith("#!")


def main():
    missing = []
    for path in source_tree.files():
        if not path.endswith(SUFFIXES) and not is_script(path):
            continue
        wanted = KERNEL if path.startswith("bpf/") else USER_SPACE
        if wanted not in "\n".join(source_tree.read(path).splitlines()[:2]):
            missing.append(f"{path}: its first lines lack {wanted}")
    print("\n".join(missing), end="\n" if missing else "")
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
