// SPDX-License-Identifier: Apache-2.0
// What rules of ours say beyond Falco's (docs/formats/rules.md): what a rule is evidence for, how
// often it may alert, and how many or which further events it takes.
//
// Ownership: value types. Threads: immutable once compiled.
#ifndef VAKT_COMMON_RULELANG_RULE_EXTRAS_H_
#define VAKT_COMMON_RULELANG_RULE_EXTRAS_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/rulelang/operand.h"

namespace vakt {

// Techniques of MITRE ATT&CK that the rule sees.
struct Attack {
  std::string version;                  // of ATT&CK, such as "17.1"; empty: not said
  std::vector<std::string> techniques;  // "T1110", "T1110.001"
};

// A requirement that the rule helps to meet.
struct Control {
  std::string framework;  // "pci-dss"
  std::string version;    // "4.0.1"
  std::string id;         // "10.2.1.2"
  std::string strength;   // "detects", "evidences" or "supports"
  std::string rationale;
};

// At most `alerts` in `per`, for each combination of values of `by`; the rest is counted.
struct Throttle {
  uint32_t alerts = 1;
  uint64_t per_ns = 0;
  std::vector<Operand> by;
};

// An alert takes `count` matches within `within`, and then a match of each of the steps, in order,
// all with the same values of `by`.
struct Correlate {
  uint32_t count = 1;
  uint64_t within_ns = 0;
  uint32_t steps = 0;
  std::vector<Operand> by;
};

// Whether `id` is written as techniques are: T1110 or T1110.001.
bool IsAttackTechnique(std::string_view id);

inline constexpr uint32_t kMaxThrottleAlerts = 1'000'000;
inline constexpr uint32_t kMaxCorrelateCount = 1000;
inline constexpr uint32_t kMaxCorrelateSteps = 8;
inline constexpr size_t kMaxKeyFields = 8;

}  // namespace vakt

#endif  // VAKT_COMMON_RULELANG_RULE_EXTRAS_H_
