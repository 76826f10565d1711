// SPDX-License-Identifier: Apache-2.0
#include "common/rulelang/load.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "common/base/sha256.h"
#include "common/base/strings.h"
#include "common/base/text.h"
#include "common/rulelang/compile_rules.h"
#include "common/rulelang/definitions.h"
#include "common/rulelang/diagnostics.h"
#include "common/rulelang/read_definitions.h"
#include "common/rulelang/source_text.h"
#include "common/rulelang/yaml_reader.h"

namespace vakt {
namespace {

std::string_view BaseName(std::string_view path) { return path.substr(path.rfind('/') + 1); }

// Lengths go in front of texts, so that no two lists of files hash alike.
std::string HashFiles(absl::Span<const RuleFile> files, const ItemFiles& items) {
  std::string all;
  for (const ItemFiles::Entry& entry : items.entries) all += StrCat("items:", entry.hash);
  for (const RuleFile& file : files) {
    for (std::string_view part : {BaseName(file.path), std::string_view(file.content)}) {
      all += StrCat(part.size(), ":", part);
    }
  }
  return ToHex(Sha256(all));
}

std::vector<std::string> PathsOf(const ItemFiles& items) {
  std::vector<std::string> paths;
  for (const ItemFiles::Entry& entry : items.entries) paths.push_back(entry.path);
  return paths;
}

void TellItemFiles(const ItemFiles& items, RuleSet* rules) {
  for (const ItemFiles::Entry& entry : items.entries) {
    rules->file_items += entry.file.set->size();
    rules->file_items_left_out += entry.file.left_out_count;
  }
}

void ReadOneFile(const RuleFile& file, int index, const LoadOptions& options,
                 Definitions* definitions, Diagnostics* diagnostics, FileResult* result) {
  if (!file.read_error.empty()) {
    diagnostics->Error(kErrFileRead, {}, {.file = index}, EscapeUtf8(file.read_error));
    return;
  }
  YamlLimits limits;
  limits.max_bytes = options.max_file_bytes;
  YamlError error;
  const std::vector<YamlNode> documents = ReadYaml(file.content, limits, &error);
  if (!error.message.empty()) {
    error.position.file = index;
    diagnostics->Error(kErrYamlParse, {}, error.position, EscapeUtf8(error.message));
    return;
  }
  const SourceFile source(file.content, index);
  for (const YamlNode& document : documents) {
    ReadDefinitions(document, source, definitions, diagnostics, result);
  }
}

void ReadFiles(absl::Span<const RuleFile> files, const LoadOptions& options,
               Definitions* definitions, Diagnostics* diagnostics,
               std::vector<FileResult>* results) {
  if (options.read_item_files) {
    for (const RuleFile& file : files) definitions->paths.push_back(file.path);
  }
  for (size_t i = 0; i < files.size(); ++i) {
    (*results)[i].path = files[i].path;
    ReadOneFile(files[i], static_cast<int>(i), options, definitions, diagnostics, &(*results)[i]);
  }
}

std::vector<size_t> IdleSelections(absl::Span<const RuleSelection> selections,
                                   const Definitions& definitions) {
  std::vector<size_t> idle;
  for (size_t i = 0; i < selections.size(); ++i) {
    const auto& rules = definitions.rules.entries();
    const bool used = std::any_of(rules.begin(), rules.end(), [&](const auto& rule) {
      return Selects(selections[i], rule->name, rule->tags);
    });
    if (!used) idle.push_back(i);
  }
  return idle;
}

}  // namespace

KindSet RuleSet::kinds() const {
  KindSet all = 0;
  for (const Rule& rule : rules) all |= rule.kinds;
  return all;
}

bool RuleSet::read_environment() const {
  return std::any_of(rules.begin(), rules.end(),
                     [](const Rule& rule) { return rule.reads_environment; });
}

LoadResult LoadRules(absl::Span<const RuleFile> files, const LoadOptions& options) {
  LoadResult result;
  result.files.resize(files.size());
  Diagnostics diagnostics(&result.files);
  Definitions definitions;
  definitions.static_fields = options.static_fields;
  definitions.additions = options.additions;
  ReadFiles(files, options, &definitions, &diagnostics, &result.files);
  result.item_files = PathsOf(definitions.item_files);
  auto rules = std::make_shared<RuleSet>();
  rules->rules = CompileRules(&definitions, files, options.selections, &diagnostics);
  result.ok = !diagnostics.has_errors();
  if (!result.ok) return result;
  result.idle_selections = IdleSelections(options.selections, definitions);
  rules->hash = HashFiles(files, definitions.item_files);
  TellItemFiles(definitions.item_files, rules.get());
  result.rules = std::move(rules);
  return result;
}

ConditionResult CompileCondition(std::string_view condition, absl::Span<const RuleFile> files,
                                 const LoadOptions& options) {
  ConditionResult result;
  result.files.resize(files.size() + 1);  // the last is the condition
  Diagnostics diagnostics(&result.files);
  Definitions definitions;
  definitions.static_fields = options.static_fields;
  definitions.additions = options.additions;
  ReadFiles(files, options, &definitions, &diagnostics, &result.files);
  const int index = static_cast<int>(files.size());
  const SourceFile source(condition, index);
  const SourceText text =
      SourceText::FromScalar(source, {.line = 1, .column = 1, .file = index}, condition);
  result.condition = vakt::CompileCondition(text, &definitions, &diagnostics);
  if (diagnostics.has_errors()) result.condition = nullptr;
  return result;
}

}  // namespace vakt
