// SPDX-License-Identifier: Apache-2.0
// Which records a segment file holds and about where each is, in little memory: one mark per 64 KiB
// and one wherever the sequence numbers jump. Between two marks they are consecutive, so counts are
// exact without a list of all records. Thread-compatible.
#ifndef VAKT_AGENT_SPOOL_SEGMENT_INDEX_H_
#define VAKT_AGENT_SPOOL_SEGMENT_INDEX_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "agent/spool/position.h"

namespace vakt {

class SegmentIndex {
 public:
  // `position` must be after last().
  void Add(Position position, uint64_t offset);
  // Forgets `position` and what comes after it.
  void RemoveFrom(Position position);

  bool empty() const { return records_ == 0; }
  uint64_t records() const { return records_; }
  // {0, 0} if empty.
  Position first() const { return empty() ? Position{} : marks_.front().first; }
  Position last() const { return last_; }

  // How many of the records come after `position`.
  uint64_t CountAfter(Position position) const { return records_ - CountUpTo(position); }
  uint64_t CountUpTo(Position position) const;
  // The position of record `ordinal`, counted from 0; {0, 0} if there are not so many.
  Position At(uint64_t ordinal) const;
  // The first record after `position`; {0, 0} if there is none.
  Position FirstAfter(Position position) const { return At(CountUpTo(position)); }
  // Where to start reading to meet the first record after `position`: at it or somewhat before.
  uint64_t OffsetBefore(Position position) const;

 private:
  struct Mark {
    Position first;
    uint64_t offset;
    uint64_t ordinal;  // records before this one
  };

  // Index of the last mark that is not after `position`; marks_.size() if there is none.
  size_t MarkFor(Position position) const;
  // Number of records from mark `i` to the next mark.
  uint64_t SpanOf(size_t i) const;

  std::vector<Mark> marks_;
  Position last_;
  uint64_t records_ = 0;
};

}  // namespace vakt

#endif  // VAKT_AGENT_SPOOL_SEGMENT_INDEX_H_
