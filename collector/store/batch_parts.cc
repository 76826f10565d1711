// SPDX-License-Identifier: Apache-2.0
#include "collector/store/batch_parts.h"

#include <utility>

namespace vakt {
namespace {

size_t BytesOf(const std::vector<MalformedRecord>& records) {
  size_t bytes = 0;
  for (const MalformedRecord& record : records) bytes += sizeof(record) + record.bytes.size();
  return bytes;
}

size_t BytesOf(const RecordRow& row) {
  return sizeof(row) + row.bytes.size() + BytesOf(row.malformed);
}

}  // namespace

size_t BytesOf(const RecordBatch& batch) {
  size_t bytes = BytesOf(batch.strays);
  for (const RecordRow& row : batch.rows) bytes += BytesOf(row);
  return bytes;
}

std::vector<RecordBatch> SplitBatch(RecordBatch batch, size_t part_bytes) {
  std::vector<RecordBatch> parts(1);
  parts[0].before = batch.before;
  parts[0].strays = std::move(batch.strays);
  size_t bytes = 0;
  for (size_t i = 0; i < batch.rows.size(); ++i) {
    RecordRow& row = batch.rows[i];
    // A node that tells its chain must tell it in each part, which it cannot behind a record that
    // could not be taken.
    const bool may_end = row.chain.has_value() || !batch.after.has_value();
    const std::optional<ChainHash> chain = row.chain;
    bytes += BytesOf(row);
    parts.back().rows.push_back(std::move(row));
    if (bytes < part_bytes || !may_end || i + 1 == batch.rows.size()) continue;
    if (batch.after.has_value()) parts.back().after = chain;
    parts.emplace_back().before = chain;
    bytes = 0;
  }
  parts.back().after = batch.after;
  return parts;
}

}  // namespace vakt
