// SPDX-License-Identifier: Apache-2.0
#include "agent/match/rule_bucket.h"

#include <algorithm>
#include <bit>

namespace vakt {
namespace {

void SetBit(std::vector<uint64_t>& bits, size_t i) { bits[i / 64] |= uint64_t{1} << i % 64; }

bool Bit(const std::vector<uint64_t>& bits, size_t i) { return (bits[i / 64] >> i % 64 & 1) != 0; }

template <typename Visit>
void ForEachBit(uint64_t bits, size_t word, Visit visit) {
  for (; bits != 0; bits &= bits - 1) {
    visit(static_cast<uint32_t>(word * 64 + static_cast<size_t>(std::countr_zero(bits))));
  }
}

bool Intersect(const std::vector<uint64_t>& a, const std::vector<uint64_t>& b) {
  for (size_t i = 0; i < a.size(); ++i) {
    if ((a[i] & b[i]) != 0) return true;
  }
  return false;
}

}  // namespace

RuleBucket::EventSlot& RuleBucket::EventSlotOf(SlotId slot) {
  const auto found = std::find_if(event_slots_.begin(), event_slots_.end(),
                                  [slot](const EventSlot& s) { return s.slot == slot; });
  return found != event_slots_.end() ? *found : event_slots_.emplace_back(EventSlot{slot, {}});
}

void RuleBucket::Add(const Entry& entry, const Condition& condition, const Predicates& predicates) {
  const auto position = static_cast<uint32_t>(entries_.size());
  entries_.push_back(entry);
  without_process_lookup_.resize(words());
  without_event_lookup_.resize(words());
  const auto of_process = RequiredLookups(condition, predicates, Scope::kProcess);
  if (of_process.empty()) SetBit(without_process_lookup_, position);
  for (const PredicateId id : of_process) {
    postings_[id].positions.push_back(position);
    const SlotId slot = predicates.slot(id);
    if (std::find(process_slots_.begin(), process_slots_.end(), slot) == process_slots_.end()) {
      process_slots_.push_back(slot);
    }
  }
  const auto of_event = RequiredLookups(condition, predicates, Scope::kEvent);
  if (of_event.empty()) SetBit(without_event_lookup_, position);
  for (const PredicateId id : of_event) {
    postings_[id].positions.push_back(position);
    EventSlot& slot = EventSlotOf(predicates.slot(id));
    slot.rules.resize(words());
    SetBit(slot.rules, position);
  }
}

void RuleBucket::Freeze() {
  for (EventSlot& slot : event_slots_) slot.rules.resize(words());
  for (auto& [id, posting] : postings_) {
    if (posting.positions.size() <= words()) continue;
    posting.bits.resize(words());
    for (const uint32_t position : posting.positions) SetBit(posting.bits, position);
    posting.positions = {};
  }
}

void RuleBucket::Limit(const ConditionCode& code, Predicates* predicates,
                       ProcessRules* rules) const {
  rules->known = true;
  rules->always.clear();
  rules->event_lookups.clear();
  Bits& possible = rules->possible;
  possible.assign(without_process_lookup_.begin(), without_process_lookup_.end());
  for (const SlotId slot : process_slots_) {
    for (const PredicateId found : predicates->LookUp(slot)) {
      const auto posting = postings_.find(found);
      if (posting == postings_.end()) continue;
      for (const uint32_t position : posting->second.positions) SetBit(possible, position);
      for (size_t i = 0; i < posting->second.bits.size(); ++i)
        possible[i] |= posting->second.bits[i];
    }
  }
  for (size_t word = 0; word < possible.size(); ++word) {
    ForEachBit(possible[word] & without_event_lookup_[word], word, [&](uint32_t position) {
      if (code.Run(entries_[position].of_process, *predicates)) rules->always.push_back(position);
    });
  }
  for (const EventSlot& slot : event_slots_) {
    if (Intersect(possible, slot.rules)) rules->event_lookups.push_back(slot.slot);
  }
}

void RuleBucket::FindCandidates(const ProcessRules& rules, Predicates* predicates,
                                CandidateSet* candidates) const {
  for (const uint32_t position : rules.always) candidates->Add(position);
  for (const SlotId slot : rules.event_lookups) {
    for (const PredicateId found : predicates->LookUp(slot)) {
      const auto posting = postings_.find(found);
      if (posting == postings_.end()) continue;
      for (const uint32_t position : posting->second.positions) {
        if (Bit(rules.possible, position)) candidates->Add(position);
      }
      for (size_t i = 0; i < posting->second.bits.size(); ++i) {
        candidates->AddWord(i, posting->second.bits[i] & rules.possible[i]);
      }
    }
  }
}

}  // namespace vakt
