// SPDX-License-Identifier: Apache-2.0
#include "collector/store/malformed.h"

#include <string_view>

#include "common/base/status.h"

namespace vakt {

absl::Status MalformedWriter::Prepare(Database& database) {
  VAKT_ASSIGN_OR_RETURN(
      insert_, database.Prepare("INSERT INTO malformed (node_id, epoch, seq, received_ns, reason, "
                                "size_bytes, bytes) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)"));
  VAKT_ASSIGN_OR_RETURN(
      count_, database.Prepare("UPDATE node SET malformed = malformed + 1 WHERE id = ?1"));
  VAKT_ASSIGN_OR_RETURN(
      trim_, database.Prepare("DELETE FROM malformed WHERE node_id = ?1 AND id <= (SELECT id FROM "
                              "malformed WHERE node_id = ?1 ORDER BY id DESC LIMIT 1 OFFSET ?2)"));
  VAKT_ASSIGN_OR_RETURN(
      prune_,
      database.Prepare("DELETE FROM malformed WHERE id IN "
                       "(SELECT id FROM malformed WHERE received_ns < ?1 ORDER BY id LIMIT ?2)"));
  return absl::OkStatus();
}

absl::Status MalformedWriter::Add(int64_t node_id, const MalformedRecord& record,
                                  MalformedPlace place, int64_t now_ns) {
  const std::string_view head = std::string_view(record.bytes).substr(0, kMaxMalformedBytes);
  VAKT_RETURN_IF_ERROR(insert_.Run(node_id, place.epoch, place.seq, now_ns, record.reason,
                                   static_cast<int64_t>(record.bytes.size()), Blob{head}));
  VAKT_RETURN_IF_ERROR(count_.Run(node_id));
  return trim_.Run(node_id, kMaxMalformedPerNode);
}

absl::Status MalformedWriter::Prune(int64_t cutoff_ns, int64_t max_records) {
  return prune_.Run(cutoff_ns, max_records);
}

absl::Status MalformedReader::Prepare(Database& database) {
  VAKT_ASSIGN_OR_RETURN(
      list_, database.Prepare("SELECT id, received_ns, epoch, seq, size_bytes, reason, bytes FROM "
                              "malformed WHERE node_id = (SELECT id FROM node WHERE cluster = ?1 "
                              "AND node = ?2) AND id < ?3 ORDER BY id DESC LIMIT ?4"));
  return absl::OkStatus();
}

absl::StatusOr<std::vector<MalformedRow>> MalformedReader::List(const NodeKey& node,
                                                                int64_t before_id,
                                                                int64_t max_records) {
  std::vector<MalformedRow> rows;
  VAKT_RETURN_IF_ERROR(list_.Start(node.cluster, node.node, before_id, max_records));
  while (true) {
    VAKT_ASSIGN_OR_RETURN(const bool has_row, list_.Step());
    if (!has_row) return rows;
    rows.push_back({.id = list_.Int(0),
                    .received_ns = list_.Int(1),
                    .place = {list_.Int(2), list_.Int(3)},
                    .size_bytes = list_.Int(4),
                    .record = {std::string(list_.Bytes(6)), std::string(list_.Text(5))}});
  }
}

}  // namespace vakt
