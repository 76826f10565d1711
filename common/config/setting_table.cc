// SPDX-License-Identifier: Apache-2.0
#include "common/config/setting_table.h"

#include "absl/strings/ascii.h"

namespace vakt {

std::string_view ProgramName(Program program) {
  switch (program) {
    case Program::kAgent:
      return "vakt-agent";
    case Program::kCollector:
      return "vakt-collector";
    case Program::kVaktctl:
      return "vaktctl";
  }
  return "";
}

std::string_view SettingTypeName(SettingType type) {
  switch (type) {
    case SettingType::kString:
      return "text";
    case SettingType::kPath:
      return "path";
    case SettingType::kList:
      return "list";
    case SettingType::kBool:
      return "bool";
    case SettingType::kUint:
      return "number";
    case SettingType::kBytes:
      return "size";
    case SettingType::kDuration:
      return "duration";
    case SettingType::kEnum:
      return "choice";
  }
  return "";
}

std::string SettingEnvironmentName(const SettingRow& row) {
  std::string name = "VAKT_";
  for (char c : row.flag.substr(2)) name.push_back(c == '-' ? '_' : absl::ascii_toupper(c));
  return name;
}

const SettingRow* FindSetting(Program program, std::string_view name) {
  for (const SettingRow& row : kSettings) {
    if (row.in(program) && row.name == name) return &row;
  }
  return nullptr;
}

const SettingRow* FindSettingByFlag(Program program, std::string_view flag) {
  for (const SettingRow& row : kSettings) {
    if (row.in(program) && row.flag == flag) return &row;
  }
  return nullptr;
}

}  // namespace vakt
