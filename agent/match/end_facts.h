// SPDX-License-Identifier: Apache-2.0
// What the ends of a connection say of a condition: the kernel knows their ports, addresses and
// family before it makes a record.
//
// The rules' own constants cut the numbers into pieces that are all the same to every check, so one
// number stands for its piece, and how a check comes out on it is asked of the field table and the
// operators, as for opens (known_facts.h). A check of which the cuts do not fit the tables is open.
//
// Ownership: EndFacts names its cuts, which outlive it. Threads: thread-compatible.
#ifndef VAKT_AGENT_MATCH_END_FACTS_H_
#define VAKT_AGENT_MATCH_END_FACTS_H_

#include <array>
#include <bitset>
#include <cstdint>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "agent/match/condition_bounds.h"
#include "bpf/wire/prefilter.h"
#include "common/event/event.h"
#include "common/event/field_table.h"
#include "common/rulelang/rule_set.h"

namespace vakt {

// Kinds whose ends the kernel looks at.
bool HasEnds(Kind kind);

// Of one event: the classes (of its kind) that may fire between its ends, as the kernel finds them.
uint64_t ClassesOfEnds(const vakt_prefilter& tables, const Event& event);

// Where the rules' constants cut the numbers.
class EndCuts {
 public:
  using Number = std::pair<uint64_t, uint64_t>;  // high, low: ascending as addresses do

  // Of the rules that may fire on a kind with ends.
  EndCuts(const RuleSet& rules, int priority_floor);

  bool Has(const Check& check) const { return !unfit_.contains(&check); }
  const std::vector<Number>& of(uint32_t table) const { return cuts_[table]; }
  void Fill(vakt_prefilter* tables) const;

 private:
  void AddCondition(const Expr& condition);
  void AddCheck(const Check& check);

  std::array<std::set<Number>, VAKT_CUT_TABLES> sets_;
  std::array<std::vector<Number>, VAKT_CUT_TABLES> cuts_;
  std::set<const Check*> unfit_;
};

// The pieces between which a rule can fire.
struct EndPieces {
  bool no_internet = true;  // on sockets of other families
  std::bitset<VAKT_CUTS> pieces[VAKT_ENDS][VAKT_CUT_TABLES];

  // The same for equal pieces.
  std::string Key() const;
  // True when none is left at an end.
  bool empty() const;
};

// Decides conditions for events of one kind.
class EndFacts {
 public:
  EndFacts(Kind kind, const EndCuts& cuts) : kind_(kind), cuts_(cuts) {}

  // `always` decides what the ends do not.
  EndPieces PiecesOf(const Expr& condition, const VerdictOf& always);
  // "remote port 22 8000-8999, remote address not 10.0.0.0/8"; empty when it is everything.
  std::string Text(const EndPieces& pieces) const;

 private:
  struct Piece {
    uint32_t end;
    uint32_t table;
    EndCuts::Number number;
  };
  Verdict InPiece(const Check& check, const Piece& piece);
  Verdict WithoutInternet(const Check& check);
  Verdict On(const Check& check, const Event& event);
  // Which ends the check's field tells of, as a set of bits.
  uint32_t EndsAsked(const Check& check);
  // Appends those of the table's numbers whose pieces are `wanted`.
  void AddRuns(uint32_t table, const std::bitset<VAKT_CUTS>& pieces, bool wanted,
               std::vector<std::string>* runs) const;

  const Kind kind_;
  const EndCuts& cuts_;
  Extractor extractor_;
};

}  // namespace vakt

#endif  // VAKT_AGENT_MATCH_END_FACTS_H_
