// SPDX-License-Identifier: Apache-2.0
// Random conditions that are well-formed and well-typed, the same for the same seed: any field, any
// operator that applies to it, constants that the sample events may have.
//
// Threads: thread-compatible.
#ifndef VAKT_TESTS_UNIT_AGENT_MATCH_RANDOM_RULES_H_
#define VAKT_TESTS_UNIT_AGENT_MATCH_RANDOM_RULES_H_

#include <cstdint>
#include <random>
#include <string>
#include <string_view>

#include "common/event/field_table.h"
#include "common/rulelang/operators.h"

namespace vakt {

class RandomRules {
 public:
  explicit RandomRules(uint64_t seed) : random_(seed) {}

  // Rules as a rule file.
  std::string File(int rules);
  std::string Condition(int depth);
  // A check of a path.
  std::string PathCheck();
  // At least 0 and less than `limit`.
  uint64_t Number(uint64_t limit) { return Below(limit); }

 private:
  uint64_t Below(uint64_t limit) { return random_() % limit; }
  std::string Check();
  std::string Constant(const FieldRow& field, const OperatorRow& op);
  std::string Text();
  std::string Part(std::string_view text);
  std::string Transformed(std::string_view name);
  const FieldRow& Field();
  const OperatorRow& OperatorFor(const FieldRow& field, bool is_list);

  std::mt19937_64 random_;
};

}  // namespace vakt

#endif  // VAKT_TESTS_UNIT_AGENT_MATCH_RANDOM_RULES_H_
