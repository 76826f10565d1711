// SPDX-License-Identifier: Apache-2.0
// Gives each event its process: keeps the process tree up to date with forks, execs, exits and what
// every event says about its actor, and points event.process at the result. All time is the events'
// own, so that a replay gives the same.
//
//   Enricher enricher(EnrichOptions{}, accounts);
//   enricher.Apply(event);      // event.process is set; valid until the next Apply
//
// What the kernel does not say again stays as it was at fork or exec: program, arguments, working
// directory, session. What each event says is that of the moment: credentials, effective
// capabilities, namespaces, parent, and the name (of the main thread; threads have names of their
// own, which are not the process's).
//
// Ownership: owns the processes, not the accounts. Threads: pipeline thread only.
#ifndef VAKT_AGENT_ENRICH_ENRICHER_H_
#define VAKT_AGENT_ENRICH_ENRICHER_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "absl/container/flat_hash_map.h"
#include "agent/enrich/account_table.h"
#include "agent/enrich/container_table.h"
#include "agent/enrich/process_table.h"
#include "agent/enrich/string_cache.h"
#include "common/event/event.h"
#include "vakt/v1/recording.pb.h"

namespace vakt {

struct EnrichOptions {
  size_t max_processes = 131072;
  // Events of one process may come a little late from another CPU; people look at a process that
  // has just ended.
  uint64_t exited_retention_ns = 30'000'000'000;
  // A node runs a few hundred at most.
  size_t max_containers = 4096;
  // After the last process of it was forgotten.
  uint64_t container_retention_ns = 60'000'000'000;
};

class Enricher {
 public:
  // `accounts` outlives the enricher.
  Enricher(const EnrichOptions& options, AccountTable* accounts);

  void Apply(Event& event);

  // What the container runtime says (container_table.h, Learn).
  void Learn(const v1::Container& container) { containers_.Learn(container, now_boot_ns_); }

  // What a container's own files say.
  void LearnAccounts(const v1::ContainerAccounts& accounts);

  const ProcessTable& processes() const { return table_; }
  const ContainerTable& containers() const { return containers_; }
  ContainerTable& containers() { return containers_; }

  struct Counters {
    uint64_t unknown_processes = 0;  // actors without seed, fork or exec: made from their event
    uint64_t unknown_parents = 0;    // new processes whose parent was not here
  };
  const Counters& counters() const { return counters_; }

 private:
  // What all processes of a cgroup have in common.
  struct Cgroup {
    SharedString path;
    SharedString container_id;
    SharedString container_full_id;
    std::string_view runtime;  // "docker"; empty when the path does not tell
  };

  // What the kind of the event says about its process, and about the child of a fork.
  void ApplyKind(Event& event, ProcessEntry* process);
  void ApplyAgentEvent(Event& event, ProcessEntry* process);
  ProcessEntry* Add(const Task& task, const ProcessEntry* keep);
  void ApplyTask(const Task& task, ProcessEntry* process);
  void ApplyFacts(const ProcessFacts& facts, ProcessEntry* process);
  void ApplyProgram(const Event& event, ProcessEntry* process);
  void ApplyAct(Kind kind, ProcessAct& act);
  void ApplyCredentials(Event& event, ProcessEntry* process);
  void ApplyFork(const ProcessFork& fork, const ProcessEntry& forker);
  void ApplyNames(ProcessEntry* process);
  // `path` may be empty: then the names come from what is known of the id.
  void ApplyCgroup(uint64_t cgroup_id, std::string_view path, ProcessEntry* process);
  void SetContainerNamespace(ProcessEntry* process);
  void SetScript(const ProcessExec& exec, ProcessEntry* process);
  void SetCommandLine(ProcessEntry* process);

  AccountTable* const accounts_;
  ContainerTable containers_;
  ProcessTable table_;
  StringCache strings_;
  absl::flat_hash_map<uint64_t, Cgroup> cgroups_;  // by id
  const SharedString host_;
  Process gone_;  // that an agent event is about, when the table has it no more
  std::string scratch_;
  uint64_t now_boot_ns_ = 0;
  uint32_t host_mnt_ns_ = 0;  // of the node's first process
  Counters counters_;
};

}  // namespace vakt

#endif  // VAKT_AGENT_ENRICH_ENRICHER_H_
