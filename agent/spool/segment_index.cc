// SPDX-License-Identifier: Apache-2.0
#include "agent/spool/segment_index.h"

#include <algorithm>

namespace vakt {
namespace {

constexpr uint64_t kMarkEveryBytes = 64u << 10;  // what a reader's window takes in one read

}  // namespace

void SegmentIndex::Add(Position position, uint64_t offset) {
  const bool consecutive =
      !empty() && position.epoch == last_.epoch && position.seq == last_.seq + 1;
  if (!consecutive || offset - marks_.back().offset >= kMarkEveryBytes) {
    marks_.push_back({position, offset, records_});
  }
  last_ = position;
  ++records_;
}

size_t SegmentIndex::MarkFor(Position position) const {
  const auto after = std::upper_bound(
      marks_.begin(), marks_.end(), position,
      [](const Position& wanted, const Mark& mark) { return wanted < mark.first; });
  return after == marks_.begin() ? marks_.size() : static_cast<size_t>(after - marks_.begin()) - 1;
}

uint64_t SegmentIndex::SpanOf(size_t i) const {
  return (i + 1 < marks_.size() ? marks_[i + 1].ordinal : records_) - marks_[i].ordinal;
}

uint64_t SegmentIndex::CountUpTo(Position position) const {
  const size_t i = MarkFor(position);
  if (i == marks_.size()) return 0;
  const Mark& mark = marks_[i];
  // Compared before 1 is added: a collector may send any number.
  const bool inside =
      position.epoch == mark.first.epoch && position.seq - mark.first.seq < SpanOf(i);
  return mark.ordinal + (inside ? position.seq - mark.first.seq + 1 : SpanOf(i));
}

Position SegmentIndex::At(uint64_t ordinal) const {
  if (ordinal >= records_) return {};
  const auto after =
      std::upper_bound(marks_.begin(), marks_.end(), ordinal,
                       [](uint64_t wanted, const Mark& mark) { return wanted < mark.ordinal; });
  const Mark& mark = *(after - 1);
  return {mark.first.epoch, mark.first.seq + (ordinal - mark.ordinal)};
}

uint64_t SegmentIndex::OffsetBefore(Position position) const {
  const size_t i = MarkFor(position);
  if (i < marks_.size()) return marks_[i].offset;
  return empty() ? 0 : marks_.front().offset;
}

void SegmentIndex::RemoveFrom(Position position) {
  while (!marks_.empty() && marks_.back().first >= position) {
    records_ = marks_.back().ordinal;
    marks_.pop_back();
  }
  if (marks_.empty()) {
    last_ = {};
    return;
  }
  const Mark& mark = marks_.back();
  uint64_t span = records_ - mark.ordinal;
  if (position.epoch == mark.first.epoch) {
    span = std::min(span, position.seq - mark.first.seq);
  }
  records_ = mark.ordinal + span;
  last_ = {mark.first.epoch, mark.first.seq + span - 1};
}

}  // namespace vakt
