// SPDX-License-Identifier: Apache-2.0
// Events with random contents, for tests of what must carry every field.
#ifndef VAKT_TESTS_UNIT_COMMON_EVENT_CODEC_RANDOM_EVENT_H_
#define VAKT_TESTS_UNIT_COMMON_EVENT_CODEC_RANDOM_EVENT_H_

#include <deque>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "common/event/event.h"

namespace vakt {

// Fields are random, the strings any bytes; only those of `kind` are set. Owns the strings: an
// event's views are valid until the next one is made.
class RandomEvents {
 public:
  explicit RandomEvents(uint32_t seed) : random_(seed) {}
  Event Make(Kind kind);

 private:
  template <typename Number>
  void Fill(Number* number);
  void Fill(bool* flag) { *flag = random_() % 2 != 0; }
  void Fill(std::string_view* text);
  void Fill(Task* task);
  void Fill(ProcessFacts* facts);
  void Fill(File* file);
  void Fill(ProcessExec* exec);
  void Fill(CallArgs* args);
  void Fill(Credentials* credentials);
  void Fill(Endpoint* endpoint, bool ipv6);
  void Fill(FileChange* change);
  void Fill(Network* network);
  void FillName(std::string_view* text);  // letters
  void Fill(UserStack* stack);
  void Fill(FlowReport* flow);
  void Fill(DnsReport* dns);

  std::mt19937_64 random_;
  std::deque<std::string> strings_;
};

// "name=value" of every field of the event and of all its payloads, but `process` and `node`.
std::vector<std::string> FieldsOf(const Event& event);

}  // namespace vakt

#endif  // VAKT_TESTS_UNIT_COMMON_EVENT_CODEC_RANDOM_EVENT_H_
