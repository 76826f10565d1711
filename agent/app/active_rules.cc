// SPDX-License-Identifier: Apache-2.0
#include "agent/app/active_rules.h"

#include "common/base/log.h"
#include "common/base/status.h"
#include "common/base/strings.h"
#include "common/base/text.h"
#include "common/rulelang/load.h"

namespace vakt {

absl::StatusOr<ActiveRules> CompileRuleFiles(const RuleSource& source,
                                             std::vector<std::string>* item_files) {
  VAKT_ASSIGN_OR_RETURN(const std::vector<RuleFile> files, ReadRuleFiles(source.paths));
  LoadOptions options;
  options.selections = source.selections;
  options.static_fields = source.static_fields;
  options.additions = source.additions;
  const LoadResult result = LoadRules(files, options);
  if (item_files != nullptr) *item_files = result.item_files;
  std::string first_error;
  size_t errors = 0, warnings = 0;
  for (const FileResult& file : result.files) {
    warnings += file.warnings.size();
    for (const LoadMessage& m : file.errors) {
      if (errors++ == 0) {
        first_error = StrCat(file.path, ":", m.line, ":", m.column, ": ", m.code, ": ", m.message);
      }
    }
  }
  if (!result.ok) {
    return absl::InvalidArgumentError(
        StrCat(first_error, errors > 1 ? StrCat(" (and ", errors - 1, " more)") : "",
               "; `vaktctl rules check` shows all of it"));
  }
  for (const size_t i : result.idle_selections) {
    LogWarning(StrCat("rules.select: no rule is called, or tagged, ",
                      EscapeUtf8(source.selections[i].name)));
  }
  ActiveRules active;
  active.rules = result.rules;
  VAKT_ASSIGN_OR_RETURN(active.matcher,
                        Matcher::Compile(active.rules, source.match_mode, source.priority_floor));
  active.prefilter = std::make_unique<Prefilter>(active.rules, source.priority_floor);
  active.summary = StrCat(active.rules->rules.size(), " from ", files.size(), " files",
                          warnings > 0 ? StrCat(", ", warnings, " warnings") : "");
  if (!result.item_files.empty()) {
    active.summary +=
        StrCat("; ", active.rules->file_items, " items of ", result.item_files.size(),
               " lists' files, ", active.rules->file_items_left_out, " lines left out");
  }
  return active;
}

}  // namespace vakt
