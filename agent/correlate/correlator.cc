// SPDX-License-Identifier: Apache-2.0
#include "agent/correlate/correlator.h"

#include <algorithm>
#include <tuple>

#include "agent/correlate/event_key.h"

namespace vakt {
namespace {

// What an entry of a table takes beside its state: key, list node, index.
constexpr size_t kEntryBytes = 256;

bool HasState(const Rule& rule) { return rule.throttle != nullptr || rule.correlate != nullptr; }

}  // namespace

struct Correlator::Held {
  TokenBucket bucket;
  uint64_t count = 0;  // held back and not told
  uint64_t begin_boot_ns = 0;
  std::pair<uint64_t, uint64_t> place;  // in open_, when count > 0
};

struct Correlator::RuleState {
  const Rule* rule = nullptr;
  HeldTable held;
  KeyTable<Chain> chains;
};

Correlator::Correlator() = default;
Correlator::~Correlator() = default;

void Correlator::SetRules(const RuleSet& rules, std::vector<Summary>* summaries) {
  std::move(early_.begin(), early_.end(), std::back_inserter(*summaries));
  early_.clear();
  std::map<std::pair<std::string_view, std::string_view>, std::unique_ptr<RuleState>> old;
  for (std::unique_ptr<RuleState>& state : states_) {
    if (state == nullptr) continue;
    const Rule& rule = *state->rule;
    old[{rule.name, rule.state_hash}] = std::move(state);
  }
  states_.clear();
  states_.resize(rules.rules.size());
  size_t tables = 0;
  for (const Rule& rule : rules.rules) {
    if (!HasState(rule)) continue;
    tables += (rule.throttle != nullptr ? 1 : 0) + (rule.correlate != nullptr ? 1 : 0);
    std::unique_ptr<RuleState>& state = states_[rule.index];
    const auto found = old.find({rule.name, rule.state_hash});
    if (found != old.end()) {
      state = std::move(found->second);
      old.erase(found);
    } else {
      state = std::make_unique<RuleState>();
    }
  }
  for (auto& [name, state] : old) {
    std::vector<HeldTable::Entry*> entries;
    state->held.ForEach([&](HeldTable::Entry& entry) { entries.push_back(&entry); });
    for (HeldTable::Entry* entry : entries) Close(state.get(), entry, last_boot_ns_, summaries);
  }
  // Only now: the summaries above name the rules of before.
  for (const Rule& rule : rules.rules) {
    if (states_[rule.index] != nullptr) states_[rule.index]->rule = &rule;
  }
  rules_ = &rules;
  any_state_ = tables > 0;
  bytes_per_table_ = kMaxStateBytes / std::max<size_t>(tables, 1);
}

void Correlator::Apply(const Event& event, absl::Span<const Rule* const> matched,
                       std::vector<Firing>* firings) {
  firings->clear();
  last_boot_ns_ = std::max(last_boot_ns_, event.boot_ns);
  done_.clear();
  if (any_state_) AdvanceParts(event, matched);
  for (const Rule* rule : matched) {
    Firing firing{rule, 1, event.boot_ns, {}};
    if (rule->correlate != nullptr || rule->step > 0) {
      const uint32_t first = rule->index - rule->step;
      const auto done = std::find_if(done_.begin(), done_.end(),
                                     [first](const Firing& f) { return f.rule->index == first; });
      if (done == done_.end()) continue;
      firing = *done;
      done_.erase(done);
    }
    if (Passes(event, *firing.rule)) firings->push_back(firing);
  }
}

// From the last rule to the first, so that of a rule's parts the last comes first (chain.h).
void Correlator::AdvanceParts(const Event& event, absl::Span<const Rule* const> matched) {
  for (size_t i = matched.size(); i > 0; --i) {
    const Rule& part = *matched[i - 1];
    const Rule& rule = rules_->rules[part.index - part.step];
    if (rule.correlate == nullptr) continue;
    RuleState& state = *states_[rule.index];
    MakeEventKey(rule.correlate->by, event, scratch_, &key_);
    const size_t limit =
        std::max<size_t>(1, bytes_per_table_ / (kEntryBytes + Chain::Bytes(*rule.correlate)));
    auto& entry = state.chains.Use(key_, limit, [this](const auto&) { ++counters_.evicted; });
    uint64_t begin_boot_ns = 0;
    if (!entry.state.Advance(*rule.correlate, part.step, event.boot_ns, &begin_boot_ns)) continue;
    done_.push_back({&rule, rule.correlate->count, begin_boot_ns, entry.key});
  }
}

// False when the rule's throttle holds the alert back.
bool Correlator::Passes(const Event& event, const Rule& rule) {
  if (rule.throttle == nullptr) return true;
  RuleState& state = *states_[rule.index];
  MakeEventKey(rule.throttle->by, event, scratch_, &key_);
  const size_t limit = std::max<size_t>(1, bytes_per_table_ / (kEntryBytes + sizeof(Held)));
  HeldTable::Entry& entry = state.held.Use(key_, limit, [&](HeldTable::Entry& gone) {
    ++counters_.evicted;
    Close(&state, &gone, event.boot_ns, &early_);
    if (!early_.empty()) next_summary_boot_ns_ = 0;
  });
  Held& held = entry.state;
  if (held.bucket.Take(*rule.throttle, event.boot_ns)) return true;
  ++counters_.suppressed;
  if (++held.count > 1) return false;
  held.begin_boot_ns = event.boot_ns;
  held.place = {event.boot_ns + rule.throttle->per_ns, ++opened_};
  open_[held.place] = {&state, &entry};
  FindNextSummary();
  return false;
}

void Correlator::Close(RuleState* state, HeldTable::Entry* entry, uint64_t end_boot_ns,
                       std::vector<Summary>* summaries) {
  Held& held = entry->state;
  if (held.count == 0) return;
  summaries->push_back({state->rule, held.count, held.begin_boot_ns,
                        std::max(end_boot_ns, held.begin_boot_ns), entry->key});
  held.count = 0;
  open_.erase(held.place);
  FindNextSummary();
}

void Correlator::TakeSummaries(uint64_t boot_ns, std::vector<Summary>* summaries) {
  std::move(early_.begin(), early_.end(), std::back_inserter(*summaries));
  early_.clear();
  while (!open_.empty() && open_.begin()->first.first <= boot_ns) {
    const auto [due, opened] = open_.begin()->first;
    const auto [state, entry] = open_.begin()->second;
    Close(state, entry, due, summaries);
  }
  FindNextSummary();
}

void Correlator::TakeAllSummaries(std::vector<Summary>* summaries) {
  std::move(early_.begin(), early_.end(), std::back_inserter(*summaries));
  early_.clear();
  while (!open_.empty()) {
    const auto [state, entry] = open_.begin()->second;
    Close(state, entry, last_boot_ns_, summaries);
  }
  FindNextSummary();
}

void Correlator::FindNextSummary() {
  next_summary_boot_ns_ = !early_.empty() ? 0
                          : open_.empty() ? UINT64_MAX
                                          : open_.begin()->first.first;
}

}  // namespace vakt
