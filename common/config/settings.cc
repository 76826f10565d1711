// SPDX-License-Identifier: Apache-2.0
#include "common/config/settings.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <utility>

#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "common/base/file.h"
#include "common/base/status.h"
#include "common/base/strings.h"
#include "common/base/text.h"
#include "common/config/config_file.h"
#include "common/config/setting_value.h"
#include "common/config/suggestion.h"

namespace vakt {
namespace {

constexpr Program kPrograms[] = {Program::kAgent, Program::kCollector, Program::kVaktctl};

absl::Status Wrong(std::string_view message) { return absl::InvalidArgumentError(ToAbsl(message)); }

std::string SeeHelp(Program program) { return StrCat("see ", ProgramName(program), " --help"); }

absl::Status UnknownName(Program program, std::string_view name) {
  for (Program other : kPrograms) {
    if (FindSetting(other, name) == nullptr) continue;
    return Wrong(StrCat("'", name, "' is a setting of ", ProgramName(other), ", not of ",
                        ProgramName(program)));
  }
  std::vector<std::string_view> known;
  for (const SettingRow& row : AllSettings()) {
    if (row.in(program)) known.push_back(row.name);
  }
  return Wrong(
      StrCat("unknown setting '", name, "'", DidYouMean(name, known), "; ", SeeHelp(program)));
}

absl::Status UnknownFlag(Program program, std::string_view flag) {
  std::vector<std::string_view> known = {"--config", "--print-config", "--help", "--version"};
  for (const SettingRow& row : AllSettings()) {
    if (row.in(program)) known.push_back(row.flag);
  }
  return Wrong(
      StrCat("unknown flag ", EscapeUtf8(flag), DidYouMean(flag, known), "; ", SeeHelp(program)));
}

// "--no-collector" to the row of "--collector": what can be switched off or be empty.
const SettingRow* FindNegated(Program program, std::string_view flag) {
  if (!flag.starts_with("--no-")) return nullptr;
  const SettingRow* row = FindSettingByFlag(program, StrCat("--", flag.substr(5)));
  if (row == nullptr) return nullptr;
  switch (row->type) {
    case SettingType::kBool:
    case SettingType::kString:
    case SettingType::kPath:
    case SettingType::kList:
      return row;
    default:
      return nullptr;
  }
}

bool IsPlainYaml(std::string_view text) {
  constexpr std::string_view kSafe =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._:@+-";
  return !text.empty() && text.find_first_not_of(kSafe) == std::string_view::npos &&
         text.front() != '-' && text.front() != ':' && text.front() != '@' && text.back() != ':' &&
         text != "null";
}

std::string YamlScalar(std::string_view text) {
  return IsPlainYaml(text) ? std::string(text) : JsonQuote(EscapeUtf8(text));
}

std::string ValueText(const std::vector<std::string>& values, bool is_list) {
  std::vector<std::string> texts;
  for (const std::string& value : values) texts.push_back(YamlScalar(value));
  const std::string text = absl::StrJoin(texts, ", ");
  return is_list ? StrCat("[", text, "]") : text;
}

}  // namespace

// What the command line says, before it is applied (the file, which it may name, comes first).
struct Settings::Flags {
  struct Given {
    const SettingRow* row;
    std::string flag;
    std::string value;
    bool negated = false;
  };
  std::vector<Given> given;
  std::optional<std::string> config;
  bool help = false, version = false, print_config = false;

  absl::Status Parse(Program program, absl::Span<const std::string> arguments,
                     std::vector<std::string>* rest);

 private:
  absl::Status ParseOne(Program program, absl::Span<const std::string> arguments, size_t* at,
                        std::vector<std::string>* rest);
  bool ParseCommon(std::string_view flag);
};

bool Settings::Flags::ParseCommon(std::string_view flag) {
  if (flag == "--help" || flag == "-h") return help = true;
  if (flag == "--version") return version = true;
  if (flag == "--print-config") return print_config = true;
  return false;
}

// Takes arguments[*at], and the next one too if that is its value.
absl::Status Settings::Flags::ParseOne(Program program, absl::Span<const std::string> arguments,
                                       size_t* at, std::vector<std::string>* rest) {
  const std::string& argument = arguments[*at];
  if (ParseCommon(argument)) return absl::OkStatus();
  const size_t equals = argument.find('=');
  const std::string flag = argument.substr(0, equals);
  if (const SettingRow* row = FindNegated(program, argument); row != nullptr) {
    given.push_back({row, argument, row->type == SettingType::kBool ? "false" : "", true});
    return absl::OkStatus();
  }
  const SettingRow* row = FindSettingByFlag(program, flag);
  if (row == nullptr && flag != "--config") {
    if (rest != nullptr) {
      rest->push_back(argument);
      return absl::OkStatus();
    }
    if (argument.starts_with("-")) return UnknownFlag(program, flag);
    return Wrong(StrCat("unexpected argument '", EscapeUtf8(argument), "'; ", SeeHelp(program)));
  }
  std::string value;
  if (equals != std::string::npos) {
    value = argument.substr(equals + 1);
  } else if (row != nullptr && row->type == SettingType::kBool) {
    value = "true";
  } else if (*at + 1 < arguments.size() && !arguments[*at + 1].starts_with("--")) {
    value = arguments[++*at];
  } else {
    return Wrong(StrCat("flag ", flag, " needs a value; ", SeeHelp(program)));
  }
  if (row == nullptr) {
    config = std::move(value);
  } else {
    given.push_back({row, flag, std::move(value)});
  }
  return absl::OkStatus();
}

absl::Status Settings::Flags::Parse(Program program, absl::Span<const std::string> arguments,
                                    std::vector<std::string>* rest) {
  for (size_t at = 0; at < arguments.size(); ++at) {
    if (arguments[at] == "--" && rest != nullptr) {
      rest->insert(rest->end(), arguments.begin() + static_cast<ptrdiff_t>(at) + 1,
                   arguments.end());
      break;
    }
    VAKT_RETURN_IF_ERROR(ParseOne(program, arguments, &at, rest));
  }
  return absl::OkStatus();
}

Settings::Settings(Program program) : program_(program) {
  for (const SettingRow& row : AllSettings()) {
    if (!row.in(program)) continue;
    Entry& entry = entries_.emplace_back(Entry{.row = &row, .values = {}, .origin = "default"});
    if (row.type == SettingType::kList) {
      entry.values = SplitList(row.default_text);
    } else {
      entry.values = {std::string(row.default_text)};
    }
  }
}

absl::StatusOr<Settings> Settings::Load(Program program, int argc, char** argv,
                                        std::vector<std::string>* rest) {
  const std::vector<std::string> arguments(argv + std::min(argc, 1), argv + argc);
  const auto environment = [](const std::string& name) -> const char* {
    return std::getenv(name.c_str());
  };
  return Load(program, arguments, environment, rest);
}

absl::StatusOr<Settings> Settings::Load(Program program, absl::Span<const std::string> arguments,
                                        const Environment& environment,
                                        std::vector<std::string>* rest) {
  Settings settings(program);
  Flags flags;
  const absl::Status parsed = flags.Parse(program, arguments, rest);
  settings.help_requested_ = flags.help;
  settings.version_requested_ = flags.version;
  settings.print_config_requested_ = flags.print_config;
  if (flags.help || flags.version) return settings;
  VAKT_RETURN_IF_ERROR(parsed);
  const char* config = environment("VAKT_CONFIG");
  const std::string path = flags.config.value_or(config == nullptr ? "" : config);
  if (!path.empty()) VAKT_RETURN_IF_ERROR(settings.ApplyFile(path));
  VAKT_RETURN_IF_ERROR(settings.ApplyEnvironment(environment));
  VAKT_RETURN_IF_ERROR(settings.ApplyFlags(flags));
  return settings;
}

Settings::Entry& Settings::Of(const SettingRow* row) {
  return *std::find_if(entries_.begin(), entries_.end(),
                       [row](const Entry& entry) { return entry.row == row; });
}

absl::Status Settings::ApplyFile(const std::string& path) {
  VAKT_ASSIGN_OR_RETURN(std::string text, ReadFile(path));
  VAKT_ASSIGN_OR_RETURN(std::vector<ConfigEntry> file, ParseConfigFile(path, text));
  for (ConfigEntry& given : file) {
    const std::string place = StrCat(path, ":", given.line);
    if (InGroup(given.name)) {
      grouped_.push_back({given.name, std::move(given.values), given.sequence, place});
      continue;
    }
    const SettingRow* row = FindSetting(program_, given.name);
    if (row == nullptr) {
      return Wrong(StrCat(place, ": ", Message(UnknownName(program_, given.name))));
    }
    if (given.sequence && row->type != SettingType::kList) {
      return Wrong(StrCat(place, ": ", row->name, " takes one value, not a list"));
    }
    if (!given.sequence) {
      if (absl::Status bad = CheckSettingValue(*row, given.values[0]); !bad.ok()) {
        return Wrong(StrCat(place, ": ", row->name, ": ", Message(bad)));
      }
    }
    Of(row) = {row, std::move(given.values), place};
  }
  return absl::OkStatus();
}

bool Settings::InGroup(std::string_view name) const {
  const std::string_view group = name.substr(0, name.find('.'));
  return group.size() < name.size() &&
         std::any_of(
             std::begin(kSettingGroups), std::end(kSettingGroups),
             [&](const SettingGroupRow& row) { return row.name == group && row.in(program_); });
}

std::vector<GroupValue> Settings::Group(std::string_view group) const {
  std::vector<GroupValue> found;
  const std::string prefix = StrCat(group, ".");
  for (const GroupValue& value : grouped_) {
    if (!value.name.starts_with(prefix)) continue;
    found.push_back(value);
    found.back().name.erase(0, prefix.size());
  }
  return found;
}

absl::Status Settings::ApplyEnvironment(const Environment& environment) {
  for (Entry& entry : entries_) {
    const std::string name = SettingEnvironmentName(*entry.row);
    const char* value = environment(name);
    if (value == nullptr) continue;
    if (absl::Status bad = CheckSettingValue(*entry.row, value); !bad.ok()) {
      return Wrong(StrCat("environment variable ", name, ": ", Message(bad)));
    }
    entry.origin = StrCat("environment ", name);
    if (entry.row->type == SettingType::kList) {
      entry.values = SplitList(value);
    } else {
      entry.values = {value};
    }
  }
  return absl::OkStatus();
}

absl::Status Settings::ApplyFlags(const Flags& flags) {
  for (const Flags::Given& given : flags.given) {
    if (absl::Status bad = CheckSettingValue(*given.row, given.value); !bad.ok()) {
      return Wrong(StrCat("flag ", given.flag, ": ", Message(bad)));
    }
    Entry& entry = Of(given.row);
    const bool is_list = given.row->type == SettingType::kList;
    const bool goes_on = is_list && !given.negated && entry.origin.starts_with("flag ");
    if (!goes_on) entry.values.clear();
    entry.origin = StrCat("flag ", given.flag);
    if (is_list) {
      for (std::string& item : SplitList(given.value)) entry.values.push_back(std::move(item));
    } else {
      entry.values = {given.value};
    }
  }
  return absl::OkStatus();
}

const Settings::Entry& Settings::Get(std::string_view name) const {
  for (const Entry& entry : entries_) {
    if (entry.row->name == name) return entry;
  }
  // The name is in the table (SettingName), so this program's row is missing: our own mistake.
  std::fprintf(stderr, "%.*s has no setting %.*s\n", static_cast<int>(ProgramName(program_).size()),
               ProgramName(program_).data(), static_cast<int>(name.size()), name.data());
  std::abort();
}

std::string Settings::Str(
    SettingName<SettingType::kString, SettingType::kPath, SettingType::kEnum> n) const {
  return Get(n.get()).values[0];
}

std::vector<std::string> Settings::List(SettingName<SettingType::kList> n) const {
  return Get(n.get()).values;
}

bool Settings::Bool(SettingName<SettingType::kBool> n) const {
  return ParseBool(Get(n.get()).values[0]).value_or(false);
}

uint64_t Settings::Uint(SettingName<SettingType::kUint, SettingType::kBytes> n) const {
  const Entry& entry = Get(n.get());
  const std::string& text = entry.values[0];
  return (entry.row->type == SettingType::kBytes ? ParseBytes(text) : ParseUint(text)).value_or(0);
}

absl::Duration Settings::Dur(SettingName<SettingType::kDuration> n) const {
  return ParseDuration(Get(n.get()).values[0]).value_or(absl::ZeroDuration());
}

std::string Settings::PrintConfig() const {
  std::string out = StrCat("# Effective settings of ", ProgramName(program_), "\n");
  std::string_view open_group;
  for (const Entry& entry : entries_) {
    const size_t dot = entry.row->name.find('.');
    const std::string_view group = entry.row->name.substr(0, dot);
    if (group != open_group) out += StrCat(group, ":\n");
    open_group = group;
    const bool is_list = entry.row->type == SettingType::kList;
    out += StrCat("  ", entry.row->name.substr(dot + 1), ": ", ValueText(entry.values, is_list),
                  "  # ", EscapeUtf8(entry.origin), "\n");
  }
  return out + PrintGroups();
}

std::string Settings::PrintGroups() const {
  std::string out;
  std::vector<std::string> open;  // the mappings around the last value
  for (const GroupValue& given : grouped_) {
    std::vector<std::string> path = absl::StrSplit(given.name, '.');
    const std::string key = path.back();
    path.pop_back();
    size_t same = 0;
    while (same < open.size() && same < path.size() && open[same] == path[same]) ++same;
    for (size_t level = same; level < path.size(); ++level) {
      out += StrCat(std::string(2 * level, ' '), YamlScalar(path[level]), ":\n");
    }
    out += StrCat(std::string(2 * path.size(), ' '), YamlScalar(key), ": ",
                  ValueText(given.values, given.sequence), "  # ", EscapeUtf8(given.place), "\n");
    open = std::move(path);
  }
  return out;
}

}  // namespace vakt
