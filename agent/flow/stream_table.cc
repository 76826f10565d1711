// SPDX-License-Identifier: Apache-2.0
#include "agent/flow/stream_table.h"

#include <algorithm>

namespace vakt {

StreamTable::Stream* StreamTable::Add(const vakt_payload& about, std::string_view bytes) {
  if (about.begins != 0) {
    streams_.Make(about.socket) = {.last_number = static_cast<uint8_t>(about.number - 1)};
  }
  Entry* found = streams_.Use(about.socket);
  if (found == nullptr) return nullptr;
  Entry& entry = *found;
  if (entry.stream.is_ended || static_cast<uint8_t>(entry.last_number + 1) != about.number) {
    streams_.Erase(about.socket);
    return nullptr;
  }
  entry.last_number = about.number;
  const size_t room = kMaxBytes - std::min(kMaxBytes, entry.stream.bytes.size());
  entry.stream.bytes.append(bytes.substr(0, room));
  entry.stream.is_ended = about.truncated != 0 || bytes.size() > room;
  return &entry.stream;
}

}  // namespace vakt
