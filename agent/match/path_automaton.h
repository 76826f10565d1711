// SPDX-License-Identifier: Apache-2.0
// Builds the automaton that looks for all rules' path patterns in one pass (Aho and Corasick,
// 1975), over the path read backwards.
//
// Ownership: values. Threads: thread-compatible function without state.
#ifndef VAKT_AGENT_MATCH_PATH_AUTOMATON_H_
#define VAKT_AGENT_MATCH_PATH_AUTOMATON_H_

#include <cstdint>
#include <string_view>
#include <vector>

#include "absl/types/span.h"
#include "agent/match/path_patterns.h"
#include "bpf/wire/prefilter.h"

namespace vakt {

struct ClassedPattern {
  PathPattern pattern;
  uint64_t classes = 0;
};

// Fills in `*out`, which is zero. Patterns are shortened until they fit, which makes them hit more
// often. False when they do not fit even so: then nothing can be said about paths.
bool BuildPathAutomaton(absl::Span<const ClassedPattern> patterns, vakt_path_automaton* out);

// What the probes do with a path: the classes of all patterns in it.
uint64_t RunPathAutomaton(const vakt_path_automaton& automaton, std::string_view path);

}  // namespace vakt

#endif  // VAKT_AGENT_MATCH_PATH_AUTOMATON_H_
