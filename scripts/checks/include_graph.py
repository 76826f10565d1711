#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Dependencies point one way, and each library of others stays where it is wrapped."""
import re
import sys

import source_tree

# What is included (a regular expression on the name) -> the paths that may (likewise).
ONLY_IN = [
    # Libraries of others.
    (r"bpf/(libbpf|bpf|btf)\.h|vakt\.skel\.h", r"agent/sensor/|bpf/|tests/"),
    (r"grpc.*|.*\.grpc\.pb\.h", r"agent/(uplink|enrich|admin)/|collector/|cli/|tests/"),
    (r"spdlog/.*", r"common/base/log\.cc"),
    (r"yaml-cpp/.*", r"common/(config/config_file|rulelang/yaml_reader)\.cc|cli/|tests/"),
    (r"curl/.*", r"collector/(sink/http_client|workload/http_stream)\.cc|tests/"),
    (r"civetweb\.h", r"common/http/|tests/"),
    (r"sqlite3\.h", r"collector/store/|tests/"),
    (r"re2/.*", r"common/rulelang/|agent/match/|tests/"),
    # Our own layers.
    (r"bpf/(lib|probes)/.*", r"bpf/"),
    (r"bpf/wire/prefilter\.h", r"bpf/|agent/(match|sensor)/|tests/"),  # one compiles it, one installs it
    (r"bpf/wire/(?!prefilter\.h).*", r"bpf/|agent/(decode|flow|sensor)/|agent/app/flow_stage\.cc|common/(event/(kind|payload)|event_codec/.*)\.(h|cc)|tests/"),
    (r"agent/app/.*", r"agent/(app/|main\.cc)|cli/|tests/"),
    (r"agent/main.*|collector/main.*|cli/main.*", r"^$"),
    (r"collector/.*", r"collector/|tests/"),
    (r"cli/.*", r"cli/|tests/"),
    (r"tests/.*", r"tests/"),
]

# agent/<stage> -> the other stages whose types it speaks. app chains them all.
STAGE_MAY_INCLUDE = {
    "sensor": set(),
    "flow": {"sensor"},  # which hands out the kernel's sums
    "decode": set(),
    "enrich": set(),
    "match": set(),
    "correlate": set(),
    "spool": set(),
    "uplink": {"spool"},  # what it sends lies there
    "admin": set(),
}

# vaktctl runs the agent's pipeline over recordings and reads its spool, and nothing else of the agent.
CLI_MAY_INCLUDE = (r"agent/app/(pipeline|replay)\.h|agent/match/(matcher|prefilter)\.h|"
                   r"agent/spool/spool_scan\.h")

INCLUDE = re.compile(r'^\s*#\s*include\s*[<"]([^>"]+)[>"]', re.MULTILINE)


def broken_rule(path, included):
    for what, where in ONLY_IN:
        if re.fullmatch(what, included) and not re.match(where, path):
            return f"only {where} may include it"
    top = path.split("/")[0]
    if not included.startswith("agent/") or top in ("tests",):
        return None
    if top == "cli":
        return None if re.fullmatch(CLI_MAY_INCLUDE, included) else f"cli may include only {CLI_MAY_INCLUDE}"
    if top != "agent":
        return f"{top} never includes the agent"
    stage, other = path.split("/")[1], included.split("/")[1]
    if stage in STAGE_MAY_INCLUDE and other != stage and other not in STAGE_MAY_INCLUDE[stage]:
        return "stages do not know each other: agent/app chains them"
    return None


def main():
    findings = []
    for path in source_tree.files(".h", ".cc", ".c"):
        for included in INCLUDE.findall(source_tree.read(path)):
            rule = broken_rule(path, included)
            if rule:
                findings.append(f"{path} includes {included}: {rule}")
    print("\n".join(findings), end="\n" if findings else "")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
