// SPDX-License-Identifier: Apache-2.0
// Event kinds and system-call names, generated from bpf/wire/events.def and the table in kind.cc.
#ifndef VAKT_COMMON_EVENT_KIND_H_
#define VAKT_COMMON_EVENT_KIND_H_

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "absl/types/span.h"

namespace vakt {

enum class Lane : uint8_t { CRITICAL = 0, BULK = 1 };
// Whether events of a kind tell where in its program the call was made.
enum class Stack : uint8_t { NONE = 0, STACK = 1 };

// Kind::process_exec and so on: the stem of the row in bpf/wire/events.def.
enum class Kind : uint8_t {
  none = 0,
#define VAKT_EVENT(stem, id, lane, stack, text) stem = id,
#include "bpf/wire/events.def"
#undef VAKT_EVENT
};

struct KindRow {
  Kind kind;
  std::string_view stem;
  Lane lane;
  Stack stack;
  std::string_view text;
};

// All kinds, in the order of events.def.
absl::Span<const KindRow> AllKinds();
// Those that probes report; the agent makes the others.
absl::Span<const KindRow> KernelKinds();
// Null when no row has this id or stem.
const KindRow* FindKind(uint16_t id);
const KindRow* FindKind(std::string_view stem);
inline std::string_view KindStem(Kind kind) {
  const KindRow* row = FindKind(static_cast<uint16_t>(kind));
  return row == nullptr ? std::string_view("none") : row->stem;
}

// A set of kinds, one bit per id.
using KindSet = uint64_t;
constexpr KindSet KindBit(Kind kind) { return KindSet{1} << static_cast<unsigned>(kind); }

// Kinds that a condition gets which leaves the type of the event open: what processes are and do
// first of all. The others are for rules that name their types: some of their hooks cost every
// system call of the machine.
inline constexpr KindSet kKindsOfAnyRule =
    KindBit(Kind::process_fork) | KindBit(Kind::process_exec) | KindBit(Kind::process_exit) |
    KindBit(Kind::process_seed) | KindBit(Kind::process_rename) | KindBit(Kind::process_signal) |
    KindBit(Kind::process_cgroup) | KindBit(Kind::file_open) | KindBit(Kind::network_connect) |
    KindBit(Kind::network_accept);

// Whose events tell where in its program the call was made.
inline constexpr KindSet kStackKinds = 0
#define VAKT_EVENT(stem, id, lane, stack, text) \
  | (Stack::stack == Stack::STACK ? KindSet{1} << id : 0)
#include "bpf/wire/events.def"
#undef VAKT_EVENT
    ;

constexpr bool In(KindSet kinds, Kind kind) { return (kinds & KindBit(kind)) != 0; }

// Value of evt.type: the system call (or Falco's name for a scheduler event) behind an event.
// `kind` is Kind::none for names that Falco knows and that no probe of ours reports yet: rules may
// name them, and such rules never fire for these types (the rule loader warns).
struct EventTypeRow {
  std::string_view name;  // "openat"
  uint16_t id;            // dense index into AllEventTypes()
  int x86_64_nr;          // system-call number, or -1
  Kind kind;
  Kind failed;                // reports failed attempts, when that is another kind; else none
  std::string_view category;  // evt.category: "process"; empty when `kind` is none
};

using EventTypeId = uint16_t;
inline constexpr EventTypeId kNoEventType = 0xffff;

absl::Span<const EventTypeRow> AllEventTypes();
const EventTypeRow* FindEventType(std::string_view name);
// The row for a system-call number that is reported as `kind`; without one, the kind's type that is
// no system call (procexit, signaldeliver); null when there is none.
const EventTypeRow* FindEventType(Kind kind, int x86_64_nr);

}  // namespace vakt

#endif  // VAKT_COMMON_EVENT_KIND_H_
