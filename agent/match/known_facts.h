// SPDX-License-Identifier: Apache-2.0
// Which rule fields the kernel's look-ups decide, and how they come out: one row per field.
//
// How a field comes out is never written down a second time. For each combination of facts there
// are sample events that stand for all events with these facts; a check is decided when the field
// table and the operator table give the same on all of them.
//
// Ownership: values. Threads: thread-compatible.
#ifndef VAKT_AGENT_MATCH_KNOWN_FACTS_H_
#define VAKT_AGENT_MATCH_KNOWN_FACTS_H_

#include <array>
#include <bitset>
#include <cstdint>
#include <vector>

#include "agent/match/condition_bounds.h"
#include "bpf/wire/prefilter.h"
#include "common/base/strings.h"
#include "common/event/kind.h"
#include "common/rulelang/expr.h"

namespace vakt {

// Facets in use, in ascending order (bpf/wire/prefilter.h, vakt_open_facet).
const std::vector<uint32_t>& OpenFacets();
bool IsFailedFacet(uint32_t facet);

// Decides checks for events of one kind, remembering what it decided.
class KnownFacts {
 public:
  explicit KnownFacts(Kind kind) : kind_(kind) {}

  // For all events of the kind.
  Verdict Always(const Check& check);
  // For file_open: for events with this facet.
  Verdict InFacet(const Check& check, uint32_t facet);
  // For file_open: for all events whose open succeeded.
  Verdict IfOpened(const Check& check);
  // For file_open: for those of them whose argument names what was opened.
  Verdict IfWellNamed(const Check& check);

 private:
  struct Known {
    bool per_facet = false;
    Verdict always = Verdict::kOpen;
    Verdict if_opened = Verdict::kOpen;
    std::array<Verdict, VAKT_OPEN_FACETS> facets;
  };
  const Known& Find(const Check& check);
  void Decide(const Check& check, Known* known) const;

  const Kind kind_;
  StringMap<Known> by_text_;
};

// True when the check's outcome changes only with what a fingerprint covers: the process's program,
// name, user, group and cgroup.
bool IsOfProcess(const Check& check);

// Kinds of which events may be left out. The others are rare, or tell of the process what no later
// event tells again.
bool MayBeFiltered(Kind kind);

}  // namespace vakt

#endif  // VAKT_AGENT_MATCH_KNOWN_FACTS_H_
