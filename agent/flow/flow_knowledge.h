// SPDX-License-Identifier: Apache-2.0
// What is known beside the sums: names, pods and segments of remote sides, what a workload has met
// before, and how its programs turn to remote sides. Completes the events that rules match.
//
// Ownership: owns all of it. Threads: pipeline thread only.
#ifndef VAKT_AGENT_FLOW_FLOW_KNOWLEDGE_H_
#define VAKT_AGENT_FLOW_FLOW_KNOWLEDGE_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "agent/flow/contact_history.h"
#include "agent/flow/flow_report.h"
#include "agent/flow/flow_table.h"
#include "agent/flow/hello_table.h"
#include "agent/flow/name_table.h"
#include "agent/flow/network_database.h"
#include "agent/flow/segments.h"
#include "agent/flow/workload_memory.h"
#include "agent/sensor/flow_sum.h"
#include "common/event/container.h"
#include "common/event/event.h"

namespace vakt {

class FlowKnowledge {
 public:
  // Null: there are none.
  void SetSegments(std::shared_ptr<const Segments> segments) { segments_ = std::move(segments); }
  void SetDatabases(std::shared_ptr<const NetworkDatabase> countries,
                    std::shared_ptr<const NetworkDatabase> systems) {
    countries_ = std::move(countries);
    systems_ = std::move(systems);
  }

  NameTable& names() { return names_; }
  const NameTable& names() const { return names_; }
  HelloTable& hellos() { return hellos_; }
  WorkloadMemory& memory() { return memory_; }

  // The pods of this node, by address.
  void ForgetPods() { pods_.clear(); }
  void LearnPod(const Pod& pod);

  // Of each sum of the kernel, so that rhythms and reach are known when a flow is reported.
  void See(const FlowSum& sum, uint64_t program, uint64_t boot_ns);

  // What it was called then.
  RemoteNames NamesOf(const FlowRecord& record);
  // Sets what is known of the remote side. The event borrows from this until the next call of
  // LearnPod, ForgetPods, SetSegments or SetDatabases.
  void FillRemote(FlowReport* flow) const;
  // Sets the rest, and remembers that they met.
  void Fill(const FlowRecord& record, uint64_t boot_ns, Event* event);

  size_t peers() const { return history_.peers(); }

 private:
  struct PodName {
    std::string name_space;
    std::string name;
  };

  std::vector<SharedString> NamesAt(uint32_t net_ns, const vakt_flow_key& key, uint64_t begin_ns,
                                    uint64_t end_ns) const;
  uint64_t PeerOf(const vakt_flow_key& key, uint64_t boot_ns) const;
  void Meet(const FlowProcess& process, Event* event);
  void FillOwner(FlowReport* flow) const;

  NameTable names_;
  HelloTable hellos_;
  ContactHistory history_;
  WorkloadMemory memory_;
  std::shared_ptr<const Segments> segments_;
  std::shared_ptr<const NetworkDatabase> countries_;
  std::shared_ptr<const NetworkDatabase> systems_;
  absl::flat_hash_map<std::string, PodName> pods_;
};

// The image of the process's container, else its executable; empty when neither is known.
std::string WorkloadOf(const FlowProcess& process);

}  // namespace vakt

#endif  // VAKT_AGENT_FLOW_FLOW_KNOWLEDGE_H_
