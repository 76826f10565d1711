// SPDX-License-Identifier: Apache-2.0
// Settings::Help: the rows as text for people.
#include <string>
#include <string_view>

#include "common/base/strings.h"
#include "common/config/settings.h"

namespace vakt {
namespace {

constexpr size_t kWidth = 88;

std::string_view ValueWord(SettingType type) {
  switch (type) {
    case SettingType::kString:
      return "TEXT";
    case SettingType::kPath:
      return "PATH";
    case SettingType::kList:
      return "ITEM,...";
    case SettingType::kBool:
    case SettingType::kEnum:
      return "";
    case SettingType::kUint:
      return "N";
    case SettingType::kBytes:
      return "SIZE";
    case SettingType::kDuration:
      return "TIME";
  }
  return "";
}

// `text` in lines of at most kWidth, each indented.
std::string Wrapped(std::string_view text, std::string_view indent) {
  std::string out;
  std::string line(indent);
  while (!text.empty()) {
    const size_t end = std::min(text.find(' '), text.size());
    const std::string_view word = text.substr(0, end);
    const bool first = line.size() == indent.size();
    if (!first && line.size() + 1 + word.size() > kWidth) {
      out += StrCat(line, "\n");
      line = std::string(indent);
    }
    if (line.size() != indent.size()) line.push_back(' ');
    line += word;
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out + line + "\n";
}

std::string RowHelp(const SettingRow& row) {
  std::string out = StrCat("  ", row.flag);
  const std::string_view value = row.type == SettingType::kEnum ? row.choices : ValueWord(row.type);
  if (!value.empty()) out += StrCat(" ", value);
  if (!row.default_text.empty()) out += StrCat("  (default: ", row.default_text, ")");
  return StrCat(out, "\n", Wrapped(row.text, "      "));
}

}  // namespace

std::string Settings::Help(Program program) {
  std::string out =
      StrCat("Usage: ", ProgramName(program),
             program == Program::kVaktctl ? " NOUN VERB [flags]\n" : " [flags]\n", "\nFlags:\n");
  for (const SettingRow& row : AllSettings()) {
    if (row.in(program)) out += RowHelp(row);
  }
  out += StrCat(
      "  --config PATH\n",
      Wrapped("YAML file of settings, nested by the dots of their names.", "      "),
      "  --print-config\n",
      Wrapped("Print the effective settings and where each came from, and end.", "      "),
      "  --version\n      Print the version, and end.\n",
      "  --help\n      Print this text, and end.\n\n",
      Wrapped(
          "Each flag is also an environment variable (--tls-ca is VAKT_TLS_CA). A flag wins over "
          "the environment, that over the file, that over the default. Sizes: 64KiB, 16MiB. "
          "Times: 10ms, 5s, 2h, 90d. --no-FLAG empties a text, path or list.",
          ""));
  return out;
}

}  // namespace vakt
