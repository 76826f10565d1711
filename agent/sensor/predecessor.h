// SPDX-License-Identifier: Apache-2.0
// What another agent, of another layout, left in its rings. Its hooks were attached until ours
// were, so that nothing went unseen; what both saw is handed out once.
//
// Which records of two sets are of the same act: each hook of both sets runs within microseconds
// for it, in the same thread, and makes a record of the same kind. So a record of ours is a twin if
// a record of theirs with its kind and thread lies within some milliseconds of it, the nearest one
// first, and each has one twin at most. Both sets watch for longer than that at the same time: two
// acts of which each was seen by one set alone lie further apart.
//
// Ownership: owns mappings, not the pinned set. Threads: as KernelSensor.
#ifndef VAKT_AGENT_SENSOR_PREDECESSOR_H_
#define VAKT_AGENT_SENSOR_PREDECESSOR_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "agent/sensor/event_source.h"
#include "agent/sensor/handover.h"
#include "agent/sensor/loss_tracker.h"
#include "agent/sensor/pin_dir.h"
#include "agent/sensor/probe_table.h"
#include "agent/sensor/ring_set.h"
#include "bpf/wire/wire.h"
#include "common/base/unique_fd.h"

namespace vakt {

class Twins {
 public:
  static constexpr uint64_t kApartNs = 10'000'000;

  // A record that was handed out; those of before `since_boot_ns` have no twins.
  void Add(RawRecord theirs);
  void SetSince(uint64_t since_boot_ns) { since_ns_ = since_boot_ns; }
  // Whether `ours` is the twin of one; that one has no other.
  bool Take(RawRecord ours);
  bool empty() const { return times_.empty(); }
  uint64_t newest_ns() const { return newest_ns_; }

 private:
  absl::flat_hash_map<uint64_t, std::vector<uint64_t>> times_;  // by kind and thread
  uint64_t since_ns_ = 0;
  uint64_t newest_ns_ = 0;
};

class Predecessor {
 public:
  // `readable`: its records are laid out as ours.
  static absl::StatusOr<std::unique_ptr<Predecessor>> Open(PinnedSet set, size_t cpus,
                                                           bool readable);
  ~Predecessor();
  Predecessor(const Predecessor&) = delete;
  Predecessor& operator=(const Predecessor&) = delete;

  // Its hooks make no more records, and are gone. The rings stay, for a successor of ours, until
  // Remove.
  void TurnOff();
  void Remove();
  bool readable() const { return control_ != nullptr; }
  RingSet& rings() { return rings_; }
  // Whether it had that hook attached.
  bool Hooked(const ProbeRow& row) const;
  bool filtered() const { return control_ != nullptr && control_->prefilter_version != 0; }
  // Keys of the alerts that it told of records that wait still, and its losses count as told: the
  // spool has all up to record `seq` of `epoch`. Once, first; of a readable one.
  std::vector<uint64_t> SkipWritten(uint64_t epoch, uint64_t seq);
  // Records that wait.
  uint64_t Waiting();
  // Appends up to `max` of them; when there are none any more the rings are empty for good.
  void Collect(size_t max, std::vector<RawRecord>* out);
  void TakeLosses(int64_t now_boot_ns, std::vector<Loss>* losses);
  const Handover& handover() const { return *handover_; }

 private:
  Predecessor(PinnedSet set, RingSet rings)
      : set_(std::move(set)), links_(set_.NamesOf(Pinned::kLink)), rings_(std::move(rings)) {}
  absl::Status MapCounters(size_t cpus);

  PinnedSet set_;
  const std::vector<std::string> links_;
  RingSet rings_;
  vakt_control* control_ = nullptr;            // mapped
  const vakt_cpu_state* cpu_state_ = nullptr;  // mapped
  size_t cpus_ = 0;
  std::unique_ptr<Handover> handover_;
  std::unique_ptr<LossTracker> losses_;
};

}  // namespace vakt

#endif  // VAKT_AGENT_SENSOR_PREDECESSOR_H_
