// SPDX-License-Identifier: Apache-2.0
// Streams of the nodes' states. One thread looks at all nodes once a second while somebody watches,
// and hands each watcher what differs from what it was told last. So a slow watcher gets fewer and
// newer states; it delays nobody and costs a page of memory.
//
// Ownership: what lists the nodes must outlive the hub; the hub must outlive its watches (the gRPC
// server is shut down, with all calls done, before it goes).
// Threads: thread-safe.
#ifndef VAKT_COLLECTOR_FLEET_NODE_WATCH_H_
#define VAKT_COLLECTOR_FLEET_NODE_WATCH_H_

#include <grpcpp/support/server_callback.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "common/base/wakeup.h"
#include "vakt/v1/fleet.pb.h"

namespace vakt {

struct NodeWatchOptions {
  absl::Duration look = absl::Seconds(1);
  absl::Duration heartbeat = absl::Seconds(10);
  size_t page_bytes = 1 << 20;
  size_t max_watches = 64;  // times a page: the memory that slow watchers can hold
};

class NodeWatchHub;

// One watcher's stream. Deletes itself when gRPC is done with it, after it left its hub.
class NodeWatch final : public grpc::ServerWriteReactor<v1::WatchNodesResponse> {
 public:
  explicit NodeWatch(NodeWatchHub* hub) : hub_(*hub) { StartSendInitialMetadata(); }

  // Sends `page` message by message, then reports to the hub.
  void StartPage(std::vector<v1::WatchNodesResponse> page);
  void OnWriteDone(bool ok) override;
  void OnCancel() override;
  void OnDone() override;

  // Guarded by the hub's mutex.
  enum class State : uint8_t { kIdle, kBusy, kEnded };
  State state = State::kIdle;
  bool cancelled = false;
  bool behind = false;  // there is more than the page that it is sending
  // The hub's thread only.
  absl::flat_hash_map<std::string, uint64_t> told;  // digests of states, by "cluster/node"
  absl::Time last_page = absl::InfinitePast();

 private:
  NodeWatchHub& hub_;
  std::vector<v1::WatchNodesResponse> page_;
  size_t next_ = 0;
};

class NodeWatchHub {
 public:
  using List = std::function<absl::Status(v1::ListNodesResponse* nodes)>;

  NodeWatchHub(List list, NodeWatchOptions options);
  ~NodeWatchHub();

  // To be handed to gRPC, which owns it. RESOURCE_EXHAUSTED when there are too many,
  // UNAVAILABLE when the collector stops.
  absl::StatusOr<NodeWatch*> Open() ABSL_LOCKS_EXCLUDED(mutex_);
  // Ends all with UNAVAILABLE, each after the page that it is sending.
  void Drain() ABSL_LOCKS_EXCLUDED(mutex_);
  size_t size() const ABSL_LOCKS_EXCLUDED(mutex_);

  // For NodeWatch.
  void OnPageSent(NodeWatch* watch, bool ok) ABSL_LOCKS_EXCLUDED(mutex_);
  void OnCancelled(NodeWatch* watch) ABSL_LOCKS_EXCLUDED(mutex_);
  void Remove(NodeWatch* watch) ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  struct Seen {
    std::string key;
    uint64_t digest = 0;
    v1::Node node;
  };

  void Run();
  // Those that may be written to; they are busy from here on.
  std::vector<NodeWatch*> TakeIdle() ABSL_LOCKS_EXCLUDED(mutex_);
  absl::Status Look();
  // What the watcher does not know yet, up to a page. Sets `all` when nothing is left.
  std::vector<v1::WatchNodesResponse> PageFor(NodeWatch* watch, bool* all) const;
  void Serve(NodeWatch* watch) ABSL_LOCKS_EXCLUDED(mutex_);
  void End(NodeWatch* watch, const grpc::Status& status) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const List list_;
  const NodeWatchOptions options_;
  // The hub's thread only.
  std::vector<Seen> nodes_;
  absl::Time looked_ = absl::InfinitePast();  // on the steady clock
  int64_t looked_wall_ns_ = 0;

  mutable absl::Mutex mutex_;
  absl::flat_hash_set<NodeWatch*> watches_ ABSL_GUARDED_BY(mutex_);
  bool urgent_ ABSL_GUARDED_BY(mutex_) = false;  // somebody is new, or not done with all nodes
  bool draining_ ABSL_GUARDED_BY(mutex_) = false;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  Wakeup news_;  // something of urgent_ and stopping_ has come
  std::thread thread_;
};

}  // namespace vakt

#endif  // VAKT_COLLECTOR_FLEET_NODE_WATCH_H_
