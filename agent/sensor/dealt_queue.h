// SPDX-License-Identifier: Apache-2.0
// What was handed out and is not committed: where the rings stood after each turn of the pipeline,
// until all that was told of it is written. An event may be decided many turns later than it came,
// and the records of its turn end only then.
//
// Bounded: when it is full, every other turn is dealt with together with the one after it.
// Threads: thread-compatible.
#ifndef VAKT_AGENT_SENSOR_DEALT_QUEUE_H_
#define VAKT_AGENT_SENSOR_DEALT_QUEUE_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <vector>

#include "agent/sensor/loss_tracker.h"

namespace vakt {

// How far the pipeline is. Events and records are numbered from 1, in the order in which they come.
struct Settled {
  uint64_t seen = 0;     // events that were evaluated
  uint64_t decided = 0;  // up to here none waits for what may make it an alert
  uint64_t given = 0;    // records that were given to the spool
  uint64_t written = 0;  // records that are on disk
};

// The state that a commit puts in force.
struct Dealt {
  uint64_t outputs = 0;                 // noted
  std::vector<uint64_t> positions;      // per ring
  std::vector<uint64_t> delivered;      // per kind
  std::vector<LossTracker::Told> told;  // per CPU; empty: as before
};

class DealtQueue {
 public:
  static constexpr size_t kMost = 64;

  bool empty() const { return entries_.empty(); }
  size_t size() const { return entries_.size(); }
  // To be called before Add and Take: of which turns the records are all given now.
  void Settle(const Settled& settled);
  // `dealt`: as of the last Settle.
  void Add(Dealt dealt);
  // True: the oldest, all of whose records are written, is moved to *dealt.
  bool Take(Dealt* dealt);
  // The same, written or not.
  bool TakeAnyway(Dealt* dealt);
  // Whether records are missing still, as of the last Settle, of what was taken anyway.
  bool has_given_up() const { return given_up_.seen != 0; }

 private:
  static constexpr uint64_t kOpen = UINT64_MAX;
  struct Extent {
    uint64_t seen = 0;   // with its turn's events
    uint64_t given = 0;  // with its turn's records; kOpen: more may come
    void Settle(const Settled& settled);
  };
  struct Entry {
    Extent extent;
    Dealt dealt;
  };
  static void Join(Entry* entry, Entry later);
  void Thin();

  Settled settled_;
  Extent given_up_;
  std::deque<Entry> entries_;
};

}  // namespace vakt

#endif  // VAKT_AGENT_SENSOR_DEALT_QUEUE_H_
