// SPDX-License-Identifier: Apache-2.0
// Which workload made a pod, as the Kubernetes API says: exact, where nodes can only go by names
// and labels. A pod's owner never changes, so what was learnt once is true of all its records, and
// outlives the pod: alerts are read for months.
//
// Bounded: beyond kMaxPods the pods that were learnt first are forgotten.
//
// Threads: thread-safe.
#ifndef VAKT_COLLECTOR_WORKLOAD_WORKLOAD_TABLE_H_
#define VAKT_COLLECTOR_WORKLOAD_WORKLOAD_TABLE_H_

#include <cstddef>
#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "collector/store/record_completion.h"

namespace vakt {

// What made an object: its controller. Empty kind: nothing did.
struct Owner {
  std::string kind;
  std::string name;
  std::string uid;
};

class WorkloadTable : public RecordCompletion {
 public:
  static constexpr size_t kMaxPods = 200'000;
  static constexpr size_t kMaxOwners = 100'000;

  void SetPod(const std::string& uid, Owner owner);
  // Of a replica set or a job, which are made themselves, most of them.
  void SetOwner(const std::string& uid, Owner owner);

  // Deployment and not its replica set, cron job and not its job. Nullopt: it is not known (yet).
  std::optional<Owner> Find(std::string_view pod_uid) const;

  // Sets the workload of an alert's or a flow's pod, if it is known.
  void Complete(v1::Record* record) const override;

  size_t pods() const;

  // One line for each pod whose workload is known: "uid kind name", "-" for none.
  absl::Status Save(const std::string& path) const;
  // A file that is not there is an empty one; a line that is none is left out.
  absl::Status Load(const std::string& path);
  // Grows with each pod that is learnt.
  uint64_t changes() const;

 private:
  // Kept in the order in which they came.
  struct Bounded {
    absl::flat_hash_map<std::string, Owner> by_uid;
    std::deque<std::string> order;
    bool Set(const std::string& uid, Owner owner, size_t max);
  };
  std::optional<Owner> FindLocked(const Owner& owner) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  mutable std::mutex mutex_;
  Bounded pods_ ABSL_GUARDED_BY(mutex_);
  Bounded owners_ ABSL_GUARDED_BY(mutex_);
  uint64_t changes_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace vakt

#endif  // VAKT_COLLECTOR_WORKLOAD_WORKLOAD_TABLE_H_
