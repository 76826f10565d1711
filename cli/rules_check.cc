// SPDX-License-Identifier: Apache-2.0
// vaktctl rules check
#include <string>
#include <string_view>
#include <vector>

#include "cli/json.h"
#include "cli/verbs.h"
#include "common/base/status.h"
#include "common/base/strings.h"
#include "common/base/text.h"
#include "common/config/settings.h"
#include "common/rulelang/load.h"
#include "common/rulelang/output_settings.h"

namespace vakt {
namespace {

std::string MessagesJson(const std::vector<LoadMessage>& messages) {
  JsonArray array;
  for (const LoadMessage& message : messages) {
    array.AddJson(JsonObject()
                      .Add("code", message.code)
                      .Add("message", message.message)
                      .Add("line", message.line)
                      .Add("column", message.column)
                      .Add("item_kind", message.item_kind)
                      .Add("item_name", message.item_name)
                      .Text());
  }
  return array.Text();
}

std::string FileJson(const FileResult& file) {
  return JsonObject()
      .Add("file", file.path)
      .Add("ok", file.ok)
      .AddJson("errors", MessagesJson(file.errors))
      .AddJson("warnings", MessagesJson(file.warnings))
      .Add("rules", file.rules)
      .Add("macros", file.macros)
      .Add("lists", file.lists)
      .Text();
}

// "rules/a.yaml:12:3: error: <message> (rule "Name") [LOAD_ERR_COMPILE_CONDITION]"
void PrintMessage(const std::string& path, const LoadMessage& message, std::string_view severity,
                  Style style, Console& console) {
  std::string place = EscapeUtf8(path);
  if (message.line > 0) place += StrCat(":", message.line, ":", message.column);
  std::string item;
  if (!message.item_name.empty()) {
    item = StrCat(" (", message.item_kind, " \"", EscapeUtf8(message.item_name), "\")");
  }
  console.Line(StrCat(place, ": ", console.Styled(style, severity), ": ",
                      EscapeUtf8(message.message), item, " [", message.code, "]"));
}

void PrintForPeople(const FileResult& file, Console& console) {
  for (const LoadMessage& message : file.errors) {
    PrintMessage(file.path, message, "error", Style::kRed, console);
  }
  for (const LoadMessage& message : file.warnings) {
    PrintMessage(file.path, message, "warning", Style::kYellow, console);
  }
  console.Line(
      StrCat(EscapeUtf8(file.path), ": ",
             file.ok ? console.Styled(Style::kGreen, "ok") : console.Styled(Style::kRed, "refused"),
             ", rules: ", file.rules, ", macros: ", file.macros, ", lists: ", file.lists));
}

// What the agent adds to rules by its configuration; nothing without one.
absl::StatusOr<LoadOptions> OptionsOf(const Arguments& arguments) {
  LoadOptions options;
  if (!arguments.Has("--agent-config")) return options;
  const std::vector<std::string> flags = {"--config", arguments.Text("--agent-config")};
  const auto no_variables = [](const std::string&) -> const char* { return nullptr; };
  VAKT_ASSIGN_OR_RETURN(const Settings settings,
                        Settings::Load(Program::kAgent, flags, no_variables));
  VAKT_ASSIGN_OR_RETURN(options.static_fields, ParseStaticFields(settings.Group("static_fields")));
  VAKT_ASSIGN_OR_RETURN(options.additions, ParseOutputAdditions(settings.Group("append_output")));
  return options;
}

}  // namespace

VerbResult RulesCheck(const Invocation& invocation) {
  VAKT_ASSIGN_OR_RETURN(const std::vector<RuleFile> files,
                        ReadRuleFiles(invocation.arguments.operands()));
  VAKT_ASSIGN_OR_RETURN(const LoadOptions options, OptionsOf(invocation.arguments));
  const LoadResult result = LoadRules(files, options);
  if (invocation.json()) {
    JsonArray array;
    for (const FileResult& file : result.files) array.AddJson(FileJson(file));
    invocation.console.Line(array.Text());
  } else {
    for (const FileResult& file : result.files) PrintForPeople(file, invocation.console);
  }
  return result.ok ? kSuccess : kFailure;
}

}  // namespace vakt
