// SPDX-License-Identifier: Apache-2.0
// Raises an alert when a connection speaks in the name of another node. Whoever holds a certificate
// can do so any number of times: each node has one alert a minute, and the next one says how many
// were held back.
//
// Ownership: the store must outlive it. Threads: thread-safe.
#ifndef VAKT_COLLECTOR_INGEST_IDENTITY_ALARM_H_
#define VAKT_COLLECTOR_INGEST_IDENTITY_ALARM_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "collector/access/identity.h"
#include "collector/store/store.h"
#include "common/base/strings.h"

namespace vakt {

class IdentityAlarm {
 public:
  explicit IdentityAlarm(Store* store) : store_(*store) {}

  // `agent`: by its certificate; `claimed`: the node that it said to be, any bytes.
  void Report(const AgentIdentity& agent, std::string_view claimed, const std::string& peer,
              absl::Time now) ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  struct Entry {
    absl::Time last = absl::InfinitePast();
    uint64_t held_back = 0;
  };

  Store& store_;
  absl::Mutex mutex_;
  StringMap<Entry> entries_ ABSL_GUARDED_BY(mutex_);  // by "cluster/node"
};

}  // namespace vakt

#endif  // VAKT_COLLECTOR_INGEST_IDENTITY_ALARM_H_
