// SPDX-License-Identifier: Apache-2.0
// Which pods there were, of which workload, and which of them had an address when: learnt from the
// flow records of all nodes, so that a peer on another node is found through its own records.
//
//   PodDirectory pods;
//   for (record : all) pods.Learn(record);
//   pods.Finish();
//   const Workload* peer = pods.At(cluster, address, begin, end);
//
// The order of the records does not matter. Threads: thread-compatible.
#ifndef VAKT_CLI_POD_DIRECTORY_H_
#define VAKT_CLI_POD_DIRECTORY_H_

#include <compare>
#include <cstddef>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "vakt/v1/query.pb.h"

namespace vakt {

// What made a pod; of a pod by itself: kind "Pod" and the pod's own name.
struct WorkloadKey {
  std::string cluster;
  std::string name_space;
  std::string kind;
  std::string name;
  auto operator<=>(const WorkloadKey&) const = default;
};

struct Workload {
  WorkloadKey key;
  // That all its pods have, without those that differ from pod to pod or with each version. Empty:
  // no selector can name the workload.
  std::map<std::string, std::string> labels;
  std::set<std::string> pods;  // names
  bool host_network = false;   // some pod of it has the node's network
  bool guessed = false;        // from the pods' names, not from their owners
};

class PodDirectory {
 public:
  void Learn(const v1::StoredRecord& stored);
  // After the last Learn, before the first question.
  void Finish();

  // Whose flow it is; null: no pod's.
  const Workload* Of(const v1::StoredRecord& stored) const;
  // Who had the address then. Null: nobody that is known, or pods of several workloads.
  const Workload* At(const std::string& cluster, const std::string& address, absl::Time begin,
                     absl::Time end) const;
  // A pod by its name; null when none of its own records is there.
  const Workload* Named(const std::string& cluster, const std::string& name_space,
                        const std::string& pod) const;
  // Whether it is an address of a node: of a pod that has its node's network.
  bool IsNode(const std::string& cluster, const std::string& address) const {
    return nodes_.contains({cluster, address});
  }
  // Others in the same namespace that the labels of this one select, too.
  std::vector<const Workload*> AlsoSelectedBy(const Workload& workload) const;

  const std::map<WorkloadKey, Workload>& workloads() const { return workloads_; }

 private:
  // cluster, namespace, pod's name, pod's uid
  using PodKey = std::tuple<std::string, std::string, std::string, std::string>;
  struct SeenPod {
    std::string kind, name;  // of the workload; empty: not known
    bool guessed = true;
    bool host_network = false;
    std::optional<std::map<std::string, std::string>> labels;  // none: not told yet
    const Workload* workload = nullptr;
  };
  // The first and the last time that a record tells of.
  using Span = std::pair<absl::Time, absl::Time>;

  static PodKey KeyOf(const v1::StoredRecord& stored);

  std::map<PodKey, SeenPod> pods_;
  // By cluster and address: which pods had it when.
  std::map<std::pair<std::string, std::string>, std::map<const SeenPod*, Span>> tenancies_;
  std::set<std::pair<std::string, std::string>> nodes_;  // cluster and address
  std::map<WorkloadKey, Workload> workloads_;
};

// Whether Kubernetes takes it as a label's key and value: what comes from a node is not trusted.
bool IsLabel(std::string_view key, std::string_view value);
bool IsNamespace(std::string_view name);

}  // namespace vakt

#endif  // VAKT_CLI_POD_DIRECTORY_H_
