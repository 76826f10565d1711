// SPDX-License-Identifier: Apache-2.0
// vaktctl rules eval: one condition, evaluated on values that are given.
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "cli/field_values.h"
#include "cli/verbs.h"
#include "common/base/status.h"
#include "common/base/strings.h"
#include "common/base/text.h"
#include "common/config/setting_value.h"
#include "common/rulelang/eval.h"
#include "common/rulelang/load.h"

namespace vakt {
namespace {

absl::Status FirstError(const ConditionResult& result) {
  for (const FileResult& file : result.files) {
    if (file.errors.empty()) continue;
    const LoadMessage& error = file.errors.front();
    const std::string where = file.path.empty() ? "condition" : EscapeUtf8(file.path);
    return absl::InvalidArgumentError(StrCat(where, ":", error.line, ":", error.column, ": ",
                                             EscapeUtf8(error.message), " [", error.code, "]"));
  }
  return absl::InternalError("the condition was refused without a reason");
}

}  // namespace

VerbResult RulesEval(const Invocation& invocation) {
  const Arguments& arguments = invocation.arguments;
  std::vector<std::string> paths;
  for (const std::string& text : arguments.Texts("--rules")) {
    for (std::string& path : SplitList(text)) paths.push_back(std::move(path));
  }
  const std::vector<std::string>& operands = arguments.operands();
  if (paths.empty() && operands.size() > 1) {
    return absl::InvalidArgumentError(
        StrCat("unexpected word \"", EscapeUtf8(operands[1]), "\": quote the condition"));
  }
  paths.insert(paths.end(), operands.begin() + 1, operands.end());
  VAKT_ASSIGN_OR_RETURN(const FieldValues fields,
                        FieldValues::FromJson(arguments.Text("--fields", "{}")));
  const absl::StatusOr<std::vector<RuleFile>> files = ReadRuleFiles(paths);
  if (!files.ok()) return absl::InvalidArgumentError(ToAbsl(Message(files.status())));
  const ConditionResult result = CompileCondition(operands[0], *files);
  if (result.condition == nullptr) return FirstError(result);
  Extractor scratch;
  const auto read = [&fields](const Operand& field, Extractor& out) { fields.Read(field, out); };
  const bool holds = Evaluate(*result.condition, FieldReader(read), scratch);
  invocation.console.Line(holds ? "true" : "false");
  return holds ? kSuccess : kFailure;
}

}  // namespace vakt
