// SPDX-License-Identifier: Apache-2.0
// The stage between match and alert, for rules that say more than "alert on each match": throttle
// holds alerts back, correlate waits for several events.
//
// What throttle holds back is counted and told by a summary, at the latest one period after the
// first of it. State is kept by the values of fields and is bounded: each such rule has an equal
// share of kMaxStateBytes, and in it the keys that were used last. A key that is given up is
// counted, and what its throttle held back is told at once.
//
// Time is that of the events, so that a replay does what the agent did.
//
// Ownership: borrows the rules. Threads: pipeline thread only. Rules without such keys cost nothing
// here and allocate nothing.
#ifndef VAKT_AGENT_CORRELATE_CORRELATOR_H_
#define VAKT_AGENT_CORRELATE_CORRELATOR_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/types/span.h"
#include "agent/correlate/chain.h"
#include "agent/correlate/key_table.h"
#include "agent/correlate/token_bucket.h"
#include "common/event/event.h"
#include "common/event/field_table.h"
#include "common/rulelang/rule_set.h"

namespace vakt {

class Correlator {
 public:
  static constexpr size_t kMaxStateBytes = size_t{8} << 20;

  // An alert to be made of the event.
  struct Firing {
    const Rule* rule;
    uint64_t count;          // matches of the rule that it took
    uint64_t begin_boot_ns;  // of the first event
    std::string_view key;    // of correlate: see ValuesOfKey; valid until the next call
  };

  // Alerts that throttle held back.
  struct Summary {
    const Rule* rule;
    uint64_t count;
    uint64_t begin_boot_ns;
    uint64_t end_boot_ns;
    std::string key;  // of throttle
  };

  struct Counters {
    uint64_t suppressed = 0;  // alerts held back
    uint64_t evicted = 0;     // keys given up
  };

  Correlator();
  ~Correlator();

  // `rules` must outlive the next call. A rule with the same name and the same state_hash keeps its
  // state; what others held back is added to *summaries, whose rules are those of the last call.
  void SetRules(const RuleSet& rules, std::vector<Summary>* summaries);

  // Sets *firings to the alerts of an event that matched the rules, in definition order.
  void Apply(const Event& event, absl::Span<const Rule* const> matched,
             std::vector<Firing>* firings);

  // Whether TakeSummaries has some; cheap.
  bool HasSummaries(uint64_t boot_ns) const { return boot_ns >= next_summary_boot_ns_; }
  // Appends the summaries whose period ended at `boot_ns` or before, the earliest first.
  void TakeSummaries(uint64_t boot_ns, std::vector<Summary>* summaries);
  // All that are open, as at the end.
  void TakeAllSummaries(std::vector<Summary>* summaries);

  const Counters& counters() const { return counters_; }
  // Of the newest event that matched.
  uint64_t last_boot_ns() const { return last_boot_ns_; }

 private:
  struct Held;       // the throttle of one key
  struct RuleState;  // of one rule, by name

  using HeldTable = KeyTable<Held>;

  RuleState& StateOf(const Rule& rule);
  void AdvanceParts(const Event& event, absl::Span<const Rule* const> matched);
  bool Passes(const Event& event, const Rule& rule);
  void Close(RuleState* state, HeldTable::Entry* entry, uint64_t end_boot_ns,
             std::vector<Summary>* summaries);
  void FindNextSummary();

  const RuleSet* rules_ = nullptr;
  std::vector<std::unique_ptr<RuleState>> states_;  // by Rule::index; null for most
  bool any_state_ = false;
  size_t bytes_per_table_ = 0;
  // Open summaries by when they are due, then by when they were opened.
  std::map<std::pair<uint64_t, uint64_t>, std::pair<RuleState*, HeldTable::Entry*>> open_;
  uint64_t opened_ = 0;
  uint64_t next_summary_boot_ns_ = UINT64_MAX;
  uint64_t last_boot_ns_ = 0;
  std::vector<Summary> early_;  // of keys that were given up
  std::vector<Firing> done_;    // chains that the event completes: scratch of Apply
  Extractor scratch_;
  std::string key_;
  Counters counters_;
};

}  // namespace vakt

#endif  // VAKT_AGENT_CORRELATE_CORRELATOR_H_
