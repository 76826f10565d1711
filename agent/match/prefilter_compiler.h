// SPDX-License-Identifier: Apache-2.0
// How Prefilter makes its tables; nobody else includes this.
//
// Per kind: 1. a side of each rule per look-up; 2. rules whose sides are alike become one class,
// and when more than 64 are left, neighbours do; 3. the tables from the classes.
#ifndef VAKT_AGENT_MATCH_PREFILTER_COMPILER_H_
#define VAKT_AGENT_MATCH_PREFILTER_COMPILER_H_

#include <bitset>
#include <optional>
#include <string>
#include <vector>

#include "agent/match/end_facts.h"
#include "agent/match/known_facts.h"
#include "agent/match/prefilter.h"

namespace vakt {

class PrefilterCompiler {
 public:
  PrefilterCompiler(const RuleSet& rules, int priority_floor, CheckList* checks)
      : rules_(rules),
        priority_floor_(priority_floor),
        checks_(checks),
        cuts_(rules, priority_floor) {}

  // What the tables of all kinds share.
  void FillCuts(vakt_prefilter* tables) const { cuts_.Fill(tables); }
  // Nullopt when no rule can fire on the kind.
  std::optional<Prefilter::KindView> Compile(Kind kind, vakt_prefilter* tables,
                                             std::vector<Prefilter::MaskedKind>* masked);

 private:
  using Facets = std::bitset<VAKT_OPEN_FACETS>;
  struct Side {
    const Rule* rule = nullptr;
    Facets facets;  // file_open: in which it can fire
    PathNeed path;
    bool misnamed = false;  // file_open: fires only if the argument names something else
    EndPieces ends;         // kinds with ends: between which it can fire
    std::string ends_key;
    Reduced process;
    std::string process_key;
    size_t class_index = 0;
  };

  Side SideOf(const Rule& rule, Kind kind, KnownFacts* facts);
  Facets FacetsOf(const Rule& rule, KnownFacts* facts);
  static size_t Classify(std::vector<Side>* sides);
  static void FillOpen(const std::vector<Side>& sides, vakt_prefilter* tables);
  static void FillEnds(Kind kind, const std::vector<Side>& sides, vakt_prefilter* tables);
  static void FillMasks(Kind kind, const std::vector<Side>& sides, size_t classes,
                        vakt_prefilter* tables, std::vector<Prefilter::MaskedKind>* masked);
  std::string ProcessText(const Reduced& reduced) const;
  static std::string OpenedText(const Facets& facets);

  const RuleSet& rules_;
  const int priority_floor_;
  CheckList* const checks_;
  const EndCuts cuts_;
};

}  // namespace vakt

#endif  // VAKT_AGENT_MATCH_PREFILTER_COMPILER_H_
