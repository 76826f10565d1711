// SPDX-License-Identifier: Apache-2.0
// Finds out exactly what was lost, from two independent sources: the holes in the sequence numbers
// (which say that something is missing, where and when) and the probes' own counters (which say of
// what kind and why).
//
// Threads: thread-compatible; the pipeline thread uses it.
#ifndef VAKT_AGENT_SENSOR_LOSS_TRACKER_H_
#define VAKT_AGENT_SENSOR_LOSS_TRACKER_H_

#include <array>
#include <cstdint>
#include <vector>

#include "absl/types/span.h"
#include "agent/sensor/event_source.h"
#include "bpf/wire/wire.h"

namespace vakt {

// Holes of one (cpu, lane). Numbers may come out of order by a little: an interrupt's record may
// overtake the one it interrupted between number and reservation.
class SequenceTracker {
 public:
  // The next number is the first one that counts: who came before looked after those below it.
  void Resume() { resuming_ = true; }
  void OnRecord(uint64_t seq) {
    if (resuming_) {
      received_ = highest_ = seq - 1;
      resuming_ = false;
    }
    ++received_;
    if (seq > highest_) highest_ = seq;
  }
  // Numbers up to the highest one seen that did not arrive (yet).
  uint64_t missing() const { return highest_ > received_ ? highest_ - received_ : 0; }
  uint64_t received() const { return received_; }
  uint64_t highest() const { return highest_; }

 private:
  uint64_t received_ = 0;
  uint64_t highest_ = 0;
  bool resuming_ = false;
};

class LossTracker {
 public:
  // Of one CPU: what was told so far of its counters.
  using Told = std::array<std::array<uint64_t, VAKT_LOST_REASONS>, VAKT_KIND_MAX>;

  // `cpus`: the probes' counters, one element per possible CPU, written by the kernel meanwhile.
  explicit LossTracker(absl::Span<const vakt_cpu_state> cpus);

  void OnRecord(const vakt_header& header) {
    if (header.cpu < trackers_.size() && header.lane < VAKT_LANES) {
      trackers_[header.cpu][header.lane].OnRecord(header.seq);
    }
  }

  // Goes on where a predecessor ended that had told so much of each CPU.
  void Resume(uint32_t cpu, const Told& told);
  const Told& told(uint32_t cpu) const { return seen_[cpu]; }

  // Compares the probes' counters with those of the last look and appends what was lost meanwhile.
  void Look(int64_t now_boot_ns, std::vector<Loss>* losses);

  // Numbers missing from what was received, over all rings: equals lost_total when all is drained.
  uint64_t missing_total() const;
  uint64_t lost_total() const { return lost_total_; }

 private:
  absl::Span<const vakt_cpu_state> cpus_;
  std::vector<std::array<SequenceTracker, VAKT_LANES>> trackers_;
  std::vector<Told> seen_;
  int64_t last_look_boot_ns_ = 0;
  uint64_t lost_total_ = 0;
};

}  // namespace vakt

#endif  // VAKT_AGENT_SENSOR_LOSS_TRACKER_H_
