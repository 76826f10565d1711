// SPDX-License-Identifier: Apache-2.0
// A made-up node: processes and events that look like real ones, the same for the same seed. For
// property tests and benchmarks of everything behind enrich.
//
// Ownership: owns processes and strings; an event is valid until the SampleEvents is destroyed.
// Threads: thread-compatible.
#ifndef VAKT_TESTS_SUPPORT_SAMPLE_EVENTS_H_
#define VAKT_TESTS_SUPPORT_SAMPLE_EVENTS_H_

#include <cstdint>
#include <deque>
#include <random>
#include <string_view>

#include "absl/types/span.h"
#include "common/event/event.h"
#include "common/event/process.h"

namespace vakt {

class SampleEvents {
 public:
  explicit SampleEvents(uint64_t seed);

  Event Next();
  // Of any kind that has ends, on sockets of any family.
  Event NextConnection();

  // Changes something about some processes. Each, and whoever may see it in a relative, gets a new
  // Process::change; some have none.
  void ChangeProcesses();

  // Words that the events are made of, for rules that are to match some of them.
  static absl::Span<const std::string_view> ProgramNames();
  static absl::Span<const std::string_view> Paths();
  static absl::Span<const std::string_view> Arguments();

 private:
  void MakeProcesses();
  void Fill(Process* process);
  const Process& AnyProcess();
  void FillTask(const Process& process, Event* event);
  void FillOpen(Event* event);
  void FillChange(Event* event);
  void FillNetwork(Event* event);
  void FillExec(const Process& process, Event* event);
  uint64_t Below(uint64_t limit) { return random_() % limit; }
  std::string_view Pick(absl::Span<const std::string_view> words) {
    return words[Below(words.size())];
  }

  std::mt19937_64 random_;
  std::deque<Process> processes_;
  uint64_t count_ = 0;
  uint64_t last_change_ = 0;
};

}  // namespace vakt

#endif  // VAKT_TESTS_SUPPORT_SAMPLE_EVENTS_H_
