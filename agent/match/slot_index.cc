// SPDX-License-Identifier: Apache-2.0
#include "agent/match/slot_index.h"

#include <algorithm>

namespace vakt {

SlotIndex::TermId SlotIndex::Add(const Term& term, PredicateId predicate) {
  const auto [entry, is_new] =
      Texts(term.kind).try_emplace(term.text, static_cast<TermId>(predicates_.size()));
  if (is_new) predicates_.emplace_back();
  predicates_[entry->second].push_back(predicate);
  return entry->second;
}

absl::Status SlotIndex::Freeze() {
  StringMap<TermId> reversed;
  for (const auto& [text, id] : Texts(Term::Kind::kSuffix)) {
    reversed.emplace(std::string(text.rbegin(), text.rend()), id);
  }
  Texts(Term::Kind::kSuffix) = std::move(reversed);
  MoveToTree(Term::Kind::kSuffix, &suffixes_);
  MoveToTree(Term::Kind::kPrefix, &prefixes_);
  MoveToTree(Term::Kind::kPath, &paths_);
  MoveToTree(Term::Kind::kNetwork, &networks_);
  for (const auto& [text, id] : Texts(Term::Kind::kPart)) parts_.Add(text, Case::kSensitive, id);
  for (const auto& [text, id] : Texts(Term::Kind::kPartIgnoringCase)) {
    parts_.Add(text, Case::kIgnore, id);
  }
  Texts(Term::Kind::kPart) = Texts(Term::Kind::kPartIgnoringCase) = {};
  const bool wants_parts = !parts_.empty();
  const absl::Status status = parts_.Freeze();
  has_parts_ = wants_parts && status.ok();
  return status;
}

void SlotIndex::MoveToTree(Term::Kind kind, PrefixTree* tree) {
  for (const auto& [text, id] : Texts(kind)) tree->Add(text, id);
  tree->Freeze();
  Texts(kind) = {};
}

void SlotIndex::FindText(std::string_view text) {
  const StringMap<TermId>& texts = Texts(Term::Kind::kText);
  if (!texts.empty()) {
    const auto equal = texts.find(text);
    if (equal != texts.end()) found_.push_back(equal->second);
  }
  if (!prefixes_.empty()) prefixes_.FindPrefixesOf(text, &found_);
  if (!suffixes_.empty()) {
    const std::string_view end =
        text.substr(text.size() - std::min(text.size(), suffixes_.longest()));
    key_.assign(end.rbegin(), end.rend());
    suffixes_.FindPrefixesOf(key_, &found_);
  }
  if (!paths_.empty()) {
    SetPathKey(text, &key_);
    paths_.FindPrefixesOf(key_, &found_);
  }
  if (has_parts_) parts_.FindPartsOf(text, &found_);
}

void SlotIndex::Find(const Value& value, std::vector<PredicateId>* predicates) {
  found_.clear();
  if (value.tag == Value::Tag::kString) {
    FindText(value.string);
  } else {
    const StringMap<TermId>& numbers = Texts(Term::Kind::kNumber);
    char buffer[kNumberKeyBytes];
    const auto equal = numbers.find(NumberKey(value, buffer));
    if (equal != numbers.end()) found_.push_back(equal->second);
    if (!networks_.empty() && value.tag == Value::Tag::kIp) {
      SetNetworkKey(value.ip,
                    static_cast<int>(
                        std::min(networks_.longest(), value.ip.ipv6 ? size_t{129} : size_t{33})) -
                        1,
                    &key_);
      networks_.FindPrefixesOf(key_, &found_);
    }
  }
  for (const TermId term : found_) {
    predicates->insert(predicates->end(), predicates_[term].begin(), predicates_[term].end());
  }
}

}  // namespace vakt
