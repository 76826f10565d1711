// SPDX-License-Identifier: Apache-2.0
// What the operator's configuration, and no rule file, adds to rules: fields with fixed values, and
// more output for some rules (`static_fields` and `append_output` of Falco's configuration).
//
// Ownership: value types. Threads: thread-safe functions.
#ifndef VAKT_COMMON_RULELANG_OUTPUT_ADDITIONS_H_
#define VAKT_COMMON_RULELANG_OUTPUT_ADDITIONS_H_

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "common/rulelang/ast.h"

namespace vakt {

// By name: {"cluster": "prod"} makes static.cluster a field whose value is always "prod".
using StaticFields = std::map<std::string, std::string, std::less<>>;

// Puts the values in the place of the fields, also inside calls. False for a name that is none.
bool PutInStatics(const StaticFields& statics, AstOperand* operand);
// As long a part of `name` as is a static field, from its beginning; empty when none is.
std::string_view StaticFieldIn(const StaticFields& statics, std::string_view name);

struct OutputAddition {
  struct Field {
    std::string name;
    std::string format;  // as an output; empty: the value of the field of this name
  };

  // Of the rules that are called so (empty: any), have this source (empty: any) and all these tags.
  std::string rule;
  std::string source;
  std::set<std::string> tags;

  std::string output;         // follows the rule's, behind a blank
  std::vector<Field> fields;  // of the alert, beside those of the output
  bool suggested = true;      // fields that say which container and pod it was

  bool AppliesTo(std::string_view rule_name, std::string_view rule_source,
                 const std::set<std::string>& rule_tags) const;
};

}  // namespace vakt

#endif  // VAKT_COMMON_RULELANG_OUTPUT_ADDITIONS_H_
