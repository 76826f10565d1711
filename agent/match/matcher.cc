// SPDX-License-Identifier: Apache-2.0
#include "agent/match/matcher.h"

#include <algorithm>
#include <bit>
#include <map>
#include <utility>

#include "agent/match/condition_code.h"
#include "agent/match/predicates.h"
#include "common/base/strings.h"
#include "common/rulelang/eval.h"

namespace vakt {
namespace {

// Jump code and predicates of one rule set stay below this: 2^31 instructions would not fit a
// label.
constexpr size_t kMaxRules = 1'000'000;

constexpr size_t kWordBits = 64;

bool ReadsTypeAlone(const Check& check) {
  const FieldRow* field = check.left.field;
  return field != nullptr && (field->name == "evt.type" || field->name == "syscall.type");
}

}  // namespace

class Matcher::Engine {
 public:
  Engine(std::shared_ptr<const RuleSet> rules, MatchMode mode, int priority_floor)
      : rules_(std::move(rules)), mode_(mode) {
    for (const Rule& rule : rules_->rules) {
      if (rule.priority > priority_floor) continue;
      active_.push_back(&rule);
      kinds_ |= rule.kinds;
    }
    BuildBuckets();
  }

  void Match(const Event& event, std::vector<const Rule*>* matched) {
    matched->clear();
    const size_t type =
        event.type == kNoEventType ? bucket_of_type_.size() - 1 : size_t{event.type};
    if (type >= bucket_of_type_.size() || bucket_of_type_[type] == kNoBucket) return;
    const Bucket& bucket = buckets_[bucket_of_type_[type]];
    predicates_.Begin(event);
    FindCandidates(bucket);
    for (size_t word = 0; word < candidates_.size(); ++word) {
      for (uint64_t bits = candidates_[word]; bits != 0; bits &= bits - 1) {
        const size_t i = word * kWordBits + static_cast<size_t>(std::countr_zero(bits));
        if (!code_.Run(bucket.rules[i].code, predicates_)) continue;
        matched->push_back(bucket.rules[i].rule);
        if (mode_ == MatchMode::kFirst) return;
      }
    }
  }

  KindSet kinds() const { return kinds_; }
  const RuleSet& rules() const { return *rules_; }
  uint64_t evaluations() const { return predicates_.evaluations(); }

 private:
  static constexpr uint32_t kNoBucket = ~uint32_t{0};

  // The rules for some event types, in definition order.
  struct Bucket {
    struct Entry {
      const Rule* rule;
      ConditionCode::Label code;
    };
    std::vector<Entry> rules;
    std::vector<uint64_t> always;  // bit per rule: evaluate whatever the event
    std::vector<SlotId> slots;     // whose values lead to the other rules ...
    absl::flat_hash_map<PredicateId, std::vector<uint32_t>> by_lookup;  // ... through these
  };

  // Types on which the same rules can fire and the same checks of the type hold share a bucket.
  using Signature = std::vector<bool>;
  using Conditions = std::vector<std::pair<const Rule*, Condition>>;
  struct Build {
    std::map<Signature, uint32_t> buckets;
    std::vector<Conditions> conditions;  // per bucket
  };

  void BuildBuckets() {
    Build build;
    bucket_of_type_.assign(AllEventTypes().size() + 1, kNoBucket);  // the last: no type
    for (const EventTypeRow& row : AllEventTypes()) {
      // Types that no probe reports do not occur.
      if (row.kind != Kind::none) bucket_of_type_[row.id] = BucketFor(row.id, row.kind, &build);
    }
    bucket_of_type_.back() = BucketFor(kNoEventType, Kind::none, &build);
    // Once all predicates are known, since what is rare depends on all of them.
    for (const Conditions& conditions : build.conditions) AddBucket(conditions);
  }

  uint32_t BucketFor(EventTypeId type, Kind kind, Build* build) {
    Event event;
    event.type = type;
    event.kind = kind;
    Extractor scratch;
    Signature signature;
    const Decide decide = [&](const Check& check) {
      if (!ReadsTypeAlone(check)) return Decision::kOpen;
      scratch.Reset();
      ExtractOperand(check.left, event, scratch);
      const bool holds = EvaluateCheck(check, scratch.values(), {});
      signature.push_back(holds);
      return holds ? Decision::kHolds : Decision::kFails;
    };
    Conditions conditions;
    for (const Rule* rule : active_) {
      const bool possible = rule->event_types.Contains(type);
      signature.push_back(possible);
      if (!possible) continue;
      Condition condition = Simplify(*rule->condition, decide, &predicates_);
      if (condition.kind == Condition::Kind::kFalse) continue;
      conditions.emplace_back(rule, std::move(condition));
    }
    const auto id = static_cast<uint32_t>(build->conditions.size());
    const auto [entry, is_new] = build->buckets.try_emplace(std::move(signature), id);
    if (is_new) build->conditions.push_back(std::move(conditions));
    return entry->second;
  }

  void AddBucket(const Conditions& conditions) {
    Bucket* bucket = &buckets_.emplace_back();
    bucket->always.assign((conditions.size() + kWordBits - 1) / kWordBits, 0);
    for (const auto& [rule, condition] : conditions) {
      const auto position = static_cast<uint32_t>(bucket->rules.size());
      bucket->rules.push_back({rule, code_.Append(condition)});
      const std::vector<PredicateId> required = RequiredLookups(condition, predicates_);
      if (required.empty()) {
        bucket->always[position / kWordBits] |= uint64_t{1} << position % kWordBits;
      }
      for (const PredicateId id : required) {
        bucket->by_lookup[id].push_back(position);
        const SlotId slot = predicates_.slot(id);
        if (std::find(bucket->slots.begin(), bucket->slots.end(), slot) == bucket->slots.end()) {
          bucket->slots.push_back(slot);
        }
      }
    }
  }

  void FindCandidates(const Bucket& bucket) {
    candidates_.assign(bucket.always.begin(), bucket.always.end());
    for (const SlotId slot : bucket.slots) {
      for (const PredicateId hit : predicates_.Hits(slot)) {
        const auto found = bucket.by_lookup.find(hit);
        if (found == bucket.by_lookup.end()) continue;
        for (const uint32_t position : found->second) {
          candidates_[position / kWordBits] |= uint64_t{1} << position % kWordBits;
        }
      }
    }
  }

  std::shared_ptr<const RuleSet> rules_;
  MatchMode mode_;
  KindSet kinds_ = 0;
  std::vector<const Rule*> active_;
  Predicates predicates_;
  ConditionCode code_;
  std::vector<Bucket> buckets_;
  std::vector<uint32_t> bucket_of_type_;  // by event type; the last is for events without one
  std::vector<uint64_t> candidates_;      // bit per rule of the bucket: scratch of Match
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
  auto engine = std::make_unique<Engine>(std::move(rules), mode, priority_floor);
  return std::unique_ptr<Matcher>(new Matcher(std::move(engine)));
}

void Matcher::Match(const Event& event, std::vector<const Rule*>* matched) {
  engine_->Match(event, matched);
}

KindSet Matcher::kinds() const { return engine_->kinds(); }
const RuleSet& Matcher::rules() const { return engine_->rules(); }
uint64_t Matcher::evaluations() const { return engine_->evaluations(); }

}  // namespace vakt
