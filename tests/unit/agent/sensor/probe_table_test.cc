// SPDX-License-Identifier: Apache-2.0
#include "agent/sensor/probe_table.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "common/base/file.h"

namespace vakt {
namespace {

TEST(ProbeTable, EveryKindHasAProbeAndEveryProbeHasItsWords) {
  KindSet seen = 0;
  for (const ProbeRow& row : AllProbes()) {
    seen |= KindBit(row.kind);
    EXPECT_FALSE(row.target.empty()) << row.program;
    EXPECT_FALSE(row.blind_spot.empty()) << row.program;
  }
  for (const KindRow& row : AllKinds()) EXPECT_TRUE(seen & KindBit(row.kind)) << row.stem;
}

TEST(ProbeTable, NoHookIsListedTwice) {
  std::set<std::string> hooks;
  for (const ProbeRow& row : AllProbes()) {
    EXPECT_TRUE(hooks.insert(std::string(row.program) + "@" + std::string(row.target)).second)
        << row.program << " " << row.target;
  }
}

TEST(ProbeTable, EveryProgramIsInTheProbeSources) {
  std::string sources;
  for (const char* family : {"process", "file", "network", "seed"}) {
    sources += ReadFile(std::string(VAKT_SOURCE_DIR "/bpf/probes/") + family + ".bpf.c").value();
  }
  for (const ProbeRow& row : AllProbes()) {
    const bool found = sources.find("int " + std::string(row.program) + "(") != std::string::npos ||
                       sources.find("BPF_PROG(" + std::string(row.program)) != std::string::npos;
    EXPECT_TRUE(found) << row.program;
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

TEST(ProbeTable, OnlyFilesNeedSystemCallTracepoints) {
  // Any of them slows every system call of the machine: process and network rules must do without.
  for (const ProbeRow& row : AllProbes()) {
    if (row.type == HookType::kSyscallTracepoint) {
      EXPECT_EQ(row.kind, Kind::file_open) << row.program;
    }
  }
}

}  // namespace
}  // namespace vakt
