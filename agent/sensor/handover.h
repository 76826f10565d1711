// SPDX-License-Identifier: Apache-2.0
// What an agent's successor has to know to go on where it ended, kept in a map that is pinned
// beside the rings: up to where the rings were read, and what of the probes' counters was told
// already.
//
// It is there twice. A commit writes the copy that is not in force and then names it, so an agent
// that is killed at any instruction leaves a state that is whole; the positions that the probes see
// follow it, never the other way round.
//
// Ownership: owns the map and its mapping. Threads: one thread, but for flow_rest.
#ifndef VAKT_AGENT_SENSOR_HANDOVER_H_
#define VAKT_AGENT_SENSOR_HANDOVER_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "agent/sensor/loss_tracker.h"
#include "bpf/wire/wire.h"
#include "common/base/unique_fd.h"

namespace vakt {

class Handover {
 public:
  // Changes of what follows are another layout; so is any change of bpf/wire.
  static constexpr std::string_view kLayout = "1";

  struct CpuState {
    uint64_t positions[VAKT_LANES];  // up to where its rings were read
    LossTracker::Told told;          // of vakt_cpu_state::lost
  };
  struct State {
    uint64_t delivered[VAKT_KIND_MAX];
    uint64_t skipped_told;  // of runs that the kernel left out
    CpuState cpus[];
  };

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

  // Whose rules the kernel filtered by: any text, cut at a hundred bytes.
  void NoteRules(std::string_view rules);
  std::string_view rules() const;
  // What found no room in the tables of flows and was told. For the thread that takes flows.
  vakt_flow_counts* flow_rest() { return &head_->flow_rest; }

 private:
  struct Head {
    uint64_t active;
    char rules[104];
    vakt_flow_counts flow_rest;
  };

  Handover(UniqueFd map, size_t cpus) : map_(std::move(map)), cpus_(cpus) {}
  static size_t StateBytes(size_t cpus) { return sizeof(State) + cpus * sizeof(CpuState); }
  static size_t Bytes(size_t cpus) { return sizeof(Head) + 2 * StateBytes(cpus); }
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
