// SPDX-License-Identifier: Apache-2.0
#include "agent/sensor/loss_tracker.h"

#include <atomic>

namespace vakt {
namespace {

uint64_t LoadCounter(const __u64& counter) {
  return std::atomic_ref<__u64>(const_cast<__u64&>(counter)).load(std::memory_order_relaxed);
}

}  // namespace

absl::Span<const std::string_view> LossReasons() {
  static constexpr std::string_view kReasons[VAKT_LOST_REASONS] = {"ring_full", "scratch_busy",
                                                                   "table_full"};
  return kReasons;
}

LossTracker::LossTracker(absl::Span<const vakt_cpu_state> cpus)
    : cpus_(cpus), trackers_(cpus.size()), seen_(cpus.size()) {}

void LossTracker::Resume(uint32_t cpu, const Told& told) {
  seen_[cpu] = told;
  for (SequenceTracker& lane : trackers_[cpu]) lane.Resume();
}

void LossTracker::Look(int64_t now_boot_ns, std::vector<Loss>* losses) {
  for (uint32_t cpu = 0; cpu < cpus_.size(); ++cpu) {
    for (const KindRow& row : KernelKinds()) {
      const auto kind = static_cast<size_t>(row.kind);
      for (size_t reason = 0; reason < VAKT_LOST_REASONS; ++reason) {
        const uint64_t now = LoadCounter(cpus_[cpu].lost[kind][reason]);
        const uint64_t count = now - seen_[cpu][kind][reason];
        if (count == 0) continue;
        seen_[cpu][kind][reason] = now;
        lost_total_ += count;
        losses->push_back({.kind = row.kind,
                           .lane = row.lane,
                           .cpu = cpu,
                           .reason = LossReasons()[reason],
                           .count = count,
                           .total = now,
                           .begin_boot_ns = last_look_boot_ns_,
                           .end_boot_ns = now_boot_ns});
      }
    }
  }
  last_look_boot_ns_ = now_boot_ns;
}

uint64_t LossTracker::missing_total() const {
  uint64_t total = 0;
  for (const auto& lanes : trackers_) {
    for (const SequenceTracker& tracker : lanes) total += tracker.missing();
  }
  return total;
}

}  // namespace vakt
