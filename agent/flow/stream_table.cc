// SPDX-License-Identifier: Apache-2.0
#include "agent/flow/stream_table.h"

#include <algorithm>

namespace vakt {

void StreamTable::Erase(uint64_t socket) {
  const auto found = streams_.find(socket);
  if (found == streams_.end()) return;
  by_age_.erase(found->second.place);
  streams_.erase(found);
}

StreamTable::Stream* StreamTable::Add(const vakt_payload& about, std::string_view bytes) {
  if (about.begins != 0) {
    Erase(about.socket);
    if (streams_.size() >= max_streams_) Erase(by_age_.front());
    Entry& entry = streams_[about.socket];
    entry.last_number = static_cast<uint8_t>(about.number - 1);
    entry.place = by_age_.insert(by_age_.end(), about.socket);
  }
  const auto found = streams_.find(about.socket);
  if (found == streams_.end()) return nullptr;
  Entry& entry = found->second;
  if (entry.stream.is_ended || static_cast<uint8_t>(entry.last_number + 1) != about.number) {
    Erase(about.socket);
    return nullptr;
  }
  entry.last_number = about.number;
  by_age_.splice(by_age_.end(), by_age_, entry.place);
  const size_t room = kMaxBytes - std::min(kMaxBytes, entry.stream.bytes.size());
  entry.stream.bytes.append(bytes.substr(0, room));
  entry.stream.is_ended = about.truncated != 0 || bytes.size() > room;
  return &entry.stream;
}

}  // namespace vakt
