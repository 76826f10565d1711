// SPDX-License-Identifier: Apache-2.0
// Which agents are connected: at most one session per node, the newest. An agent that reconnects
// after a broken network must not wait until the old connection is known to be dead, and a
// certificate must not be able to hold any number of streams.
//
// Threads: thread-safe.
#ifndef VAKT_COLLECTOR_INGEST_SESSION_REGISTRY_H_
#define VAKT_COLLECTOR_INGEST_SESSION_REGISTRY_H_

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/synchronization/mutex.h"
#include "common/base/strings.h"

namespace vakt {

class IngestSession;

class SessionRegistry {
 public:
  // "cluster/node"; neither part can hold a slash.
  static std::string Key(std::string_view cluster, std::string_view node) {
    return StrCat(cluster, "/", node);
  }

  // A session of `key` would not make it more than `max` nodes.
  bool HasRoom(const std::string& key, size_t max) const;
  // Returns the session that had the key before, or null.
  std::shared_ptr<IngestSession> Enter(const std::string& key,
                                       const std::shared_ptr<IngestSession>& session);
  // The agent has been welcomed: from here it counts as connected.
  void SetConnected(const std::string& key, const IngestSession* session);
  // Nothing happens when another session has taken the key.
  void Leave(const std::string& key, const IngestSession* session);

  bool IsConnected(std::string_view cluster, std::string_view node) const;
  // Also before it was welcomed.
  bool HasSession(std::string_view cluster, std::string_view node) const;
  std::vector<std::shared_ptr<IngestSession>> Sessions() const;

  // The session waits for its rate, and wants to be asked soon.
  void SetWaiting(const std::shared_ptr<IngestSession>& session);
  // Those who are still there; each must say it again if it still waits.
  std::vector<std::shared_ptr<IngestSession>> TakeWaiting();

 private:
  struct Entry {
    const IngestSession* id = nullptr;
    std::weak_ptr<IngestSession> session;
    bool connected = false;
  };

  mutable absl::Mutex mutex_;
  StringMap<Entry> entries_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_map<const IngestSession*, std::weak_ptr<IngestSession>> waiting_
      ABSL_GUARDED_BY(mutex_);
};

}  // namespace vakt

#endif  // VAKT_COLLECTOR_INGEST_SESSION_REGISTRY_H_
