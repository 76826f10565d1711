// SPDX-License-Identifier: Apache-2.0
#include "cli/load_rule_set.h"

#include <vector>

#include "common/base/status.h"
#include "common/base/strings.h"
#include "common/base/text.h"
#include "common/rulelang/load.h"

namespace vakt {
namespace {

absl::Status FirstError(const LoadResult& result) {
  for (const FileResult& file : result.files) {
    if (file.errors.empty()) continue;
    const LoadMessage& error = file.errors.front();
    return absl::FailedPreconditionError(StrCat(EscapeUtf8(file.path), ":", error.line, ":",
                                                error.column, ": ", EscapeUtf8(error.message), " [",
                                                error.code, "]: vaktctl rules check shows all"));
  }
  return absl::FailedPreconditionError("the rules were refused");
}

}  // namespace

absl::StatusOr<std::shared_ptr<const RuleSet>> LoadRuleSet(absl::Span<const std::string> paths) {
  VAKT_ASSIGN_OR_RETURN(const std::vector<RuleFile> files, ReadRuleFiles(paths));
  const LoadResult result = LoadRules(files);
  if (!result.ok) return FirstError(result);
  return result.rules;
}

}  // namespace vakt
