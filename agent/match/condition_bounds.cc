// SPDX-License-Identifier: Apache-2.0
#include "agent/match/condition_bounds.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <utility>

namespace vakt {
namespace {

Reduced Constant(bool value) {
  Reduced r;
  r.kind = value ? Reduced::Kind::kTrue : Reduced::Kind::kFalse;
  return r;
}

// Reduce and PathNeedOf push a `not` down to the checks; `negated` says that one is on its way.
bool IsConjunction(const Expr& expr, bool negated) {
  return (expr.kind == Expr::Kind::kAnd) != negated;
}

struct Reducer {
  const VerdictOf& verdict_of;
  const std::function<bool(const Check&)>& wanted;
  CheckList* checks;

  Reduced Of(const Expr& expr, bool negated) const {
    if (expr.kind == Expr::Kind::kNot) return Of(*expr.children.front(), !negated);
    if (expr.kind == Expr::Kind::kCheck) return OfCheck(*expr.check, negated);
    const bool all = IsConjunction(expr, negated);
    const auto neutral = all ? Reduced::Kind::kTrue : Reduced::Kind::kFalse;
    const auto decisive = all ? Reduced::Kind::kFalse : Reduced::Kind::kTrue;
    Reduced chain;
    chain.kind = all ? Reduced::Kind::kAnd : Reduced::Kind::kOr;
    for (const auto& child : expr.children) {
      Reduced part = Of(*child, negated);
      if (part.kind == decisive) return part;
      if (part.kind == chain.kind) {
        std::move(part.parts.begin(), part.parts.end(), std::back_inserter(chain.parts));
      } else if (part.kind != neutral) {
        chain.parts.push_back(std::move(part));
      }
    }
    if (chain.parts.empty()) return Constant(all);
    return chain.parts.size() == 1 ? Reduced(std::move(chain.parts.front())) : chain;
  }

  Reduced OfCheck(const Check& check, bool negated) const {
    const Verdict verdict = verdict_of(check);
    if (verdict != Verdict::kOpen) return Constant((verdict == Verdict::kHolds) != negated);
    if (!wanted(check)) return Constant(true);  // may hold, whichever way round it is asked
    Reduced r;
    r.kind = Reduced::Kind::kCheck;
    r.negated = negated;
    r.check = checks->Add(check);
    return r;
  }
};

// How often a path has one of the patterns, roughly: long ones are rare. Beginnings are not, for
// few directories hold most files.
double Frequency(const std::vector<PathPattern>& patterns) {
  double sum = 0;
  for (const PathPattern& p : patterns) {
    const double place = (p.at_begin ? -2.0 : 0.0) + (p.at_end ? 1.0 : 0.0);
    sum += std::exp2(-(static_cast<double>(std::min<size_t>(p.text.size(), 64)) + place));
  }
  return sum;
}

PathNeed Never() {
  PathNeed need;
  need.anything = false;
  return need;
}

// `is_alternative`: an `or` joins it with others, so that whatever it asks is in their way.
PathNeed NeedOfCheck(const Check& check, bool negated, bool is_alternative,
                     const VerdictOf& verdict_of) {
  const Verdict verdict = verdict_of(check);
  if (verdict == (negated ? Verdict::kHolds : Verdict::kFails)) return Never();
  PathNeed need;
  if (verdict != Verdict::kOpen) return need;
  if (!negated) {
    if (auto patterns = PatternsOf(check)) {
      need.anything = false;
      need.patterns = *std::move(patterns);
      return need;
    }
  }
  if (IsOfPath(check) || is_alternative) {
    need.obstacle = StrCat(negated ? "not " : "", check.ToText());
  }
  return need;
}

PathNeed NeedOf(const Expr& expr, bool negated, bool is_alternative, const VerdictOf& verdict_of) {
  if (expr.kind == Expr::Kind::kNot) {
    return NeedOf(*expr.children.front(), !negated, is_alternative, verdict_of);
  }
  if (expr.kind == Expr::Kind::kCheck) {
    return NeedOfCheck(*expr.check, negated, is_alternative, verdict_of);
  }
  const bool all = IsConjunction(expr, negated);
  PathNeed sum = all ? PathNeed() : Never();
  for (const auto& child : expr.children) {
    PathNeed need = NeedOf(*child, negated, !all, verdict_of);
    if (!all) {  // one of all alternatives' patterns
      if (need.anything) return need;
      sum.patterns.insert(sum.patterns.end(), need.patterns.begin(), need.patterns.end());
    } else if (need.anything) {
      if (sum.anything && sum.obstacle.empty()) sum.obstacle = std::move(need.obstacle);
    } else if (sum.anything || Frequency(need.patterns) < Frequency(sum.patterns)) {
      sum = std::move(need);
    }
  }
  return sum;
}

}  // namespace

Verdict Bound(const Expr& condition, const VerdictOf& verdict_of) {
  if (condition.kind == Expr::Kind::kCheck) return verdict_of(*condition.check);
  if (condition.kind == Expr::Kind::kNot) {
    return Not(Bound(*condition.children.front(), verdict_of));
  }
  const bool all = condition.kind == Expr::Kind::kAnd;
  const Verdict decisive = all ? Verdict::kFails : Verdict::kHolds;
  Verdict result = Not(decisive);
  for (const auto& child : condition.children) {
    const Verdict verdict = Bound(*child, verdict_of);
    if (verdict == decisive) return decisive;
    if (verdict == Verdict::kOpen) result = verdict;
  }
  return result;
}

uint32_t CheckList::Add(const Check& check) {
  const auto [entry, is_new] =
      by_text_.try_emplace(check.ToText(), static_cast<uint32_t>(checks_.size()));
  if (is_new) checks_.push_back(&check);
  return entry->second;
}

std::string Reduced::Key() const {
  switch (kind) {
    case Kind::kTrue:
      return "";
    case Kind::kFalse:
      return "!";
    case Kind::kCheck:
      return StrCat(negated ? "-" : "+", check);
    case Kind::kAnd:
    case Kind::kOr:
      break;
  }
  std::string key = kind == Kind::kAnd ? "&(" : "|(";
  for (const Reduced& part : parts) key += StrCat(part.Key(), " ");
  return key + ")";
}

bool Reduced::Holds(const std::function<bool(uint32_t)>& check_holds) const {
  const auto holds = [&](const Reduced& part) { return part.Holds(check_holds); };
  switch (kind) {
    case Kind::kTrue:
      return true;
    case Kind::kFalse:
      return false;
    case Kind::kCheck:
      return check_holds(check) != negated;
    case Kind::kAnd:
      return std::all_of(parts.begin(), parts.end(), holds);
    case Kind::kOr:
      return std::any_of(parts.begin(), parts.end(), holds);
  }
  return true;
}

Reduced Reduce(const Expr& condition, const VerdictOf& verdict_of,
               const std::function<bool(const Check&)>& wanted, CheckList* checks) {
  return Reducer{verdict_of, wanted, checks}.Of(condition, /*negated=*/false);
}

PathNeed PathNeedOf(const Expr& condition, const VerdictOf& verdict_of) {
  return NeedOf(condition, /*negated=*/false, /*is_alternative=*/false, verdict_of);
}

}  // namespace vakt
