// SPDX-License-Identifier: Apache-2.0
#include "collector/ingest/malformed_place.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "common/time/wall_time.h"
#include "vakt/v1/alert.pb.h"

namespace vakt {
namespace {

std::optional<StreamHole> HoleBehind(int64_t count, const StreamPlace& before) {
  if (before.seq > std::numeric_limits<int64_t>::max() - count) return std::nullopt;
  return StreamHole{before.boot_id, before.epoch, before.seq + 1, before.seq + count};
}

}  // namespace

std::optional<StreamHole> FindHole(int64_t count, const std::optional<StreamPlace>& before,
                                   const std::optional<StreamPlace>& behind) {
  if (!behind.has_value()) return before.has_value() ? HoleBehind(count, *before) : std::nullopt;
  // Of a run that begins here the whole beginning; of one whose records before this are not known
  // as many as there were.
  int64_t first = std::max<int64_t>(1, behind->seq - count);
  if (before.has_value() && before->epoch < behind->epoch) first = 1;
  if (before.has_value() && before->epoch == behind->epoch && before->seq < behind->seq) {
    first = before->seq + 1;
  }
  if (first < behind->seq) {
    return StreamHole{behind->boot_id, behind->epoch, first, behind->seq - 1};
  }
  // The last ones of the run before.
  if (before.has_value() && before->epoch < behind->epoch) return HoleBehind(count, *before);
  return std::nullopt;
}

RecordRow MakeMalformedGap(const StreamHole& hole, std::vector<MalformedRecord> records,
                           int64_t now_ns) {
  v1::Record record;
  record.set_boot_id(hole.boot_id);
  record.set_epoch(static_cast<uint64_t>(hole.epoch));
  record.set_seq(static_cast<uint64_t>(hole.last));
  v1::Gap* gap = record.mutable_gap();
  gap->set_class_(v1::Gap::CLASS_CORRUPT);
  gap->set_reason("malformed");
  gap->set_count(records.size());
  gap->set_first_seq(static_cast<uint64_t>(hole.first));
  gap->set_last_seq(static_cast<uint64_t>(hole.last));
  FromWallNs(now_ns, gap->mutable_begin());
  FromWallNs(now_ns, gap->mutable_end());
  RecordRow row;
  row.bytes = record.SerializeAsString();
  row.boot_id = hole.boot_id;
  row.epoch = hole.epoch;
  row.seq = hole.last;
  row.first_seq = hole.first;
  row.kind = RecordKind::kGap;
  row.event_ns = now_ns;
  row.malformed = std::move(records);
  return row;
}

}  // namespace vakt
