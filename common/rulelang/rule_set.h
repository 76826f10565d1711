// SPDX-License-Identifier: Apache-2.0
// What loading rule files yields: the enabled rules, ready to be matched.
//
// Ownership: a RuleSet owns its rules; it is shared as shared_ptr<const RuleSet>, so that alerts in
// flight outlive a reload. Threads: immutable.
#ifndef VAKT_COMMON_RULELANG_RULE_SET_H_
#define VAKT_COMMON_RULELANG_RULE_SET_H_

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "common/event/kind.h"
#include "common/rulelang/event_types.h"
#include "common/rulelang/expr.h"
#include "common/rulelang/output_format.h"
#include "common/rulelang/rule_extras.h"
#include "common/rulelang/source_position.h"

namespace vakt {

struct Rule {
  uint32_t index = 0;  // in RuleSet::rules
  std::string name;
  std::string desc;
  std::string source = "syscall";
  int priority = 7;               // v1::Priority: 0 emergency ... 7 debug
  std::vector<std::string> tags;  // sorted, each once
  bool enabled = true;
  std::unique_ptr<Expr> condition;
  std::string condition_text;  // as written, after appends; macros and lists not expanded
  OutputFormat output;
  std::string output_text;  // as written, after appends
  // Of the operator's append_output: fields of the alert that are not in the output, by name, and
  // whether those that say which container and pod it was are added.
  std::vector<std::pair<std::string, OutputFormat>> extra_fields;
  bool suggested_output = true;
  EventTypeSet event_types;        // on which the condition can hold
  KindSet kinds = 0;               // event_types.kinds()
  bool reads_environment = false;  // proc.env and its like, in the condition or the output
  std::string file;
  SourcePosition position;  // of the rule's first definition

  // Keys of ours that Falco does not have.
  Attack attack;
  std::vector<Control> controls;
  std::string runbook;
  std::shared_ptr<const Throttle> throttle;    // null without the key, as the next
  std::shared_ptr<const Correlate> correlate;  // its `then` are the rules that follow it
  uint32_t step = 0;       // > 0: this is the step-th `then` of rules[index - step], and no rule
  std::string state_hash;  // of what the state of throttle and correlate depends on; else empty

  // A rule that waits for several events, or a part of one. It neither hides others, where only
  // the first match counts, nor is hidden.
  bool is_part() const { return correlate != nullptr || step > 0; }
};

struct RuleSet {
  // Enabled ones, in the order of first definition; each followed by its steps.
  std::vector<Rule> rules;
  std::string hash;  // SHA-256 (hex) over the paths' base names and contents of all files

  // Of lists, from files of their own.
  uint64_t file_items = 0;
  uint64_t file_items_left_out = 0;  // lines that are no items

  // Kinds that some rule can fire on.
  KindSet kinds() const;
  // Whether some rule reads environments.
  bool read_environment() const;
};

}  // namespace vakt

#endif  // VAKT_COMMON_RULELANG_RULE_SET_H_
