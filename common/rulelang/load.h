// SPDX-License-Identifier: Apache-2.0
// Rule files in, rule set out. The files are untrusted: whatever they hold, loading ends with a
// result, in bounded memory and without running anything.
//
//   VAKT_ASSIGN_OR_RETURN(auto files, ReadRuleFiles({"/etc/vakt/rules"}));
//   LoadResult result = LoadRules(files);
//   if (!result.ok) ...  // result.files[i].errors say what and where
//
// Threads: thread-compatible functions without state.
#ifndef VAKT_COMMON_RULELANG_LOAD_H_
#define VAKT_COMMON_RULELANG_LOAD_H_

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "common/rulelang/output_additions.h"
#include "common/rulelang/rule_selection.h"
#include "common/rulelang/rule_set.h"

namespace vakt {

struct RuleFile {
  std::string path;
  std::string content;
  std::string read_error;  // why there is no content; empty when there is
};

// Reads files, and of directories all .yml and .yaml files, recursively, in lexicographic order of
// their paths, but what lies below a directory `macros` first; *.test.yaml are left out, and so is
// what lies in a directory whose name begins with ".." (a Kubernetes volume shows its files twice).
// A file that is named is read whatever its name. One that cannot be read has a read_error, which
// LoadRules reports; only a directory that cannot be listed fails the call.
absl::StatusOr<std::vector<RuleFile>> ReadRuleFiles(absl::Span<const std::string> paths);

// Differs when ReadRuleFiles might read something else than before: names, inodes, sizes and times
// of the files. Cheap enough to be asked for every second.
std::string RuleFilesStamp(absl::Span<const std::string> paths);

// Something about one item of one file. Codes are Falco's (LOAD_ERR_COMPILE_CONDITION,
// LOAD_UNKNOWN_KEY, ...); ours in addition are LOAD_NO_PROBE and LOAD_FIELD_NOT_IMPLEMENTED.
struct LoadMessage {
  std::string code;
  std::string message;
  std::string item_kind;  // "rule", "macro", "list", ...; empty for the file as a whole
  std::string item_name;
  int line = 0;  // from 1; 0 when unknown
  int column = 0;
};

struct FileResult {
  std::string path;
  bool ok = true;
  std::vector<LoadMessage> errors;
  std::vector<LoadMessage> warnings;
  int rules = 0;  // items of the file, of either kind: definitions and changes
  int macros = 0;
  int lists = 0;
};

struct LoadOptions {
  // 10,000 rules take some 4 MiB.
  size_t max_file_bytes = size_t{16} << 20;
  std::vector<RuleSelection> selections;
  StaticFields static_fields;
  std::vector<OutputAddition> additions;
  bool read_item_files = true;  // of lists, beside the rule files
};

struct LoadResult {
  std::vector<FileResult> files;        // as given
  bool ok = false;                      // no errors in any file
  std::vector<std::string> item_files;  // that lists take items from, whether or not they were read
  std::vector<size_t> idle_selections;  // of LoadOptions::selections: those that name no rule
  std::shared_ptr<const RuleSet> rules;  // null unless ok
};

// Later files see, and may change, what earlier ones define.
LoadResult LoadRules(absl::Span<const RuleFile> files, const LoadOptions& options = {});

// A condition on its own, which may name the files' lists and macros.
struct ConditionResult {
  std::vector<FileResult> files;          // as given; then one, without a path, for the condition
  std::unique_ptr<const Expr> condition;  // null after an error
};

ConditionResult CompileCondition(std::string_view condition, absl::Span<const RuleFile> files,
                                 const LoadOptions& options = {});

}  // namespace vakt

#endif  // VAKT_COMMON_RULELANG_LOAD_H_
