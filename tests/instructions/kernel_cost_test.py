#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""No BPF program grew by more than a tenth since tests/instructions/programs.json was last written
(scripts/kernel-cost --update, in the commit that makes it grow), and a growth would be noticed."""

import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.dont_write_bytecode = True
import program_cost  # noqa: E402

PROGRAM = os.path.join(os.environ["VAKT_BUILD_DIR"], "tests", "kernel_cost")
TIER = os.environ.get("VAKT_TEST_TIER", "auto")


class KernelCost(unittest.TestCase):
    def test_no_program_grew_unsaid(self):
        try:
            figures = program_cost.measure(PROGRAM, TIER, seconds=0)
        except program_cost.Cannot as why:
            self.skipTest(str(why))
        kernel = program_cost.kernel_of(figures)
        before = program_cost.load_baselines().get(kernel)
        if before is None:
            self.skipTest(f"there is no baseline of Linux {kernel}: scripts/kernel-cost --update makes one")
        for name in sorted(set(figures["programs"]) ^ set(before)):
            print(f"{name} is {'new' if name in figures['programs'] else 'gone'}: scripts/kernel-cost --update")
        self.assertEqual(program_cost.grown(figures["programs"], before), [],
                         "if this is what it should cost: scripts/kernel-cost --update")

    def test_growth_is_noticed(self):
        before = {"large": {"verified": 10000, "bytes": 5000}, "small": {"verified": 10, "bytes": 50}}
        same = {"large": {"verified": 10900, "bytes": 5000}, "small": {"verified": 70, "bytes": 50}}
        self.assertEqual(program_cost.grown(same, before), [])
        one = {**before, "large": {"verified": 11020, "bytes": 5000}}
        self.assertEqual(len(program_cost.grown(one, before)), 2, "it, and all together")
        added = {**before, "new": {"verified": 5000, "bytes": 1}}
        self.assertEqual(len(program_cost.grown(added, before)), 1, "all together")
        self.assertEqual(program_cost.grown({"large": before["large"]}, before), [])

    def test_what_is_written_is_what_is_read(self):
        kernels = program_cost.load_baselines()
        self.assertTrue(kernels)
        for programs in kernels.values():
            self.assertIn("process_exec", programs)
            self.assertTrue(all(cost["verified"] > 0 for cost in programs.values()))


if __name__ == "__main__":
    unittest.main()
