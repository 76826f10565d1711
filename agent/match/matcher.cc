// SPDX-License-Identifier: Apache-2.0
#include "agent/match/matcher.h"

#include <algorithm>
#include <chrono>
#include <deque>
#include <functional>
#include <map>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "agent/match/candidate_set.h"
#include "agent/match/condition_code.h"
#include "agent/match/predicates.h"
#include "agent/match/process_memo.h"
#include "agent/match/rule_bucket.h"
#include "common/base/log.h"
#include "common/base/status.h"
#include "common/base/strings.h"
#include "common/event/process.h"
#include "common/rulelang/eval.h"

namespace vakt {
namespace {

// Jump code and predicates of one rule set stay below this: 2^31 instructions would not fit a
// label.
constexpr size_t kMaxRules = 1'000'000;

bool ReadsTypeAlone(const Check& check) {
  const FieldRow* field = check.left.field;
  return field != nullptr && (field->name == "evt.type" || field->name == "syscall.type");
}

void ForEachTypeCheck(const Expr& expr, const std::function<void(const Check&)>& visit) {
  if (expr.kind == Expr::Kind::kCheck && ReadsTypeAlone(*expr.check)) visit(*expr.check);
  for (const auto& child : expr.children) ForEachTypeCheck(*child, visit);
}

}  // namespace

// The rules in buckets. Types on which the same rules can fire and the same checks of the type hold
// share one; rules that do not read the type have the same code in all.
class Matcher::Engine {
 public:
  Engine(std::shared_ptr<const RuleSet> rules, MatchMode mode, bool can_scan)
      : rules_(std::move(rules)), mode_(mode), predicates_(can_scan) {}

  absl::Status Build(int priority_floor) {
    Draft draft;
    for (const Rule& rule : rules_->rules) {
      if (rule.priority > priority_floor) continue;
      draft.AddRule(rule);
      kinds_ |= rule.kinds;
      has_parts_ |= rule.is_part();
    }
    BuildBuckets(&draft);
    return FillBuckets(&draft);
  }

  void Match(const Event& event, std::vector<const Rule*>* matched) {
    matched->clear();
    const size_t type =
        event.type == kNoEventType ? bucket_of_type_.size() - 1 : size_t{event.type};
    if (type >= bucket_of_type_.size() || bucket_of_type_[type] == kNoBucket) return;
    const uint32_t id = bucket_of_type_[type];
    const RuleBucket& bucket = buckets_[id];
    if (bucket.size() == 0) return;
    ProcessMemo& memo = memos_.Of(event.process == nullptr ? 0 : event.process->change);
    predicates_.Begin(event, &memo);
    if (memo.rules[id].begin == ProcessMemo::Rules::kUnknown) {
      bucket.FindForProcess(code_, &predicates_, &memo, id);
    }
    const absl::Span<const uint32_t> of_process = memo.RulesOf(id);
    for (const uint32_t position : of_process) candidates_.Add(position);
    bucket.FindForEvent(&predicates_, &candidates_);
    auto allowed = of_process.begin();  // the next that the process is known to allow
    bool first_found = false;           // that hides the others, but for parts
    candidates_.Drain([&](uint32_t position) {
      const RuleBucket::Entry& entry = bucket.entry(position);
      const bool is_allowed = allowed != of_process.end() && *allowed == position;
      if (is_allowed) ++allowed;
      if (first_found && !entry.rule->is_part()) return true;
      if (!(costs_.empty() ? Holds(entry, is_allowed) : MeasuredHolds(entry, is_allowed))) {
        return true;
      }
      matched->push_back(entry.rule);
      first_found |= mode_ == MatchMode::kFirst && !entry.rule->is_part();
      return !first_found || has_parts_;
    });
  }

  void MeasureRules() { costs_.resize(rules_->rules.size()); }
  absl::Span<const RuleCost> rule_costs() const { return costs_; }

  KindSet kinds() const { return kinds_; }
  const RuleSet& rules() const { return *rules_; }
  uint64_t evaluations() const { return predicates_.evaluations(); }

 private:
  static constexpr uint32_t kNoBucket = ~uint32_t{0};

  struct Part {  // a condition with the type decided
    const Rule* rule;
    Condition condition;
    Access access;
    RuleBucket::Entry entry;
  };
  // The rules on their way into buckets.
  struct Draft {
    void AddRule(const Rule& rule) {
      rules.push_back(&rule);
      reads_type.push_back(false);
      ForEachTypeCheck(*rule.condition, [this](const Check& check) {
        reads_type.back() = true;
        const auto [entry, is_new] = numbers.try_emplace(check.ToText(), type_checks.size());
        if (is_new) type_checks.push_back(&check);
        number_of.emplace(&check, entry->second);
      });
    }

    std::vector<const Rule*> rules;
    std::vector<bool> reads_type;           // by rule
    std::vector<const Check*> type_checks;  // distinct ones
    StringMap<size_t> numbers;              // in type_checks, by text
    absl::flat_hash_map<const Check*, size_t> number_of;

    // The outcome of each type check, and which rules can fire.
    std::map<std::vector<bool>, uint32_t> buckets;
    std::vector<std::vector<size_t>> parts_of;  // by bucket
    std::deque<Part> parts;
    std::vector<size_t> shared;  // by rule: its part, when that is the same in all buckets
  };

  bool Holds(const RuleBucket::Entry& entry, bool process_allows) {
    return (process_allows || code_.Run(entry.of_process, predicates_)) &&
           code_.Run(entry.rest, predicates_);
  }

  bool MeasuredHolds(const RuleBucket::Entry& entry, bool process_allows) {
    const auto begin = std::chrono::steady_clock::now();
    const bool holds = Holds(entry, process_allows);
    const std::chrono::nanoseconds spent = std::chrono::steady_clock::now() - begin;
    RuleCost& cost = costs_[entry.rule->index];
    ++cost.evaluated;
    cost.matched += holds ? 1 : 0;
    cost.ns += static_cast<uint64_t>(spent.count());
    return holds;
  }

  void BuildBuckets(Draft* draft) {
    bucket_of_type_.assign(AllEventTypes().size() + 1, kNoBucket);  // the last: no type
    for (const EventTypeRow& row : AllEventTypes()) {
      // Types that no probe reports do not occur.
      if (row.kind != Kind::none) bucket_of_type_[row.id] = BucketFor(row.id, row.kind, draft);
    }
    bucket_of_type_.back() = BucketFor(kNoEventType, Kind::none, draft);
  }

  // Once all predicates are known, since what is rare depends on all of them.
  absl::Status FillBuckets(Draft* draft) {
    for (Part& part : draft->parts) {
      part.access = AccessTo(part.condition, predicates_);
      for (const PredicateId id : part.access.predicates) predicates_.LookUpFromNowOn(id);
      const SplitCondition split = Split(part.condition, predicates_);
      part.entry = {part.rule, code_.Append(split.of_process), code_.Append(split.rest)};
    }
    VAKT_RETURN_IF_ERROR(predicates_.Freeze());
    size_t largest = 0;
    for (const std::vector<size_t>& parts : draft->parts_of) {
      RuleBucket& bucket = buckets_.emplace_back();
      for (const size_t i : parts) {
        bucket.Add(draft->parts[i].entry, draft->parts[i].access, predicates_);
      }
      largest = std::max(largest, bucket.size());
    }
    candidates_.Reserve(largest);
    memos_ = ProcessMemos(buckets_.size());
    return absl::OkStatus();
  }

  uint32_t BucketFor(EventTypeId type, Kind kind, Draft* draft) {
    Event event;
    event.type = type;
    event.kind = kind;
    Extractor scratch;
    std::vector<bool> signature;
    for (const Check* check : draft->type_checks) {
      scratch.Reset();
      ExtractOperand(check->left, event, scratch);
      signature.push_back(EvaluateCheck(*check, scratch.values(), {}));
    }
    for (const Rule* rule : draft->rules) signature.push_back(rule->event_types.Contains(type));
    const auto id = static_cast<uint32_t>(draft->parts_of.size());
    const auto [entry, is_new] = draft->buckets.try_emplace(std::move(signature), id);
    if (is_new) draft->parts_of.push_back(PartsOf(entry->first, draft));
    return entry->second;
  }

  std::vector<size_t> PartsOf(const std::vector<bool>& signature, Draft* draft) {
    constexpr size_t kNone = ~size_t{0};
    const Decide decide = [&](const Check& check) {
      if (!ReadsTypeAlone(check)) return Decision::kOpen;
      return signature[draft->number_of.at(&check)] ? Decision::kHolds : Decision::kFails;
    };
    draft->shared.resize(draft->rules.size(), kNone);
    std::vector<size_t> parts;
    for (size_t i = 0; i < draft->rules.size(); ++i) {
      if (!signature[draft->type_checks.size() + i]) continue;
      size_t part = draft->shared[i];
      if (part == kNone) {
        part = draft->parts.size();
        const Rule* rule = draft->rules[i];
        draft->parts.push_back({rule, Simplify(*rule->condition, decide, &predicates_), {}, {}});
        if (!draft->reads_type[i]) draft->shared[i] = part;
      }
      if (draft->parts[part].condition.kind != Condition::Kind::kFalse) parts.push_back(part);
    }
    return parts;
  }

  const std::shared_ptr<const RuleSet> rules_;
  const MatchMode mode_;
  KindSet kinds_ = 0;
  bool has_parts_ = false;  // some rule is_part
  Predicates predicates_;
  ConditionCode code_;
  std::vector<RuleBucket> buckets_;
  std::vector<uint32_t> bucket_of_type_;  // by event type; the last is for events without one
  ProcessMemos memos_;
  CandidateSet candidates_;      // scratch of Match
  std::vector<RuleCost> costs_;  // by Rule::index; empty unless they are measured
};

Matcher::Matcher(std::unique_ptr<Engine> engine) : engine_(std::move(engine)) {}
Matcher::~Matcher() = default;

absl::StatusOr<std::unique_ptr<Matcher>> Matcher::Compile(std::shared_ptr<const RuleSet> rules,
                                                          MatchMode mode, int priority_floor) {
  if (rules == nullptr) {
    return absl::InvalidArgumentError("no rules to match: the rule files did not load");
  }
  if (rules->rules.size() > kMaxRules) {
    return absl::ResourceExhaustedError(
        StrCat(rules->rules.size(), " rules; at most ", kMaxRules, " are matched"));
  }
  auto engine = std::make_unique<Engine>(rules, mode, /*can_scan=*/true);
  const absl::Status status = engine->Build(priority_floor);
  if (!status.ok()) {
    LogWarning(
        StrCat("rules that look for texts inside values are tried one by one: ", Message(status)));
    engine = std::make_unique<Engine>(rules, mode, /*can_scan=*/false);
    VAKT_RETURN_IF_ERROR(engine->Build(priority_floor));
  }
  return std::unique_ptr<Matcher>(new Matcher(std::move(engine)));
}

void Matcher::Match(const Event& event, std::vector<const Rule*>* matched) {
  engine_->Match(event, matched);
}

KindSet Matcher::kinds() const { return engine_->kinds(); }
const RuleSet& Matcher::rules() const { return engine_->rules(); }
void Matcher::MeasureRules() { engine_->MeasureRules(); }
absl::Span<const RuleCost> Matcher::rule_costs() const { return engine_->rule_costs(); }
uint64_t Matcher::evaluations() const { return engine_->evaluations(); }

}  // namespace vakt
