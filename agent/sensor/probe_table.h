// SPDX-License-Identifier: Apache-2.0
// The hooks: one row per place where a BPF program is attached. A new hook is a program in
// bpf/probes (or one that is already there) and a row here.
#ifndef VAKT_AGENT_SENSOR_PROBE_TABLE_H_
#define VAKT_AGENT_SENSOR_PROBE_TABLE_H_

#include <string_view>

#include "absl/types/span.h"
#include "common/event/kind.h"

namespace vakt {

enum class HookType : uint8_t {
  kBtfTracepoint,      // named in the program's section; costs others nothing
  kDetail,             // likewise, and adds to what another hook reports
  kSyscallTracepoint,  // `target` is the tracepoint below events/syscalls; taxes every system call,
                       // but in the inline tier
  kEverySyscall,       // named in the program's section; runs at each system call: coverage strict
  kExitRider,          // as kSyscallTracepoint, but only where another one is attached anyway
  kCgroup,             // attached to the root of the cgroup v2 hierarchy
  kIterator,           // run by hand, not attached
  kMapIterator,        // likewise, over the map flow_sockets
};

// How an act is seen. Records of both have the same content.
enum class Tier : uint8_t {
  kTracepoint,  // tracepoints and cgroup programs: what every kernel has
  kInline,      // trampolines on kernel functions: what no rule asks for costs nothing
};

constexpr std::string_view TierName(Tier tier) {
  return tier == Tier::kInline ? "inline" : "tracepoint";
}

constexpr bool IsSyscallExit(HookType type) {
  return type == HookType::kSyscallTracepoint || type == HookType::kExitRider;
}

struct ProbeRow {
  std::string_view program;  // in bpf/probes
  Kind kind;                 // the event kind that it reports; none: it adds up flows
  HookType type;
  std::string_view target;      // what it hooks, for people and for kSyscallTracepoint
  std::string_view blind_spot;  // what cannot be seen when it does not attach
};

// In the place of a kind's bit: probes that add up flows.
inline constexpr KindSet kFlowProbes = KindBit(Kind::none);

absl::Span<const ProbeRow> AllProbes();

// A program reports several kinds from one hook, with one row each; they follow each other.
constexpr bool SameHook(const ProbeRow& a, const ProbeRow& b) {
  return a.program == b.program && a.target == b.target;
}

// Kinds without which the process tree cannot be kept: always wanted.
KindSet EssentialKinds();
// Of these, without which no rule can be judged: a kernel that refuses their hooks is refused.
KindSet RequiredKinds();

}  // namespace vakt

#endif  // VAKT_AGENT_SENSOR_PROBE_TABLE_H_
