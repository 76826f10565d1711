// SPDX-License-Identifier: Apache-2.0
#include "agent/match/rule_bucket.h"

#include <algorithm>

namespace vakt {

void RuleBucket::Add(const Entry& entry, const Access& access, const Predicates& predicates) {
  const auto position = static_cast<uint32_t>(entries_.size());
  entries_.push_back(entry);
  if (access.predicates.empty()) always_.push_back(position);
  for (const PredicateId id : access.predicates) {
    (access.of_process ? of_process_ : of_event_)[id].push_back(position);
    if (access.of_process) continue;
    const SlotId slot = predicates.slot(id);
    if (std::find(event_slots_.begin(), event_slots_.end(), slot) == event_slots_.end()) {
      event_slots_.push_back(slot);
    }
  }
}

void RuleBucket::FindForProcess(const ConditionCode& code, Predicates* predicates,
                                ProcessMemo* memo, uint32_t bucket) const {
  std::vector<uint32_t>& all = memo->positions;
  const size_t begin = all.size();
  all.insert(all.end(), always_.begin(), always_.end());
  if (!of_process_.empty()) {
    predicates->ForEachLead([&](PredicateId lead) {
      const auto rules = of_process_.find(lead);
      if (rules != of_process_.end()) {
        all.insert(all.end(), rules->second.begin(), rules->second.end());
      }
    });
  }
  const auto first = all.begin() + static_cast<ptrdiff_t>(begin);
  std::sort(first, all.end());
  all.erase(std::unique(first, all.end()), all.end());
  all.erase(std::remove_if(first, all.end(),
                           [&](uint32_t position) {
                             return !code.Run(entries_[position].of_process, *predicates);
                           }),
            all.end());
  memo->rules[bucket] = {static_cast<uint32_t>(begin), static_cast<uint32_t>(all.size() - begin)};
}

void RuleBucket::FindForEvent(Predicates* predicates, CandidateSet* positions) const {
  for (const SlotId slot : event_slots_) {
    for (const PredicateId found : predicates->LookUp(slot)) {
      const auto rules = of_event_.find(found);
      if (rules == of_event_.end()) continue;
      for (const uint32_t position : rules->second) positions->Add(position);
    }
  }
}

}  // namespace vakt
