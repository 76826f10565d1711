// SPDX-License-Identifier: Apache-2.0
// Events on which a rule may fire once the container runtime has said what their container is. They
// wait with a copy of all that rules read of them: the event itself, its process with its ancestors
// as they were, and the process that it acts upon.
//
// Ownership: owns the copies. Bounded in number and bytes; what finds no room is for the caller to
// decide at once. Threads: pipeline thread only.
#ifndef VAKT_AGENT_APP_HELD_EVENTS_H_
#define VAKT_AGENT_APP_HELD_EVENTS_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "common/event/event.h"
#include "common/event/process.h"
#include "vakt/v1/event.pb.h"

namespace vakt {

// A process and those of its relatives that fields read, as they are now.
class ProcessSnapshot {
 public:
  ProcessSnapshot() = default;
  explicit ProcessSnapshot(const Process& process);
  ProcessSnapshot(ProcessSnapshot&&) = default;
  ProcessSnapshot& operator=(ProcessSnapshot&&) = default;

  // Null when it was made of nothing.
  const Process* process() const { return processes_.empty() ? nullptr : processes_.data(); }
  size_t bytes() const { return processes_.size() * sizeof(Process); }

 private:
  std::vector<Process> processes_;  // its ancestors follow it, nearest first; never grows
};

class HeldEvent {
 public:
  explicit HeldEvent(const Event& event);

  // The event as it was, with what is now known of its container. It points into this.
  bool Restore(Event* event);

  std::string_view container_id() const { return process_.process()->container_full_id; }
  uint64_t boot_ns() const { return message_.boot_ns(); }
  uint64_t num() const { return num_; }
  size_t bytes() const { return bytes_; }

 private:
  v1::Event message_;
  uint64_t num_;
  int64_t wall_ns_;
  const NodeFacts* node_;
  ProcessSnapshot process_;
  ProcessSnapshot target_;
  CredentialChange credentials_;            // what enrich knows of it
  std::array<std::string, 3> asked_names_;  // of it
  std::string argv_;
  size_t bytes_;
};

class HeldEvents {
 public:
  static constexpr size_t kMaxEvents = 4096;
  static constexpr size_t kMaxBytes = size_t{8} << 20;

  bool empty() const { return events_.empty(); }
  size_t size() const { return events_.size(); }

  // False when there is no room.
  bool Hold(const Event& event);
  // Those of one container, in their order.
  std::vector<HeldEvent> TakeOf(std::string_view container_id);
  std::vector<HeldEvent> TakeAll();
  // The one that waits longest; there is one.
  const HeldEvent& oldest() const { return events_.front(); }

 private:
  std::deque<HeldEvent> events_;  // in the order in which they came
  size_t bytes_ = 0;
};

}  // namespace vakt

#endif  // VAKT_AGENT_APP_HELD_EVENTS_H_
