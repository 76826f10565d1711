// SPDX-License-Identifier: Apache-2.0
// What an agent's successor has to know to go on where it ended, kept in a map that is pinned
// beside the rings: up to where the rings were read, and what of the probes' counters was told
// already.
//
// The state is there twice. A commit writes the copy that is not in force and then names it, so an
// agent that is killed at any instruction leaves a state that is whole; the positions that the
// probes see follow it, never the other way round.
//
// What was handed out is committed once the records that came of it are written: until then a
// successor gets it again. Of these records it may find some written after all; the journal says of
// which alert or loss each is, so that it does not tell them twice.
//
// Ownership: owns the map and its mapping. Threads: one thread, but for flow_rest.
#ifndef VAKT_AGENT_SENSOR_HANDOVER_H_
#define VAKT_AGENT_SENSOR_HANDOVER_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "agent/sensor/loss_tracker.h"
#include "bpf/wire/wire.h"
#include "common/base/unique_fd.h"

namespace vakt {

class Handover {
 public:
  // Changes of what follows are another layout; so is any change of bpf/wire.
  static constexpr std::string_view kLayout = "3";

  struct CpuState {
    uint64_t positions[VAKT_LANES];  // up to where its rings were read
    LossTracker::Told told;          // of vakt_cpu_state::lost
  };
  struct State {
    uint64_t delivered[VAKT_KIND_MAX];
    uint64_t skipped_told;  // of runs that the kernel left out
    uint64_t outputs;       // of the journal, these come of what is committed
    uint64_t given_up;      // 1: for want of room more was committed than is written
    CpuState cpus[];
  };

  // One record that was given to the spool.
  struct Output {
    uint64_t epoch;
    uint64_t seq;
    uint64_t key;    // names the alert; of a loss the counter (LossKey)
    uint64_t total;  // of a loss: of its counter so much is told now; 0: an alert
  };
  static constexpr uint64_t kOutputs = 16384;
  static uint64_t LossKey(uint32_t cpu, Kind kind, size_t reason) {
    return uint64_t{cpu} << 16 | static_cast<uint64_t>(kind) << 8 | reason;
  }

  static absl::StatusOr<std::unique_ptr<Handover>> Create(size_t cpus);
  static absl::StatusOr<std::unique_ptr<Handover>> Open(UniqueFd map, size_t cpus);
  ~Handover();
  Handover(const Handover&) = delete;
  Handover& operator=(const Handover&) = delete;

  int fd() const { return map_.get(); }
  // The state in force.
  const State& state() const { return *StateAt(head_->active & 1); }
  // To be changed; it is in force from Commit on, and the next one begins as a copy of it.
  State* next() { return StateAt(next_); }
  absl::Span<CpuState> next_cpus() { return {next()->cpus, cpus_}; }
  // `told_changed`: whether `told` of some CPU did; it is large, and seldom does.
  void Commit(bool told_changed);

  // To be noted before the record is given away.
  void NoteOutput(const Output& output);
  // How many were noted, ever.
  uint64_t noted() const { return head_->noted; }
  bool journal_is_full() const { return noted() - state().outputs >= kOutputs; }
  // What was told of what is not committed: alerts by their keys, and of losses how much in all,
  // per CPU. It was if it is written: the spool has all up to record `seq` of `epoch`. The others
  // are forgotten, for their numbers will not be another run's. To be called once, first.
  struct Written {
    std::vector<uint64_t> alerts;
    std::vector<LossTracker::Told> told;
  };
  Written TakeWritten(uint64_t epoch, uint64_t seq);

  // Whose rules the kernel filtered by: any text, cut at a hundred bytes.
  void NoteRules(std::string_view rules);
  std::string_view rules() const;
  // What found no room in the tables of flows and was told. For the thread that takes flows.
  vakt_flow_counts* flow_rest() { return &head_->flow_rest; }

 private:
  struct Head {
    uint64_t active;
    uint64_t noted;
    char rules[104];
    vakt_flow_counts flow_rest;
  };

  Handover(UniqueFd map, size_t cpus) : map_(std::move(map)), cpus_(cpus) {}
  static size_t StateBytes(size_t cpus) { return sizeof(State) + cpus * sizeof(CpuState); }
  static size_t Bytes(size_t cpus) {
    return sizeof(Head) + 2 * StateBytes(cpus) + kOutputs * sizeof(Output);
  }
  Output* outputs() const {
    return reinterpret_cast<Output*>(reinterpret_cast<std::byte*>(StateAt(2)));
  }
  absl::Status Map();
  State* StateAt(size_t index) const {
    return reinterpret_cast<State*>(reinterpret_cast<std::byte*>(head_ + 1) +
                                    index * StateBytes(cpus_));
  }

  const UniqueFd map_;
  const size_t cpus_;
  Head* head_ = nullptr;  // mapped
  size_t next_ = 0;
};

}  // namespace vakt

#endif  // VAKT_AGENT_SENSOR_HANDOVER_H_
