// SPDX-License-Identifier: Apache-2.0
#include "common/rulelang/output_additions.h"

#include <algorithm>

namespace vakt {
namespace {

constexpr std::string_view kPrefix = "static.";

}  // namespace

std::string_view StaticFieldIn(const StaticFields& statics, std::string_view name) {
  while (name.starts_with(kPrefix)) {
    if (statics.contains(name.substr(kPrefix.size()))) return name;
    name = name.substr(0, name.rfind('.'));
  }
  return "";
}

bool PutInStatics(const StaticFields& statics, AstOperand* operand) {
  if (operand->kind == AstOperand::Kind::kField && operand->name.starts_with(kPrefix)) {
    const auto found = statics.find(std::string_view(operand->name).substr(kPrefix.size()));
    if (found == statics.end() || operand->arg.present) return false;
    operand->kind = AstOperand::Kind::kText;
    operand->name = found->second;
    return true;
  }
  return std::all_of(operand->parts.begin(), operand->parts.end(),
                     [&](AstOperand& part) { return PutInStatics(statics, &part); });
}

bool OutputAddition::AppliesTo(std::string_view rule_name, std::string_view rule_source,
                               const std::set<std::string>& rule_tags) const {
  return (rule.empty() || rule == rule_name) && (source.empty() || source == rule_source) &&
         std::includes(rule_tags.begin(), rule_tags.end(), tags.begin(), tags.end());
}

}  // namespace vakt
