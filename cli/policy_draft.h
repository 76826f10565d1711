// SPDX-License-Identifier: Apache-2.0
// NetworkPolicies from flow records: for each workload what it was seen to do, and no more, so far
// as a policy of Kubernetes (networking.k8s.io/v1) can say it. What it cannot say is told beside
// it.
//
// Both sides' records are used: of a connection between two pods either is enough. So the pods
// behind a service are found although the caller's record has the service's address.
//
//   PolicyDrafts drafts(&pods, PolicyOptions{});   // pods: finished (pod_directory.h)
//   for (record : all) drafts.Add(record);
//   for (const PolicyDraft& draft : drafts.Take()) ...
//
// The order of the records does not matter. Threads: thread-compatible.
#ifndef VAKT_CLI_POLICY_DRAFT_H_
#define VAKT_CLI_POLICY_DRAFT_H_

#include <compare>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "cli/pod_directory.h"
#include "vakt/v1/query.pb.h"

namespace vakt {

// How external addresses are written: widening is the caller's choice.
enum class ExternalAs { kAddress, kBlock, kAny };

struct PolicyOptions {
  ExternalAs external = ExternalAs::kAddress;
  std::vector<std::string> namespaces;  // whose workloads get a policy; empty: all
  std::vector<std::string> workloads;   // by name; empty: all
};

// A row of `from` or `to`: pods of a namespace, or a block of addresses.
struct PolicyPeer {
  std::string name_space;                     // empty: a block
  std::map<std::string, std::string> labels;  // of the pods
  std::string cidr;
  std::vector<std::string> except;
  auto operator<=>(const PolicyPeer&) const = default;
};

struct PolicyPort {
  std::string protocol;  // "TCP", "UDP"
  uint32_t port = 0;
  auto operator<=>(const PolicyPort&) const = default;
};

// Each peer with what is to be said of it.
struct PolicyRule {
  std::vector<std::pair<PolicyPeer, std::set<std::string>>> peers;
  std::vector<PolicyPort> ports;
};

struct PolicyDraft {
  Workload workload;
  std::string name;
  std::vector<PolicyRule> ingress, egress;
  uint64_t records = 0;       // of the workload itself
  uint64_t peer_records = 0;  // of others, that told of it
  absl::Time begin = absl::InfiniteFuture(), end = absl::InfinitePast();
  std::vector<std::string> notes;  // what is not expressed, or not as it seems
  bool has_policy = true;          // false: none can be made; the notes say why
};

class PolicyDrafts {
 public:
  // `pods` must outlive it.
  PolicyDrafts(const PodDirectory* pods, PolicyOptions options)
      : pods_(*pods), options_(std::move(options)) {}

  void Add(const v1::StoredRecord& stored);
  // By cluster, namespace, kind and name. Nothing is left afterwards.
  std::vector<PolicyDraft> Take();

 private:
  // Each peer's ports, and what is to be said of it.
  using Side = std::map<PolicyPeer, std::pair<std::set<PolicyPort>, std::set<std::string>>>;
  struct Work {
    Side ingress, egress;
    uint64_t records = 0, peer_records = 0;
    absl::Time begin = absl::InfiniteFuture(), end = absl::InfinitePast();
    std::map<std::string, uint64_t> notes;  // obstacles, and of how many records
    std::set<std::string> unresolved;       // of the cluster, and no pod's
  };

  bool Wants(const Workload& workload) const;
  // Counts the record as the workload's own, or as one of another's that tells of it.
  Work& WorkOf(const Workload& who, const v1::Flow& flow, bool own);
  // Why the record cannot become a rule, as in "3 records ..."; empty: it can.
  static std::string Obstacle(const v1::Flow& flow);
  static PolicyPort PortOf(const v1::Flow& flow);  // of the service
  // Whose pod the remote side was; null: not known, or none.
  const Workload* PeerOf(const v1::StoredRecord& stored) const;
  static void AddWorkload(const Workload& peer, const std::string& address, const PolicyPort& port,
                          Side* side);
  void AddAddress(const v1::StoredRecord& stored, bool out, Work* work) const;
  PolicyDraft Finish(const Workload& workload, const Work& work) const;

  const PodDirectory& pods_;
  const PolicyOptions options_;
  std::map<WorkloadKey, Work> work_;
};

}  // namespace vakt

#endif  // VAKT_CLI_POLICY_DRAFT_H_
