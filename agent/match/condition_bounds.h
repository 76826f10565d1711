// SPDX-License-Identifier: Apache-2.0
// What can be said of a condition when only some of its checks are decided.
//
// The prefilter knows some facts of an event (how a file was opened) or of its process, and none of
// the others. So a check holds, fails, or may do either; conditions follow Kleene's three-valued
// logic, in which a `not` swaps holding and failing and leaves the open case open.
//
// Ownership: values; a Reduced names checks of the CheckList it was made with.
// Threads: immutable once made.
#ifndef VAKT_AGENT_MATCH_CONDITION_BOUNDS_H_
#define VAKT_AGENT_MATCH_CONDITION_BOUNDS_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "agent/match/path_patterns.h"
#include "common/base/strings.h"
#include "common/rulelang/expr.h"

namespace vakt {

enum class Verdict : uint8_t { kFails, kOpen, kHolds };
constexpr Verdict Not(Verdict v) {
  return v == Verdict::kOpen ? v : v == Verdict::kHolds ? Verdict::kFails : Verdict::kHolds;
}

using VerdictOf = std::function<Verdict(const Check&)>;
Verdict Bound(const Expr& condition, const VerdictOf& verdict_of);

// Distinct checks, numbered; equal texts are the same check.
class CheckList {
 public:
  uint32_t Add(const Check& check);
  const std::vector<const Check*>& checks() const { return checks_; }

 private:
  std::vector<const Check*> checks_;
  StringMap<uint32_t> by_text_;
};

// A condition of which only the wanted checks are left: whenever the condition holds, this does.
struct Reduced {
  enum class Kind : uint8_t { kTrue, kFalse, kCheck, kAnd, kOr };

  Kind kind = Kind::kTrue;
  bool negated = false;        // kCheck
  uint32_t check = 0;          // kCheck
  std::vector<Reduced> parts;  // kAnd, kOr

  // The same for equal conditions.
  std::string Key() const;
  bool Holds(const std::function<bool(uint32_t)>& check_holds) const;
};
Reduced Reduce(const Expr& condition, const VerdictOf& verdict_of,
               const std::function<bool(const Check&)>& wanted, CheckList* checks);

// Pieces of path of which one must occur for the condition to hold.
struct PathNeed {
  bool anything = true;  // nothing is asked of the path, or nothing that can be looked for
  std::vector<PathPattern> patterns;
  // When anything: the check without which it would not be, if there is one.
  std::string obstacle;
};
PathNeed PathNeedOf(const Expr& condition, const VerdictOf& verdict_of);

}  // namespace vakt

#endif  // VAKT_AGENT_MATCH_CONDITION_BOUNDS_H_
