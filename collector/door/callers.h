// SPDX-License-Identifier: Apache-2.0
// What each identity does behind the door: its connections, and how fast it makes calls. An
// identity that makes too many is in debt, and out until that is paid: what it sends is not read
// any faster for coming back. Threads: thread-compatible; whoever holds it passes the time.
#ifndef VAKT_COLLECTOR_DOOR_CALLERS_H_
#define VAKT_COLLECTOR_DOOR_CALLERS_H_

#include <cstddef>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/time/time.h"
#include "collector/door/door_limits.h"
#include "common/base/token_bucket.h"

namespace vakt {

// Who makes a call.
struct CallerName {
  std::string identity;  // of the certificate; empty: it has none that we know
  bool is_agent = false;
  bool is_anonymous = false;  // `identity` is its source, which others share
};

class Callers {
 public:
  explicit Callers(const DoorLimits& limits) : limits_(limits) {}

  // False: too many connections of the identity. `trusted`: it does not connect too often.
  bool Connected(const CallerName& caller, absl::Time now, bool* trusted);
  bool HasRoom(const CallerName& caller) const;
  void Disconnected(const std::string& identity);
  // False: the connection is to be closed.
  bool MayCall(const CallerName& caller, absl::Time now);
  // A call was refused: who does not know what it may do is not to ask all the time.
  void Refused(const std::string& identity, absl::Time now);
  // It did what no program of ours does: it may make no call for a while.
  void Misused(const std::string& identity, absl::Time now);

  size_t size() const { return callers_.size(); }

 private:
  struct Caller {
    Caller(const DoorLimits& limits, bool is_agent);
    TokenBucket calls;
    uint64_t misuse = 0;  // what that costs, in calls
    TokenBucket connects;
    size_t connections = 0;
  };
  Caller& Of(const CallerName& caller, absl::Time now);

  const DoorLimits limits_;
  absl::flat_hash_map<std::string, Caller> callers_;
  size_t sweep_at_ = 1024;
};

}  // namespace vakt

#endif  // VAKT_COLLECTOR_DOOR_CALLERS_H_
