// SPDX-License-Identifier: Apache-2.0
#include "agent/sensor/probe_table.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "common/base/file.h"
#include "common/event/payload.h"

namespace vakt {
namespace {

TEST(ProbeTable, EveryKindHasAProbeAndEveryProbeHasItsWords) {
  KindSet seen = 0;
  for (const ProbeRow& row : AllProbes()) {
    seen |= KindBit(row.kind);
    EXPECT_FALSE(row.target.empty()) << row.program;
    EXPECT_FALSE(row.blind_spot.empty()) << row.program;
  }
  for (const KindRow& row : KernelKinds()) EXPECT_TRUE(seen & KindBit(row.kind)) << row.stem;
}

TEST(ProbeTable, NoHookIsListedTwiceForAKind) {
  std::set<std::string> hooks;
  for (const ProbeRow& row : AllProbes()) {
    const std::string hook = std::string(row.program) + "@" + std::string(row.target) + " " +
                             std::string(KindStem(row.kind));
    EXPECT_TRUE(hooks.insert(hook).second) << hook;
  }
}

TEST(ProbeTable, EveryProgramIsInTheProbeSources) {
  std::string sources;
  for (const char* family :
       {"process", "act", "call", "file", "file_change", "io_uring", "network", "socket",
        "datagram", "flow_tcp", "flow_datagram", "flow_seed", "traffic", "compat", "seed"}) {
    sources += ReadFile(std::string(VAKT_SOURCE_DIR "/bpf/probes/") + family + ".bpf.c").value();
  }
  for (const ProbeRow& row : AllProbes()) {
    const std::string name(row.program);
    bool found = false;
    for (const std::string& way :
         {"int " + name + "(", "BPF_PROG(" + name, "_EXIT(" + name + ","}) {
      found |= sources.find(way) != std::string::npos;
    }
    EXPECT_TRUE(found) << name;
  }
}

TEST(ProbeTable, TheRowsOfAProgramFollowEachOther) {
  std::set<std::string_view> done;
  std::string_view current;
  for (const ProbeRow& row : AllProbes()) {
    if (row.program == current) continue;
    EXPECT_TRUE(done.insert(row.program).second) << row.program;
    current = row.program;
  }
}

TEST(ProbeTable, OnlyRulesThatNameTheirTypesPayForSystemCallTracepoints) {
  // Any of them slows every system call of the machine: process and network rules do without.
  for (const ProbeRow& row : AllProbes()) {
    if (row.type != HookType::kSyscallTracepoint || row.kind == Kind::file_open) continue;
    EXPECT_FALSE(kKindsOfAnyRule & KindBit(row.kind)) << row.program << " " << row.target;
  }
}

TEST(ProbeTable, ASystemCallIsReportedAsTheKindOfItsType) {
  constexpr std::string_view kExit = "sys_exit_";
  for (const ProbeRow& row : AllProbes()) {
    if (row.type != HookType::kSyscallTracepoint) continue;
    ASSERT_TRUE(row.target.starts_with(kExit)) << row.target;
    // The kernel calls umount2's function umount.
    const std::string_view call =
        row.target == "sys_exit_umount" ? "umount2" : row.target.substr(kExit.size());
    const EventTypeRow* type = FindEventType(call);
    ASSERT_NE(type, nullptr) << row.target;
    EXPECT_TRUE(type->kind == row.kind || type->failed == row.kind) << row.target;
  }
}

TEST(ProbeTable, ConnectionsNeedNoSystemCallTracepoint) {
  // Any of them slows every system call of the machine. Sockets of every family and duplicated
  // descriptors are not seen without one, connections are; the exits of their calls may ride along.
  for (const ProbeRow& row : AllProbes()) {
    if (row.type == HookType::kSyscallTracepoint && In(kNetworkKinds, row.kind)) {
      EXPECT_TRUE(row.kind == Kind::network_socket || row.kind == Kind::network_dup) << row.program;
    }
    if (row.type == HookType::kExitRider) {
      EXPECT_TRUE(In(kNetworkKinds, row.kind)) << row.program;
    }
  }
}

}  // namespace
}  // namespace vakt
