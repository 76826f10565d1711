// SPDX-License-Identifier: Apache-2.0
// Puts pieces of streams together that came through the ring: what a socket has sent first, or
// received from a name server. Pieces are numbered; behind a piece that is missing or cut the rest
// of its stream is of no use.
//
// Bounds: `max_streams`, of which those go first that nothing came for longest; kMaxBytes each.
// Threads: pipeline thread only.
#ifndef VAKT_AGENT_FLOW_STREAM_TABLE_H_
#define VAKT_AGENT_FLOW_STREAM_TABLE_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "agent/flow/age_map.h"
#include "bpf/wire/wire.h"

namespace vakt {

class StreamTable {
 public:
  static constexpr size_t kMaxBytes = 16384;

  struct Stream {
    std::string bytes;      // so far; the owner may take away what it has read
    bool is_ended = false;  // nothing will follow them
  };

  explicit StreamTable(size_t max_streams = 128) : streams_(max_streams) {}

  // The piece's stream, with its bytes at the end; null when something before them is missing.
  // Valid until the next call.
  Stream* Add(const vakt_payload& about, std::string_view bytes);
  // What follows is not wanted.
  void Forget(const vakt_payload& about) { streams_.Erase(about.socket); }

  size_t size() const { return streams_.size(); }

 private:
  struct Entry {
    Stream stream;
    uint8_t last_number = 0;
  };

  AgeMap<uint64_t, Entry> streams_;  // by socket
};

}  // namespace vakt

#endif  // VAKT_AGENT_FLOW_STREAM_TABLE_H_
