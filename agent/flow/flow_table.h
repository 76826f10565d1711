// SPDX-License-Identifier: Apache-2.0
// Who talked to whom. Takes what the kernel has added up per process, peer and port, and makes one
// record of all connections between the same program (in the same container, as the same user) and
// the same remote service, however many processes made them.
//
//   FlowTable flows(options, find_process);
//   flows.Add(sums, now);                       // every few seconds
//   flows.TakeDue(now, [](const FlowRecord& record) { ... });
//
// A record is due when the interval is over and something has happened in it, and at the end of a
// flow: when no connection is open and nothing has happened for the afterglow. Listeners are told
// when they begin and when they end.
//
// Bounds: a program that talks to more than `max_flows_of_program` remote services at once has the
// further ones in one record, which says how many they were; so has the node beyond `max_flows`.
// Nothing is left out.
//
// Time is CLOCK_BOOTTIME in ns. Threads: pipeline thread only.
#ifndef VAKT_AGENT_FLOW_FLOW_TABLE_H_
#define VAKT_AGENT_FLOW_FLOW_TABLE_H_

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "absl/container/flat_hash_map.h"
#include "absl/container/node_hash_map.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "agent/sensor/flow_sum.h"
#include "common/base/shared_string.h"
#include "common/event/flow.h"
#include "common/event/process.h"

namespace vakt {

struct FlowOptions {
  absl::Duration interval = absl::Seconds(60);
  absl::Duration afterglow = absl::Seconds(10);
  size_t max_flows = 8192;  // ~400 bytes each
  size_t max_flows_of_program = 1024;
};

// The program at this end, as it was when the flow was seen last.
struct FlowProcess {
  uint64_t cookie = 0;  // 0: not known
  uint32_t pid = 0;
  uint32_t uid = 0;
  SharedString comm;
  SharedString exe_path;
  SharedString cmdline;
  std::shared_ptr<const Container> container;  // null outside
};

// Valid during the call that hands it out.
struct FlowRecord {
  const FlowProcess* process = nullptr;
  const Process* live = nullptr;  // of the process table, while it is there
  // cookie and net_ns of the newest part. OUT: no local port; IN: no remote port; folded: neither
  // addresses nor ports.
  vakt_flow_key where = {};
  vakt_flow_counts sums = {};  // since the last record; `open` as it is now
  uint64_t first_seen_ns = 0;
  FlowState state = FlowState::kUnknown;
  uint64_t program = 0;  // a number that the program keeps
  // Since the flow began.
  uint64_t total_connections = 0;
  uint64_t total_bytes_out = 0;
  uint64_t total_bytes_in = 0;
};

class FlowTable {
 public:
  using FindProcess = std::function<const Process*(uint64_t cookie)>;
  using TakeRecord = std::function<void(const FlowRecord&)>;
  // Whether the flow is reported to have begun; else it is asked for again.
  using TakeNewRecord = std::function<bool(const FlowRecord&)>;
  // A sum, of the program with this number; its key has the direction that the flow has.
  using SeeSum = std::function<void(const FlowSum& sum, uint64_t program)>;

  struct Counters {
    uint64_t records = 0;
    uint64_t unknown_processes = 0;  // sums of processes that the process table does not have
    uint64_t folded = 0;             // connections and datagrams in records without addresses
  };

  // What `find_process` returns is used during the call alone.
  FlowTable(const FlowOptions& options, FindProcess find_process);

  // All that the kernel has added up since the last call, taken from it at `boot_ns`.
  void Add(absl::Span<const FlowSum> sums, uint64_t boot_ns, const SeeSum& see = nullptr);
  // Flows that have begun since the last call, with what happened up to now. It stays part of the
  // records that come: this is to know of them at once.
  void TakeNew(const TakeNewRecord& take);
  void TakeDue(uint64_t boot_ns, const TakeRecord& take);
  // The end: whatever was not told yet.
  void TakeAll(const TakeRecord& take);

  // Of the program that the process runs; as in records of its flows.
  uint64_t ProgramNumber(uint64_t cookie) const;

  size_t size() const { return flows_.size(); }
  const Counters& counters() const { return counters_; }

 private:
  struct KeyHash {
    size_t operator()(const vakt_flow_key& key) const;
  };
  struct KeyEqual {
    bool operator()(const vakt_flow_key& a, const vakt_flow_key& b) const;
  };
  // Its processes' flows are told together. Kept while it has flows.
  struct Program {
    uint64_t id = 0;  // in the place of the cookie in keys
    size_t flows = 0;
    const std::string* key = nullptr;  // of programs_
    uint64_t number = 0;               // of the key
  };
  struct Flow {
    FlowProcess process;
    Program* program = nullptr;  // null: of nobody in particular
    uint32_t net_ns = 0;
    std::array<uint8_t, 16> local_addr{};
    vakt_flow_counts sums = {};
    uint64_t first_seen_ns = 0;
    uint64_t last_ns = 0;          // when something happened
    uint64_t record_begin_ns = 0;  // when the last record was made
    uint64_t total_connections = 0;
    uint64_t total_bytes_out = 0;
    uint64_t total_bytes_in = 0;
    bool told_open = false;
    bool is_new = true;  // not reported to have begun
  };
  using Flows = absl::flat_hash_map<vakt_flow_key, Flow, KeyHash, KeyEqual>;

  uint64_t OwnerOf(const FlowSum& sum) const;
  FlowProcess ProcessOf(uint64_t cookie, bool* is_known) const;
  vakt_flow_key KeyOf(const FlowSum& sum, uint64_t program_id) const;
  void LearnListeners(absl::Span<const FlowSum> sums);
  void ForgetListeners(absl::Span<const FlowSum> sums);
  Program* ProgramOf(const FlowProcess& process);
  // Where the sum belongs, made if it is new.
  Flows::iterator Place(const FlowSum& sum, Program* program, uint64_t boot_ns);
  void AddOne(const FlowSum& sum, uint64_t boot_ns, const SeeSum& see);
  FlowRecord RecordOf(const vakt_flow_key& key, const Flow& flow, FlowState state) const;
  bool IsDue(const vakt_flow_key& key, const Flow& flow, uint64_t boot_ns) const;
  void Tell(const vakt_flow_key& key, Flow* flow, FlowState state, const TakeRecord& take);
  void Forget(Flows::iterator flow);

  const FlowOptions options_;
  const FindProcess find_process_;
  Flows flows_;
  absl::node_hash_map<std::string, Program> programs_;
  uint64_t last_program_ = 0;
  size_t new_flows_ = 0;  // is_new
  // Who listens: network namespace << 16 | port. For connections that nobody has touched.
  absl::flat_hash_map<uint64_t, uint64_t> listeners_;
  Counters counters_;
};

}  // namespace vakt

#endif  // VAKT_AGENT_FLOW_FLOW_TABLE_H_
