// SPDX-License-Identifier: Apache-2.0
// Rules in any number and events of a busy node, the same for the same seed. The rules have two to
// four checks each: equality, lists, prefixes (some of them generic ones such as /usr/lib/),
// suffixes, texts in the middle, globs, regular expressions, paths, ports and networks, of the file
// or connection and of the process. An event has eight string fields, a command line of 112 bytes
// among them; six of ten are opens, and one in seven is an exec, after which nothing is known of
// its process. Most rules name things that no event has; some fire.
//
// Ownership: RuleMixEvents owns what its events point to. Threads: thread-compatible.
#ifndef VAKT_TESTS_SUPPORT_RULE_MIX_H_
#define VAKT_TESTS_SUPPORT_RULE_MIX_H_

#include <cstddef>
#include <deque>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "absl/types/span.h"
#include "common/event/event.h"
#include "common/event/process.h"

namespace vakt {

// A rule file.
std::string RuleMix(int rules);

class RuleMixEvents {
 public:
  // kind: events of this kind alone; none: of all.
  explicit RuleMixEvents(Kind kind = Kind::none);

  // The events come round again and again, few enough to stay in the processor's cache, as an event
  // that was just decoded is; an exec gives its process a new state each time.
  const Event& Next();

 private:
  using Words = absl::Span<const std::string_view>;

  uint64_t Below(uint64_t limit) { return random_() % limit; }
  std::string_view Pick(Words words) { return words[Below(words.size())]; }
  std::string_view Keep(std::string text) { return texts_.emplace_back(std::move(text)); }
  Process& NewProcess();
  Event NewEvent(const EventTypeRow& type, const Process& process);
  std::string Path();
  void FillConnection(Event* event);

  std::mt19937_64 random_{1};
  std::deque<Process> processes_;
  std::vector<Process*> live_;
  std::deque<std::string> texts_;
  std::vector<Event> events_;
  std::vector<Process*> actors_;  // of the events
  size_t next_ = 0;
  uint64_t last_change_ = 0;
};

}  // namespace vakt

#endif  // VAKT_TESTS_SUPPORT_RULE_MIX_H_
