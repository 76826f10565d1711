// SPDX-License-Identifier: Apache-2.0
#include "common/recordlog/chain.h"

#include <algorithm>

#include "common/recordlog/record_format.h"

namespace vakt {

ChainHash NextChainHash(const ChainHash& before, const ChainedRecord& record) {
  std::string head;
  head.reserve(kChainHashBytes + 17);
  head.append(AsBytes(before));
  AppendLittleEndian(record.epoch, 8, &head);
  AppendLittleEndian(record.seq, 8, &head);
  AppendLittleEndian(record.record_class, 1, &head);
  return Sha256(head, record.bytes);
}

std::string_view AsBytes(const ChainHash& hash) {
  return {reinterpret_cast<const char*>(hash.data()), hash.size()};
}

std::optional<ChainHash> ChainHashFromBytes(std::string_view bytes) {
  if (bytes.size() != kChainHashBytes) return std::nullopt;
  ChainHash hash;
  std::copy(bytes.begin(), bytes.end(), hash.begin());
  return hash;
}

}  // namespace vakt
