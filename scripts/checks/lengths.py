#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Files and functions that are longer than we aim at. Warns; never fails."""
import sys

import source_tree

FILE_LINES = {".bpf.c": 300, ".cc": 500, ".h": 250}
FUNCTION_LINES = 50


def long_functions(lines):
    begin = None
    for number, line in enumerate(lines, 1):
        if line == "}":
            if begin is not None and number - begin + 1 > FUNCTION_LINES:
                yield begin, number - begin + 1
            begin = None
        elif line and not line[0].isspace() and not line.startswith(("}", "#", "/", "namespace", "class", "struct")):
            begin = number


def main():
    for path in source_tree.files(".cc", ".h", ".bpf.c"):
        lines = source_tree.read(path).splitlines()
        most = next(limit for suffix, limit in FILE_LINES.items() if path.endswith(suffix))
        if len(lines) > most:
            print(f"{path}: {len(lines)} lines, the aim is {most}")
        for begin, length in long_functions(lines):
            print(f"{path}:{begin}: a function of {length} lines, the aim is {FUNCTION_LINES}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
