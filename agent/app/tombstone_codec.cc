// SPDX-License-Identifier: Apache-2.0
#include "agent/app/tombstone_codec.h"

#include "common/alert/priority.h"
#include "common/time/wall_time.h"
#include "vakt/v1/alert.pb.h"

namespace vakt {
namespace {

// When what the record tells of happened; 0: it does not say.
int64_t WallNsOf(const v1::Record& record) {
  if (record.has_alert() && record.alert().has_time()) return ToWallNs(record.alert().time());
  if (record.has_gap() && record.gap().has_begin()) return ToWallNs(record.gap().begin());
  if (record.has_flow()) return ToWallNs(record.flow().begin());
  if (record.has_lifecycle()) return ToWallNs(record.lifecycle().time());
  return 0;
}

}  // namespace

RecordCodec::Facts TombstoneCodec::Describe(std::string_view bytes) const {
  v1::Record record;
  if (!record.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) return {};
  return {record.boot_id(), WallNsOf(record)};
}

std::string TombstoneCodec::Encode(const Tombstone& tombstone, const ChainHash& after) const {
  v1::Record record;
  record.set_boot_id(tombstone.boot_id.empty() ? boot_id_ : tombstone.boot_id);
  record.set_epoch(tombstone.last.epoch);
  record.set_seq(tombstone.last.seq);
  v1::Gap* gap = record.mutable_gap();
  gap->set_class_(tombstone.reason == LossReason::kCorrupt ? v1::Gap::CLASS_CORRUPT
                                                           : v1::Gap::CLASS_SHED);
  gap->set_count(tombstone.count);
  gap->set_reason(std::string(LossReasonName(tombstone.reason)));
  gap->set_first_seq(tombstone.first.seq);
  gap->set_last_seq(tombstone.last.seq);
  if (tombstone.begin_wall_ns != 0) FromWallNs(tombstone.begin_wall_ns, gap->mutable_begin());
  if (tombstone.end_wall_ns != 0) FromWallNs(tombstone.end_wall_ns, gap->mutable_end());
  for (const auto& [priority, count] : tombstone.by_priority) {
    const std::string name = priority == kNoteClass ? "note"
                             : priority == kFlowClass
                                 ? "flow"
                                 : std::string(PriorityName(static_cast<v1::Priority>(priority)));
    (*gap->mutable_count_by_priority())[name] += count;
  }
  gap->set_chain_after(std::string(AsBytes(after)));
  return record.SerializeAsString();
}

}  // namespace vakt
