// SPDX-License-Identifier: Apache-2.0
// Which rules an event fires.
//
// Design: Compile numbers the distinct checks of all rules (predicates) and the distinct values
// that they read (slots), and puts the rules into buckets by event type, each as jump code over
// predicates, cheap ones first. Of the predicates that a rule cannot do without, those that are the
// least likely to hold lead to it: one look-up of a slot's value finds all that it satisfies, and
// rules that nothing leads to are not looked at. What the process alone decides is worked out once
// per state of the process. The outcome is that of Evaluate (common/rulelang/eval.h).
//
// Ownership: keeps the rule set alive; matched rules are valid as long as that.
// Threads: pipeline thread only (Match reuses scratch state). No allocation in the steady state.
#ifndef VAKT_AGENT_MATCH_MATCHER_H_
#define VAKT_AGENT_MATCH_MATCHER_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "common/event/event.h"
#include "common/event/kind.h"
#include "common/rulelang/rule_set.h"

namespace vakt {

enum class MatchMode : uint8_t {
  kFirst,  // only the first matching rule in definition order fires, besides parts (Rule::is_part)
  kAll,    // every matching rule fires
};

// What one rule cost.
struct RuleCost {
  uint64_t evaluated = 0;  // events for which its condition was looked at
  uint64_t matched = 0;    // events on which it fired
  uint64_t ns = 0;         // spent on its condition
};

class Matcher {
 public:
  // Rules that are less severe (numerically greater) than `priority_floor` are left out.
  static absl::StatusOr<std::unique_ptr<Matcher>> Compile(std::shared_ptr<const RuleSet> rules,
                                                          MatchMode mode = MatchMode::kFirst,
                                                          int priority_floor = 7);
  ~Matcher();
  Matcher(const Matcher&) = delete;
  Matcher& operator=(const Matcher&) = delete;

  // Sets *matched to the rules that fire, in definition order. Needs event.process.
  void Match(const Event& event, std::vector<const Rule*>* matched);

  // Kinds that some compiled rule can fire on.
  KindSet kinds() const;
  const RuleSet& rules() const;
  // Look-ups and predicates evaluated since Compile.
  uint64_t evaluations() const;

  // Measures each rule from now on, at some cost itself.
  void MeasureRules();
  // By Rule::index; empty without MeasureRules.
  absl::Span<const RuleCost> rule_costs() const;

 private:
  class Engine;
  explicit Matcher(std::unique_ptr<Engine> engine);

  std::unique_ptr<Engine> engine_;
};

}  // namespace vakt

#endif  // VAKT_AGENT_MATCH_MATCHER_H_
