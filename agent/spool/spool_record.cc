// SPDX-License-Identifier: Apache-2.0
#include "agent/spool/spool_record.h"

#include "common/recordlog/record_format.h"

namespace vakt {

std::string_view ShedReasonName(ShedReason reason) {
  switch (reason) {
    case ShedReason::kQuota:
      return "spool_quota";
    case ShedReason::kDiskFull:
      return "spool_disk_full";
    case ShedReason::kCorrupt:
      return "spool_corrupt";
  }
  return "spool";
}

void EncodeSpoolRecord(const OutRecord& record, std::string* payload) {
  payload->clear();
  AppendLittleEndian(record.position.epoch, 8, payload);
  AppendLittleEndian(record.position.seq, 8, payload);
  AppendLittleEndian(static_cast<uint8_t>(record.priority), 1, payload);
  payload->append(record.bytes);
}

bool DecodeSpoolRecord(std::string_view payload, OutRecord* record) {
  if (payload.size() < kSpoolRecordPrefixBytes) return false;
  record->position.epoch = ReadLittleEndian(payload.substr(0, 8));
  record->position.seq = ReadLittleEndian(payload.substr(8, 8));
  record->priority = static_cast<uint8_t>(payload[16]);
  record->bytes.assign(payload.substr(kSpoolRecordPrefixBytes));
  return true;
}

}  // namespace vakt
