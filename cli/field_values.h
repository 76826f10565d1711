// SPDX-License-Identifier: Apache-2.0
// Values of rule fields from a JSON object, to try conditions on:
//
//   {"proc.name": "cat", "fd.sport": 443, "proc.aname": ["bash", "sshd"], "evt.arg.flags": null}
//
// Keys are fields as conditions write them. A field that is absent or null has no value. Texts are
// strings, numbers numbers, truth values true or false, addresses strings. Fields that stand for
// several values take an array; so does proc.args, for its arguments one by one.
//
// Ownership: owns the texts that values point to. Threads: thread-compatible.
#ifndef VAKT_CLI_FIELD_VALUES_H_
#define VAKT_CLI_FIELD_VALUES_H_

#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "common/base/strings.h"
#include "common/event/field_table.h"
#include "common/rulelang/operand.h"

namespace vakt {

class FieldValues {
 public:
  // InvalidArgument: no JSON object, an unknown field, or a value of another type than its field.
  static absl::StatusOr<FieldValues> FromJson(std::string_view json);

  // Appends the values of the field that `field`, of kind kField, names.
  void Read(const Operand& field, Extractor& out) const;

 private:
  struct Field {
    std::vector<Value> values;
    std::vector<Value> elements;  // of proc.args: its arguments one by one
  };

  void SplitArguments(bool is_array, Field* field);

  std::deque<std::string> texts_;  // a deque: views of its elements stay valid
  StringMap<Field> fields_;        // by Operand::ToText
};

}  // namespace vakt

#endif  // VAKT_CLI_FIELD_VALUES_H_
