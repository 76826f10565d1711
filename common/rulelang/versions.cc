// SPDX-License-Identifier: Apache-2.0
// What rule files may require: the version of the rule engine and of plugins. Versions compare as
// semantic ones.
#include <array>
#include <tuple>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "common/base/strings.h"
#include "common/base/text.h"
#include "common/rulelang/read_definitions.h"

namespace vakt {
namespace {

struct Version {
  uint32_t major = 0;
  uint32_t minor = 0;
  uint32_t patch = 0;
  friend auto operator<=>(const Version&, const Version&) = default;
};

// The rule language that this engine implements, by Falco's count.
constexpr Version kEngineVersion{0, 62, 0};

// What the agent does itself and Falco does in plugins.
struct Provider {
  std::string_view name;
  Version version;
};
constexpr std::array<Provider, 1> kProviders = {{{"container", {0, 7, 0}}}};

std::string ToText(const Version& v) { return StrCat(v.major, ".", v.minor, ".", v.patch); }

bool ParseVersion(std::string_view text, Version* version) {
  // A pre-release or build suffix does not count.
  const std::vector<std::string> parts =
      absl::StrSplit(ToAbsl(text.substr(0, text.find_first_of("-+"))), '.');
  return parts.size() == 3 && absl::SimpleAtoi(parts[0], &version->major) &&
         absl::SimpleAtoi(parts[1], &version->minor) && absl::SimpleAtoi(parts[2], &version->patch);
}

// Whether `have` can stand in for `want`.
bool Satisfies(const Version& have, const Version& want) {
  return have.major == want.major && have >= want;
}

enum class Requirement { kMet, kUnmet, kMalformed };

Requirement CheckPlugin(const ItemReader& item, const YamlNode& plugin) {
  const YamlNode* name = plugin.Find("name");
  const YamlNode* text = plugin.Find("version");
  Version want;
  if (name == nullptr || !name->is_scalar() || text == nullptr || !text->is_scalar() ||
      !ParseVersion(text->text, &want)) {
    item.Error(plugin, "a required plugin has a `name` and a `version` such as 0.4.0");
    return Requirement::kMalformed;
  }
  for (const Provider& provider : kProviders) {
    if (provider.name == name->text && Satisfies(provider.version, want)) return Requirement::kMet;
  }
  return Requirement::kUnmet;
}

void CheckPluginAndAlternatives(const ItemReader& item, const YamlNode& plugin) {
  Requirement result = CheckPlugin(item, plugin);
  const YamlNode* alternatives = plugin.Find("alternatives");
  if (alternatives != nullptr && result == Requirement::kUnmet) {
    for (const YamlNode& alternative : alternatives->items) {
      if (result == Requirement::kUnmet) result = CheckPlugin(item, alternative);
    }
  }
  if (result != Requirement::kUnmet) return;
  item.Conflict(plugin, StrCat("requires the plugin ", EscapeUtf8(plugin.Find("name")->text), " ",
                               EscapeUtf8(plugin.Find("version")->text), "; built in is ",
                               kProviders[0].name, " ", ToText(kProviders[0].version)));
}

}  // namespace

void ReadRequiredEngineVersion(const ItemReader& item, const YamlNode& value) {
  Version want;
  uint32_t minor = 0;
  if (value.is_scalar() && absl::SimpleAtoi(value.text, &minor)) {
    want = {0, minor, 0};
  } else if (!value.is_scalar() || !ParseVersion(value.text, &want)) {
    item.Error(value, "an engine version is a number such as 57 or a version such as 0.57.0");
    return;
  }
  if (!Satisfies(kEngineVersion, want)) {
    item.Conflict(value, StrCat("requires rule engine ", ToText(want), "; this one is ",
                                ToText(kEngineVersion), ": use older rules or a newer agent"));
  }
}

void ReadRequiredPluginVersions(const ItemReader& item, const YamlNode& value) {
  if (!value.is_sequence()) {
    item.Error(value, "`required_plugin_versions` is a sequence of {name, version}");
    return;
  }
  for (const YamlNode& plugin : value.items) CheckPluginAndAlternatives(item, plugin);
}

}  // namespace vakt
