// SPDX-License-Identifier: Apache-2.0
// vaktctl rules cost: what matching costs, and which rules cost it, over a recording.
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "agent/app/replay.h"
#include "agent/match/matcher.h"
#include "cli/json.h"
#include "cli/load_rule_set.h"
#include "cli/text_table.h"
#include "cli/verbs.h"
#include "common/base/status.h"
#include "common/base/strings.h"

namespace vakt {
namespace {

struct Costs {
  uint64_t events = 0;
  double total_ns = 0;          // of matching all events
  std::vector<RuleCost> rules;  // by index
};

// Every event is matched twice: for the total without a look at single rules, which would cost time
// itself, and for the rules.
absl::StatusOr<Costs> Measure(const std::string& recording,
                              const std::shared_ptr<const RuleSet>& rules) {
  VAKT_ASSIGN_OR_RETURN(const auto plain, Matcher::Compile(rules, MatchMode::kAll));
  VAKT_ASSIGN_OR_RETURN(const auto measuring, Matcher::Compile(rules, MatchMode::kAll));
  measuring->MeasureRules();
  Costs costs;
  std::vector<const Rule*> matched;
  const absl::Status played = PlayRecording(recording, [&](const Event& event) {
    const auto begin = std::chrono::steady_clock::now();
    plain->Match(event, &matched);
    const auto end = std::chrono::steady_clock::now();
    costs.total_ns += std::chrono::duration<double, std::nano>(end - begin).count();
    measuring->Match(event, &matched);
    ++costs.events;
    return true;
  });
  VAKT_RETURN_IF_ERROR(FileError(played));
  if (costs.events == 0) return absl::FailedPreconditionError("the recording has no events");
  costs.rules.assign(measuring->rule_costs().begin(), measuring->rule_costs().end());
  return costs;
}

std::string Tenths(double value) {
  char text[32];
  std::snprintf(text, sizeof(text), "%.1f", value);
  return text;
}

}  // namespace

VerbResult RulesCost(const Invocation& invocation) {
  const Arguments& arguments = invocation.arguments;
  if (!arguments.Has("--recording")) {
    return absl::InvalidArgumentError(
        "--recording is missing: rules cost PATH... --recording FILE");
  }
  VAKT_ASSIGN_OR_RETURN(const std::shared_ptr<const RuleSet> rules,
                        LoadRuleSet(arguments.operands()));
  VAKT_ASSIGN_OR_RETURN(const Costs costs, Measure(arguments.Text("--recording"), rules));
  const auto events = static_cast<double>(costs.events);
  std::vector<const Rule*> order;
  for (const Rule& rule : rules->rules) order.push_back(&rule);
  std::stable_sort(order.begin(), order.end(), [&](const Rule* a, const Rule* b) {
    return costs.rules[a->index].ns > costs.rules[b->index].ns;
  });
  Console& console = invocation.console;
  TextTable table({"NS/EVENT", "EVALUATED", "MATCHED", "RULE"});
  JsonArray rows;
  for (const Rule* rule : order) {
    const RuleCost& cost = costs.rules[rule->index];
    const std::string each = Tenths(static_cast<double>(cost.ns) / events);
    table.AddRow({{each}, {StrCat(cost.evaluated)}, {StrCat(cost.matched)}, {rule->name}});
    rows.AddJson(JsonObject()
                     .Add("rule", rule->name)
                     .AddJson("ns_per_event", each)
                     .Add("evaluated", cost.evaluated)
                     .Add("matched", cost.matched)
                     .Text());
  }
  const std::string all = Tenths(costs.total_ns / events);
  if (invocation.json()) {
    console.Line(JsonObject()
                     .Add("events", costs.events)
                     .AddJson("ns_per_event", all)
                     .AddJson("rules", rows.Text())
                     .Text());
    return kSuccess;
  }
  table.Print(console);
  console.Line("");
  console.Line(StrCat(costs.events, " events, ", all, " ns an event for all ", order.size(),
                      " rules: finding those to evaluate, and evaluating them"));
  return kSuccess;
}

}  // namespace vakt
