// SPDX-License-Identifier: Apache-2.0
// Rules whose condition reads what the container runtime says. As long as it has said nothing of an
// event's container they are not to be decided: null would make one that excepts an image fire, and
// one that asks for a privileged container not.
//
// Ownership: borrows the rules. Threads: pipeline thread only. Costs nothing when no rule reads
// such fields, and is asked only for events of containers that are still awaited.
#ifndef VAKT_AGENT_MATCH_UNDECIDED_RULES_H_
#define VAKT_AGENT_MATCH_UNDECIDED_RULES_H_

#include <vector>

#include "common/event/event.h"
#include "common/event/field_table.h"
#include "common/rulelang/rule_set.h"

namespace vakt {

class UndecidedRules {
 public:
  // `rules` outlives this.
  explicit UndecidedRules(const RuleSet& rules);

  // Whether one of them may fire on the event, whatever the runtime will say.
  bool MayFire(const Event& event);

 private:
  bool MayBe(const Expr& condition, bool outcome, const Event& event);

  std::vector<const Rule*> rules_;
  Extractor scratch_;
};

}  // namespace vakt

#endif  // VAKT_AGENT_MATCH_UNDECIDED_RULES_H_
