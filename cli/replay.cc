// SPDX-License-Identifier: Apache-2.0
// vaktctl replay: the alerts that a recording gives with these rules.
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "agent/app/pipeline.h"
#include "agent/app/replay.h"
#include "cli/load_rule_set.h"
#include "cli/verbs.h"
#include "common/alert/falco_json.h"
#include "common/alert/priority.h"
#include "common/alert/text.h"
#include "common/base/status.h"
#include "common/base/strings.h"
#include "common/base/text.h"
#include "common/config/setting_value.h"

namespace vakt {
namespace {

// Alerts as lines, the same as those of vakt-agent --alerts.
class AlertLines final : public PipelineOutput {
 public:
  AlertLines(Console* console, bool json) : console_(console), json_(json) {}

  void OnAlert(const v1::Alert& alert) override {
    line_.clear();
    if (json_) {
      AppendFalcoJson(alert, &line_);
    } else {
      line_ = AlertText(alert);
    }
    console_->Line(line_);
  }
  void OnGap(const v1::Gap& gap) override {
    ++gaps_;
    missing_ += gap.count();
  }

  uint64_t gaps() const { return gaps_; }
  uint64_t missing() const { return missing_; }

 private:
  Console* const console_;
  const bool json_;
  std::string line_;
  uint64_t gaps_ = 0;
  uint64_t missing_ = 0;
};

struct CloseFile {
  void operator()(FILE* file) const { fclose(file); }
};

absl::StatusOr<std::unique_ptr<Matcher>> MatcherFromFlags(const Arguments& arguments) {
  if (!arguments.Has("--rules")) {
    return absl::InvalidArgumentError("--rules is missing: vaktctl replay FILE --rules PATH...");
  }
  const MatchMode mode =
      arguments.Text("--rule-matching") == "all" ? MatchMode::kAll : MatchMode::kFirst;
  const int floor = ParsePriority(arguments.Text("--min-priority")).value_or(v1::PRIORITY_DEBUG);
  std::vector<std::string> paths;
  for (const std::string& text : arguments.Texts("--rules")) {
    for (std::string& path : SplitList(text))
      paths.push_back(std::move(path));  // as the agent does
  }
  VAKT_ASSIGN_OR_RETURN(std::shared_ptr<const RuleSet> rules, LoadRuleSet(paths));
  return Matcher::Compile(std::move(rules), mode, floor);
}

}  // namespace

VerbResult ReplayRecording(const Invocation& invocation) {
  const Arguments& arguments = invocation.arguments;
  VAKT_ASSIGN_OR_RETURN(std::unique_ptr<Matcher> matcher, MatcherFromFlags(arguments));
  const std::string path = arguments.Text("--alerts", "-");
  std::unique_ptr<FILE, CloseFile> file;
  Console target = invocation.console;
  if (path != "-") {
    file.reset(fopen(path.c_str(), "we"));
    if (file == nullptr) return ErrnoStatus(errno, StrCat("--alerts: ", EscapeUtf8(path)));
    target = Console(file.get(), stderr, false);
  }
  AlertLines lines(&target, invocation.json());
  const absl::Status replayed = Replay(arguments.operands()[0], std::move(matcher), &lines);
  if (const absl::Status written = target.Flush(); !written.ok()) {
    return path == "-" ? written : ErrnoStatus(EIO, StrCat("--alerts: ", EscapeUtf8(path)));
  }
  if (lines.gaps() > 0) {
    invocation.console.Note(StrCat("the recording has ", lines.gaps(), " gaps: ", lines.missing(),
                                   " events were not seen when it was made"));
  }
  VAKT_RETURN_IF_ERROR(FileError(replayed));
  return kSuccess;
}

}  // namespace vakt
