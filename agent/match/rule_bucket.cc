// SPDX-License-Identifier: Apache-2.0
#include "agent/match/rule_bucket.h"

#include <algorithm>

namespace vakt {

void RuleBucket::Add(const Entry& entry, const Access& access, const Predicates& predicates) {
  const auto position = static_cast<uint32_t>(entries_.size());
  entries_.push_back(entry);
  if (access.predicates.empty()) always_.push_back(position);
  Lookups& lookups = access.of_process ? of_process_ : of_event_;
  for (const PredicateId id : access.predicates) {
    lookups.positions[id].push_back(position);
    const SlotId slot = predicates.slot(id);
    if (std::find(lookups.slots.begin(), lookups.slots.end(), slot) == lookups.slots.end()) {
      lookups.slots.push_back(slot);
    }
  }
}

void RuleBucket::FindForProcess(const ConditionCode& code, Predicates* predicates,
                                std::vector<uint32_t>* positions) const {
  positions->assign(always_.begin(), always_.end());
  for (const SlotId slot : of_process_.slots) {
    for (const PredicateId found : predicates->LookUp(slot)) {
      const auto rules = of_process_.positions.find(found);
      if (rules == of_process_.positions.end()) continue;
      positions->insert(positions->end(), rules->second.begin(), rules->second.end());
    }
  }
  std::sort(positions->begin(), positions->end());
  positions->erase(std::unique(positions->begin(), positions->end()), positions->end());
  std::erase_if(*positions, [&](uint32_t position) {
    return !code.Run(entries_[position].of_process, *predicates);
  });
}

void RuleBucket::FindForEvent(Predicates* predicates, CandidateSet* positions) const {
  for (const SlotId slot : of_event_.slots) {
    for (const PredicateId found : predicates->LookUp(slot)) {
      const auto rules = of_event_.positions.find(found);
      if (rules == of_event_.positions.end()) continue;
      for (const uint32_t position : rules->second) positions->Add(position);
    }
  }
}

}  // namespace vakt
