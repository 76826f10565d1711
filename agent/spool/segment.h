// SPDX-License-Identifier: Apache-2.0
// A segment file of the spool: its name, what it holds, and what the chain says that it should
// hold. Plain values and pure functions, thread-safe.
#ifndef VAKT_AGENT_SPOOL_SEGMENT_H_
#define VAKT_AGENT_SPOOL_SEGMENT_H_

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "agent/spool/position.h"
#include "agent/spool/segment_index.h"
#include "agent/spool/spool_record.h"

namespace vakt {

// Which file: numbers rise along the stream, the generation with every rewriting.
struct SegmentName {
  uint64_t number = 0;
  uint32_t generation = 0;

  friend auto operator<=>(const SegmentName&, const SegmentName&) = default;
};

// "<dir>/00000000000000000007.seg", rewritten once: "<dir>/00000000000000000007.1.seg".
std::string SegmentPath(const std::string& dir, SegmentName name);
// nullopt if a file of this name (not path) is no segment.
std::optional<SegmentName> ParseSegmentName(const std::string& file_name);

// Records are given up in this order: flows first, then debug alerts, emergencies later, notes
// last.
inline constexpr size_t kShedRanks = 10;
constexpr size_t ShedRank(int priority) {
  const bool is_note = priority < 0 || priority > kFlowPriority;
  return is_note ? kShedRanks - 1 : static_cast<size_t>(kFlowPriority - priority);
}

// What a reader needs to know of a segment.
struct SegmentSpan {
  SegmentName name;
  ChainPoint begin;        // what precedes it
  ChainPoint end;          // how far it reaches, including records that damage has cost
  uint64_t end_bytes = 0;  // where the last intact record ends
};

struct Segment : SegmentSpan {
  SegmentIndex index;
  std::array<uint64_t, kShedRanks> bytes_of_rank{};  // payload bytes of its records

  void Add(const StoredRecord& stored, uint64_t offset, size_t payload_bytes) {
    index.Add(stored.last(), offset);
    if (!stored.tombstone) bytes_of_rank[ShedRank(stored.record.priority)] += payload_bytes;
  }
};

}  // namespace vakt

#endif  // VAKT_AGENT_SPOOL_SEGMENT_H_
