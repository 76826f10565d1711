// SPDX-License-Identifier: Apache-2.0
// Watches over the fleet: takes from ingest what agents say, looks at the clock, and opens and
// resolves conditions of nodes. A condition and its alert are stored together, so that after a
// crash each opened one is still known to be open.
//
// A node that was taken away for good stays silent, and its condition open, until it is forgotten.
//
// Ownership: the store must outlive it. Threads: thread-safe; one thread of its own.
#ifndef VAKT_COLLECTOR_FLEET_FLEET_WATCH_H_
#define VAKT_COLLECTOR_FLEET_FLEET_WATCH_H_

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "collector/fleet/condition_check.h"
#include "collector/fleet/node_state.h"
#include "collector/ingest/ingest_observer.h"
#include "collector/store/store.h"
#include "common/base/wakeup.h"

namespace vakt {

struct FleetOptions {
  absl::Duration tick = absl::Seconds(1);
  // After the collector's start agents come back within their longest backoff.
  absl::Duration start_grace = absl::Seconds(30);
};

class FleetWatch final : public IngestObserver {
 public:
  static absl::StatusOr<std::unique_ptr<FleetWatch>> Start(Store* store, FleetOptions options);
  ~FleetWatch() override;
  FleetWatch(const FleetWatch&) = delete;
  FleetWatch& operator=(const FleetWatch&) = delete;

  void OnHello(const NodeKey& node, const v1::Hello& hello,
               const std::optional<CertificateLife>& certificate) override
      ABSL_LOCKS_EXCLUDED(mutex_);
  void OnHeartbeat(const NodeKey& node, const v1::Heartbeat& heartbeat) override
      ABSL_LOCKS_EXCLUDED(mutex_);
  void OnMalformed(const NodeKey& node, uint64_t records, const std::string& reason) override
      ABSL_LOCKS_EXCLUDED(mutex_);
  void OnShareUsedUp(const NodeKey& node) override ABSL_LOCKS_EXCLUDED(mutex_);
  void OnMessage(const NodeKey& node) override ABSL_LOCKS_EXCLUDED(mutex_);

  // Ends what is open of the node and knows it no longer, until it is heard again.
  void Forget(const NodeKey& node) ABSL_LOCKS_EXCLUDED(mutex_, changing_);

  // In the order of the table.
  std::vector<v1::OpenCondition> OpenConditionsOf(const NodeKey& node) const
      ABSL_LOCKS_EXCLUDED(mutex_);
  struct Totals {
    size_t nodes = 0;
    std::map<std::string_view, uint64_t>
        open;  // nodes by name of the condition; every one is there
  };
  Totals totals() const ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  struct Node {
    NodeKey key;
    NodeState state;
    std::map<ConditionId, ConditionRow> open;
  };
  struct Change {
    ConditionRow condition;
    v1::Alert alert;
  };

  FleetWatch(Store* store, FleetOptions options) : store_(*store), options_(options) {}
  absl::Status Load() ABSL_LOCKS_EXCLUDED(mutex_);
  void Run();
  // Returns when all are stored; what could not be is looked at again.
  void Announce(std::vector<Change> changes) ABSL_LOCKS_EXCLUDED(mutex_);
  // What begins and what ends now.
  std::vector<Change> Look(const Moment& now) ABSL_LOCKS_EXCLUDED(mutex_);
  // Rules and programs of each node with those of most.
  void Compare(absl::Time now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  Node& Of(const NodeKey& key) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  Store& store_;
  const FleetOptions options_;

  absl::Mutex changing_;  // held while changes are found and stored, so that they are in order
  mutable absl::Mutex mutex_;
  std::map<std::string, Node, std::less<>> nodes_ ABSL_GUARDED_BY(mutex_);  // by "cluster/node"
  Wakeup stop_;
  std::thread thread_;
};

}  // namespace vakt

#endif  // VAKT_COLLECTOR_FLEET_FLEET_WATCH_H_
