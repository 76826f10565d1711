// SPDX-License-Identifier: Apache-2.0
// Who may go in, and when: the door's decisions, without its sockets. Connections are numbers here.
//
//   enters ──► says hello ──► in line ──► let in: a stranger ──► makes a call: known
//
// Sources take turns, so that a crowd of one makes its own line longer and no other's.
// Threads: thread-compatible; whoever holds it passes the time.
#ifndef VAKT_COLLECTOR_DOOR_LOBBY_H_
#define VAKT_COLLECTOR_DOOR_LOBBY_H_

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/time/time.h"
#include "collector/door/door_limits.h"
#include "common/base/token_bucket.h"

namespace vakt {

class Lobby {
 public:
  using Id = uint64_t;
  enum class State : uint8_t { kSilent, kInLine, kStranger, kKnown };
  struct Late {
    Id id = 0;
    State state = State::kSilent;  // in which it stayed too long
  };

  explicit Lobby(const DoorLimits& limits) : limits_(limits) {}

  // False: there is no room for it.
  bool Enter(Id id, const std::string& source, absl::Time now);
  // It has said what it must: it is in line from here on.
  void SaidHello(Id id, absl::Time now);
  // The next to let in; it is a stranger from here on. None: nobody may go in now.
  std::optional<Id> Next(absl::Time now);
  // A stranger made a call. `trusted`: what it took of its source's allowance is given back.
  void MadeCall(Id id, bool trusted);
  // Its source pays for what it did, with strangers that it may not send.
  void Charge(Id id, uint64_t strangers, absl::Time now);
  // Gone, from wherever it was.
  void Leave(Id id);
  // Those whose time is over; they are to be closed, and leave then. Also forgets sources.
  std::vector<Late> TakeLate(absl::Time now);

  size_t waiting() const { return waiting_; }  // not let in
  size_t inside() const { return guests_.size() - waiting_; }
  bool has_line() const { return in_line_ > 0; }

 private:
  struct Guest {
    State state = State::kSilent;
    absl::Time since;  // in the state
    std::string source;
  };
  struct Source {
    explicit Source(const DoorLimits& limits)
        : strangers(limits.strangers_per_second, limits.strangers_burst) {}
    TokenBucket strangers;
    std::deque<Id> line;  // some may have left
    size_t guests = 0, waiting = 0;
    bool has_turn = false;  // is in turns_
  };

  std::optional<Id> TakeFromLine(Source* source);

  const DoorLimits limits_;
  absl::flat_hash_map<Id, Guest> guests_;
  absl::flat_hash_map<std::string, Source> sources_;
  std::deque<std::string> turns_;  // of sources with a line
  size_t waiting_ = 0, in_line_ = 0, strangers_ = 0;
};

}  // namespace vakt

#endif  // VAKT_COLLECTOR_DOOR_LOBBY_H_
