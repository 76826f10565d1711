# SPDX-License-Identifier: Apache-2.0
"""The files of the project: what is in the tree, less what is built, run or kept by git."""
import os

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
_SKIPPED = {".git", "run", "__pycache__"}


def files(*suffixes):
    """Paths relative to the top of the tree, sorted, that end in one of `suffixes` (or any)."""
    found = []
    for folder, folders, names in os.walk(TOP):
        at_top = folder == TOP
        folders[:] = [f for f in folders if f not in _SKIPPED and not (at_top and f.startswith("build"))]
        for name in names:
            if not suffixes or name.endswith(suffixes):
                found.append(os.path.relpath(os.path.join(folder, name), TOP))
    return sorted(found)


def read(path):
    with open(os.path.join(TOP, path), encoding="utf-8", errors="replace") as file:
        return file.read()
