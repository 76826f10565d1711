// SPDX-License-Identifier: Apache-2.0
// vaktctl rules diff: which alerts a recording gives with new rules and not with old ones, and the
// other way round. As diff(1), it exits with 0 when there is no difference, 1 when there is one,
// and 2 when something went wrong.
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/app/pipeline.h"
#include "agent/app/replay.h"
#include "cli/json.h"
#include "cli/load_rule_set.h"
#include "cli/verbs.h"
#include "common/alert/falco_json.h"
#include "common/alert/text.h"
#include "common/base/status.h"
#include "common/base/strings.h"
#include "common/config/setting_value.h"

namespace vakt {
namespace {

struct Seen {
  std::string text;  // for people
  std::string json;
};

// By rule and event: what the rule prints may change.
using Alerts = std::multimap<std::string, Seen>;

class AlertCollector final : public PipelineOutput {
 public:
  AlertCollector(bool json, Alerts* alerts) : json_(json), alerts_(alerts) {}

  void OnAlert(const v1::Alert& alert) override {
    Seen seen;
    if (json_) {
      AppendFalcoJson(alert, &seen.json);
    } else {
      seen.text = AlertText(alert);
    }
    // Time first, so that they come out in its order. Of an event, numbers tell it apart.
    const std::string time = StrCat(alert.time().seconds() + (int64_t{1} << 40), ".",
                                    alert.time().nanos() + 1'000'000'000);
    const std::string kind = alert.has_suppression() ? "summary" : "alert";
    alerts_->emplace(StrCat(time, " ", alert.event().cpu(), " ", alert.event().seq(), " ", kind,
                            " ", alert.rule()),
                     std::move(seen));
  }
  void OnGap(const v1::Gap&) override {}

 private:
  const bool json_;
  Alerts* const alerts_;
};

absl::StatusOr<Alerts> AlertsWith(const std::string& rules_paths, const Invocation& invocation) {
  VAKT_ASSIGN_OR_RETURN(std::shared_ptr<const RuleSet> rules, LoadRuleSet(SplitList(rules_paths)));
  const MatchMode mode = invocation.arguments.Text("--rule-matching", "all") == "first"
                             ? MatchMode::kFirst
                             : MatchMode::kAll;
  VAKT_ASSIGN_OR_RETURN(std::unique_ptr<Matcher> matcher, Matcher::Compile(std::move(rules), mode));
  Alerts alerts;
  AlertCollector collector(invocation.json(), &alerts);
  VAKT_RETURN_IF_ERROR(
      Replay(invocation.arguments.Text("--recording"), std::move(matcher), &collector));
  return alerts;
}

// Takes from each what is in both.
void RemoveCommon(Alerts* a, Alerts* b) {
  for (auto it = a->begin(); it != a->end();) {
    const auto same = b->find(it->first);
    if (same == b->end()) {
      ++it;
      continue;
    }
    b->erase(same);
    it = a->erase(it);
  }
}

std::string AlertsJson(const Alerts& alerts) {
  JsonArray array;
  for (const auto& [key, seen] : alerts) array.AddJson(seen.json);
  return array.Text();
}

void PrintForPeople(const Alerts& lost, const Alerts& added, Console& console) {
  for (const auto& [key, seen] : lost) {
    console.Line(console.Styled(Style::kRed, StrCat("- ", seen.text)));
  }
  for (const auto& [key, seen] : added) {
    console.Line(console.Styled(Style::kGreen, StrCat("+ ", seen.text)));
  }
  console.Line(StrCat(added.size(), " new, ", lost.size(), " lost"));
}

VerbResult Diff(const Invocation& invocation) {
  if (!invocation.arguments.Has("--recording")) {
    return absl::InvalidArgumentError(
        "--recording is missing: vaktctl rules diff OLD NEW --recording FILE");
  }
  const std::vector<std::string>& operands = invocation.arguments.operands();
  VAKT_ASSIGN_OR_RETURN(Alerts lost, AlertsWith(operands[0], invocation));
  VAKT_ASSIGN_OR_RETURN(Alerts added, AlertsWith(operands[1], invocation));
  RemoveCommon(&lost, &added);
  if (invocation.json()) {
    invocation.console.Line(
        JsonObject().AddJson("new", AlertsJson(added)).AddJson("lost", AlertsJson(lost)).Text());
  } else {
    PrintForPeople(lost, added, invocation.console);
  }
  return lost.empty() && added.empty() ? kSuccess : kFailure;
}

}  // namespace

VerbResult RulesDiff(const Invocation& invocation) {
  VerbResult result = Diff(invocation);
  if (result.ok()) return result;
  return absl::InvalidArgumentError(result.status().message());  // 2: 1 is a difference
}

}  // namespace vakt
