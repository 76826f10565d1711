# SPDX-License-Identifier: Apache-2.0
"""What each BPF program costs (build/tests/kernel_cost), compared: with another build's, and with
programs.json, which says what each was worth when it was last looked at. For scripts/kernel-cost and
kernel_cost_test.py."""

import json
import os
import statistics
import subprocess

HERE = os.path.dirname(os.path.abspath(__file__))
BASELINE = os.path.join(HERE, "programs.json")
GROWTH = 1.10       # what a program, and all of them together, may grow by without a new baseline
SLACK = 64          # ... and of the smallest, so many instructions or bytes
SIZES = ("verified", "bytes")
SKIPPED = 77        # status of kernel_cost where it cannot run


class Cannot(Exception):
    """Programs cannot be loaded here; the message says why."""


def measure(program, tier, seconds):
    """What kernel_cost says: kernel, tier, map_bytes, programs."""
    done = subprocess.run([program, "--tier", tier, "--seconds", str(seconds)], capture_output=True, text=True)
    if done.returncode == SKIPPED:
        raise Cannot(done.stderr.strip())
    if done.returncode != 0:
        raise RuntimeError(f"{program} failed: {done.stderr.strip()}")
    return json.loads(done.stdout)


def measure_by_turns(programs, tier, seconds, rounds):
    """For each of `programs`, its figures with the median time per run over `rounds`, taken in turns so
    that a machine that changes its mind does so for all."""
    runs = [[] for _ in programs]
    for number in range(rounds):
        order = list(enumerate(programs))
        for which, program in order if number % 2 == 0 else reversed(order):
            runs[which].append(measure(program, tier, seconds))
    for taken in runs:
        for name, cost in taken[0]["programs"].items():
            times = [run["programs"][name]["ns"] for run in taken if run["programs"][name]["runs"]]
            cost["ns"] = round(statistics.median(times), 1) if times else 0
            cost["runs"] = sum(run["programs"][name]["runs"] for run in taken)
    return [taken[0] for taken in runs]


def kernel_of(figures):
    """Verifiers differ: a baseline is of one kernel, as "6.18 tracepoint"."""
    return ".".join(figures["kernel"].split(".")[:2]) + " " + figures["tier"]


def load_baselines():
    with open(BASELINE, encoding="utf-8") as file:
        return json.load(file)


def save_baseline(figures):
    kept = load_baselines() if os.path.exists(BASELINE) else {}
    kept[kernel_of(figures)] = {name: {size: cost[size] for size in SIZES}
                                for name, cost in sorted(figures["programs"].items())}
    with open(BASELINE, "w", encoding="utf-8") as file:
        json.dump(dict(sorted(kept.items())), file, indent=1)
        file.write("\n")


def allowed(before):
    return max(before * GROWTH, before + SLACK)


def grown(programs, before):
    """One line for each program, and for all together, that is larger than the baseline lets it be."""
    lines = []
    for size in SIZES:
        rows = [(name, before[name][size], cost[size]) for name, cost in programs.items() if name in before]
        rows.append(("all programs", sum(b[size] for b in before.values()),
                     sum(cost[size] for cost in programs.values())))
        lines += [f"{name}: {size} {was} -> {now} (x {now / was:.2f})" for name, was, now in rows
                  if was and now > allowed(was)]
    return lines


def ratio(now, was):
    return f"{now / was:.2f}" if now and was else "-"


def table(now, before):
    """Lines for people: each program's figures now, before, and the ratio."""
    lines = [f"{'':34}{'VERIFIED':^22}{'BYTES':^22}{'NS PER RUN':^22}",
             f"{'PROGRAM':34}" + f"{'now':>8}{'before':>8}{'x':>6}" * 3 + f"{'RUNS':>10}"]
    for name in sorted(set(now["programs"]) | set(before["programs"])):
        cost, was = now["programs"].get(name, {}), before["programs"].get(name, {})
        line = f"{name:34}"
        for figure in (*SIZES, "ns"):
            a, b = cost.get(figure, 0), was.get(figure, 0)
            line += f"{a or '-':>8}{b or '-':>8}{ratio(a, b):>6}"
        lines.append(line + f"{cost.get('runs', 0):>10}")
    return lines
