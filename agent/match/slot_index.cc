// SPDX-License-Identifier: Apache-2.0
#include "agent/match/slot_index.h"

#include <utility>

namespace vakt {
namespace {

uint64_t SizeBit(std::string_view text) { return uint64_t{1} << text.size() % 64; }

}  // namespace

void SlotIndex::Add(const Term& term, PredicateId predicate) {
  const auto [entry, is_new] =
      Texts(term.kind).try_emplace(term.text, static_cast<TermId>(predicates_.size()));
  if (is_new) predicates_.emplace_back();
  predicates_[entry->second].push_back(predicate);
}

absl::Status SlotIndex::Freeze() {
  for (const auto& [text, id] : Texts(Term::Kind::kText)) text_sizes_ |= SizeBit(text);
  MoveToTree(Term::Kind::kSuffix, &suffixes_);
  MoveToTree(Term::Kind::kPrefix, &prefixes_);
  MoveToTree(Term::Kind::kPath, &paths_);
  MoveToTree(Term::Kind::kNetwork, &networks_);
  for (const auto& [text, id] : Texts(Term::Kind::kPart)) parts_.Add(text, Case::kSensitive, id);
  for (const auto& [text, id] : Texts(Term::Kind::kPartIgnoringCase)) {
    parts_.Add(text, Case::kIgnore, id);
  }
  Texts(Term::Kind::kPart) = Texts(Term::Kind::kPartIgnoringCase) = {};
  return parts_.Freeze();
}

template <typename Tree>
void SlotIndex::MoveToTree(Term::Kind kind, Tree* tree) {
  for (const auto& [text, id] : Texts(kind)) tree->Add(text, id);
  tree->Freeze();
  Texts(kind) = {};
}

void SlotIndex::FindText(std::string_view text) {
  if ((text_sizes_ & SizeBit(text)) != 0) {
    const StringMap<TermId>& texts = Texts(Term::Kind::kText);
    const auto equal = texts.find(text);
    if (equal != texts.end()) found_.push_back(equal->second);
  }
  if (!prefixes_.empty()) prefixes_.Find(text, &found_);
  if (!suffixes_.empty()) suffixes_.Find(text, &found_);
  if (!paths_.empty()) paths_.FindPath(text, &found_);
  if (!parts_.empty()) parts_.FindPartsOf(text, &found_);
}

void SlotIndex::FindNumber(const Value& value) {
  char buffer[kNumberKeyBytes];
  const StringMap<TermId>& numbers = Texts(Term::Kind::kNumber);
  const auto equal = numbers.find(NumberKey(value, buffer));
  if (equal != numbers.end()) found_.push_back(equal->second);
  if (networks_.empty() || value.tag != Value::Tag::kIp) return;
  SetNetworkKey(value.ip, value.ip.ipv6 ? 128 : 32, &key_);
  networks_.Find(key_, &found_);
}

void SlotIndex::Find(const Value& value, std::vector<PredicateId>* predicates) {
  found_.clear();
  if (value.tag == Value::Tag::kString) {
    FindText(value.string);
  } else {
    FindNumber(value);
  }
  for (const TermId term : found_) {
    predicates->insert(predicates->end(), predicates_[term].begin(), predicates_[term].end());
  }
}

}  // namespace vakt
