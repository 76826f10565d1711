// SPDX-License-Identifier: Apache-2.0
// Which predicates have a term that a value has: all terms of one slot, each kind in the structure
// that finds any number of them at once.
//
//   text, number            hash table
//   prefix, path, network   prefix tree
//   suffix                  suffix tree
//   part                    literal scanner (Vectorscan)
//
// Ownership: owns what it is made of. Threads: one at a time (Find uses scratch space).
#ifndef VAKT_AGENT_MATCH_SLOT_INDEX_H_
#define VAKT_AGENT_MATCH_SLOT_INDEX_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "agent/match/affix_tree.h"
#include "agent/match/literal_scanner.h"
#include "agent/match/term.h"
#include "common/base/strings.h"
#include "common/event/field_table.h"

namespace vakt {

class SlotIndex {
 public:
  using PredicateId = uint32_t;

  void Add(const Term& term, PredicateId predicate);
  bool empty() const { return predicates_.empty(); }
  // Nothing may be added any more. FailedPrecondition: see LiteralScanner.
  absl::Status Freeze();

  // Appends the predicates of all terms that `value` has, in no order, some perhaps repeatedly.
  void Find(const Value& value, std::vector<PredicateId>* predicates);

 private:
  using TermId = uint32_t;

  StringMap<TermId>& Texts(Term::Kind kind) { return texts_[static_cast<size_t>(kind)]; }
  template <typename Tree>
  void MoveToTree(Term::Kind kind, Tree* tree);
  void FindText(std::string_view text);
  void FindNumber(const Value& value);

  std::array<StringMap<TermId>, Term::kKinds> texts_;  // after Freeze: texts and numbers alone
  uint64_t text_sizes_ = 0;  // bit per size of a text, modulo 64: most values have no such size
  PrefixTree prefixes_;
  SuffixTree suffixes_;
  PrefixTree paths_;
  PrefixTree networks_;
  LiteralScanner parts_;
  std::vector<std::vector<PredicateId>> predicates_;  // by term

  std::vector<TermId> found_;  // scratch of Find
  std::string key_;            // likewise: of a network
};

}  // namespace vakt

#endif  // VAKT_AGENT_MATCH_SLOT_INDEX_H_
