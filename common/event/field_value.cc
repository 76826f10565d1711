// SPDX-License-Identifier: Apache-2.0
#include <string>
#include <string_view>
#include <utility>

#include "common/event/field_table.h"

namespace vakt {

std::string_view FieldTypeName(FieldType type) {
  switch (type) {
    case FieldType::kString:
      return "string";
    case FieldType::kInt:
      return "int";
    case FieldType::kUint:
      return "uint";
    case FieldType::kDouble:
      return "double";
    case FieldType::kBool:
      return "bool";
    case FieldType::kPort:
      return "port";
    case FieldType::kIp:
      return "ip";
    case FieldType::kNet:
      return "net";
    case FieldType::kAbsTime:
      return "abstime";
    case FieldType::kRelTime:
      return "reltime";
    case FieldType::kBytes:
      return "bytes";
  }
  return "unknown";
}

void Extractor::Reset() {
  values_.clear();
  kept_used_ = 0;
}

std::string& Extractor::NewKept() {
  if (kept_used_ == kept_.size()) kept_.emplace_back();
  std::string& kept = kept_[kept_used_++];
  kept.clear();
  return kept;
}

std::string_view Extractor::Keep(std::string&& text) { return NewKept() = std::move(text); }

}  // namespace vakt
