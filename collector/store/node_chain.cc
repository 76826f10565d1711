// SPDX-License-Identifier: Apache-2.0
#include "collector/store/node_chain.h"

#include <algorithm>
#include <utility>

namespace vakt {
namespace {

using Place = std::pair<int64_t, int64_t>;

Place PlaceOf(const RecordRow& row) { return {row.epoch, row.seq}; }
Place PlaceOf(const ChainEnd& end) { return {end.epoch, end.seq}; }

uint8_t ClassOf(const RecordRow& row) {
  if (row.kind == RecordKind::kFlow) return kFlowClass;
  return row.priority ? static_cast<uint8_t>(*row.priority) : kNoteClass;
}

ChainHash HashOf(const ChainHash& before, const RecordRow& row) {
  if (row.chain_after.has_value()) return *row.chain_after;
  return NextChainHash(before, {.epoch = static_cast<uint64_t>(row.epoch),
                                .seq = static_cast<uint64_t>(row.seq),
                                .record_class = ClassOf(row),
                                .bytes = row.bytes});
}

// A tombstone for records that the store has all the same: their acknowledgement was lost, and the
// node then gave them up. Nothing can be compared there.
bool CoversEnd(const RecordRow& row, const ChainEnd& end) {
  return row.chain_after.has_value() && row.epoch == end.epoch && row.first_seq <= end.seq;
}

}  // namespace

void ComputeChain(RecordBatch* batch) {
  std::optional<ChainHash> hash = batch->before;
  for (RecordRow& row : batch->rows) {
    if (!row.malformed.empty()) {
      hash.reset();
    } else if (hash.has_value() || row.chain_after.has_value()) {
      hash = HashOf(hash.value_or(ChainHash{}), row);
    }
    row.chain = hash;
  }
}

ChainBreak CheckBatch(const ChainEnd& end, const RecordBatch& batch) {
  const std::vector<RecordRow>& rows = batch.rows;
  if (!batch.after.has_value()) return ChainBreak::kUnchained;
  if (rows.back().chain.has_value() && rows.back().chain != batch.after) {
    return ChainBreak::kAltered;
  }
  // The first row at or behind the end; the stream is in order.
  const auto row = std::find_if(rows.begin(), rows.end(), [&](const RecordRow& candidate) {
    return PlaceOf(candidate) >= PlaceOf(end);
  });
  if (row == rows.end()) return ChainBreak::kNone;  // sent again: has been compared
  if (CoversEnd(*row, end)) return ChainBreak::kNone;
  const auto is_malformed = [](const RecordRow& candidate) { return !candidate.malformed.empty(); };
  if (std::any_of(rows.begin(), std::next(row), is_malformed)) return ChainBreak::kNone;
  if (PlaceOf(*row) == PlaceOf(end)) {
    return row->chain == end.hash ? ChainBreak::kNone : ChainBreak::kForked;
  }
  const std::optional<ChainHash>& before =
      row == rows.begin() ? batch.before : std::prev(row)->chain;
  if (before == end.hash) return ChainBreak::kNone;
  return before == ChainHash{} ? ChainBreak::kRestarted : ChainBreak::kForked;
}

ChainBreak CheckHead(const ChainEnd& end, const v1::ChainPoint& head) {
  const Place place = {static_cast<int64_t>(head.position().epoch()),
                       static_cast<int64_t>(head.position().seq())};
  if (place > PlaceOf(end)) return ChainBreak::kNone;  // the first batch will tell
  const std::optional<ChainHash> hash = ChainHashFromBytes(head.hash());
  if (place == PlaceOf(end)) return hash == end.hash ? ChainBreak::kNone : ChainBreak::kForked;
  return hash == ChainHash{} ? ChainBreak::kRestarted : ChainBreak::kRolledBack;
}

std::optional<ChainEnd> EndAfter(const std::optional<ChainEnd>& end, const RecordBatch& batch) {
  if (!batch.after.has_value()) return std::nullopt;
  const RecordRow& last = batch.rows.back();
  if (end.has_value() && PlaceOf(last) < PlaceOf(*end)) return end;
  return ChainEnd{last.epoch, last.seq, last.chain.value_or(*batch.after)};
}

}  // namespace vakt
