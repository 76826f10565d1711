// SPDX-License-Identifier: Apache-2.0
#include "cli/json.h"

#include <google/protobuf/timestamp.pb.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "cli/time_text.h"
#include "common/base/text.h"

namespace vakt {
namespace {

using google::protobuf::EnumDescriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

std::string FloatText(double value) {
  // JSON has no infinities and no NaN.
  return value - value == 0 ? StrCat(value) : "null";
}

// The field's value; element `i` of it if it is repeated.
std::string ValueJson(const Message& message, const FieldDescriptor& field, int i) {
  const Reflection& reflection = *message.GetReflection();
  const bool repeated = field.is_repeated();
#define VAKT_GET(Type)                                         \
  (repeated ? reflection.GetRepeated##Type(message, &field, i) \
            : reflection.Get##Type(message, &field))
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_INT32:
      return StrCat(VAKT_GET(Int32));
    case FieldDescriptor::CPPTYPE_INT64:
      return StrCat(VAKT_GET(Int64));
    case FieldDescriptor::CPPTYPE_UINT32:
      return StrCat(VAKT_GET(UInt32));
    case FieldDescriptor::CPPTYPE_UINT64:
      return StrCat(VAKT_GET(UInt64));
    case FieldDescriptor::CPPTYPE_DOUBLE:
      return FloatText(VAKT_GET(Double));
    case FieldDescriptor::CPPTYPE_FLOAT:
      return FloatText(VAKT_GET(Float));
    case FieldDescriptor::CPPTYPE_BOOL:
      return VAKT_GET(Bool) ? "true" : "false";
    case FieldDescriptor::CPPTYPE_ENUM:
      return JsonString(EnumText(*field.enum_type(), VAKT_GET(EnumValue)));
    case FieldDescriptor::CPPTYPE_STRING:
      if (field.name() == "build_id") return JsonString(absl::BytesToHexString(VAKT_GET(String)));
      return JsonString(VAKT_GET(String));
    case FieldDescriptor::CPPTYPE_MESSAGE:
      return ProtoJson(repeated ? reflection.GetRepeatedMessage(message, &field, i)
                                : reflection.GetMessage(message, &field));
  }
#undef VAKT_GET
  return "null";
}

// Maps have string keys in our protos; sorted, because their order in memory is random.
std::string MapJson(const Message& message, const FieldDescriptor& field) {
  const Reflection& reflection = *message.GetReflection();
  const FieldDescriptor& key = *field.message_type()->map_key();
  const FieldDescriptor& value = *field.message_type()->map_value();
  std::vector<std::pair<std::string, std::string>> entries;
  for (int i = 0; i < reflection.FieldSize(message, &field); ++i) {
    const Message& entry = reflection.GetRepeatedMessage(message, &field, i);
    const std::string quoted = ValueJson(entry, key, 0);
    entries.emplace_back(quoted, ValueJson(entry, value, 0));
  }
  std::sort(entries.begin(), entries.end());
  std::string members;
  for (const auto& [name, text] : entries) {
    if (!members.empty()) members += ",";
    members += name + ":" + text;
  }
  return StrCat("{", members, "}");
}

std::string FieldJson(const Message& message, const FieldDescriptor& field) {
  if (field.is_map()) return MapJson(message, field);
  if (!field.is_repeated()) return ValueJson(message, field, 0);
  JsonArray array;
  const int size = message.GetReflection()->FieldSize(message, &field);
  for (int i = 0; i < size; ++i) array.AddJson(ValueJson(message, field, i));
  return array.Text();
}

}  // namespace

std::string JsonString(std::string_view bytes) { return JsonQuote(EscapeUtf8(bytes)); }

JsonObject& JsonObject::AddJson(std::string_view key, std::string_view json) {
  if (!members_.empty()) members_ += ",";
  members_ += StrCat(JsonString(key), ":", json);
  return *this;
}

JsonObject& JsonObject::AddMembers(std::string_view object) {
  const std::string_view members = object.substr(1, object.size() - 2);
  if (!members_.empty() && !members.empty()) members_ += ",";
  members_ += members;
  return *this;
}

void JsonArray::AddJson(std::string_view json) {
  if (!elements_.empty()) elements_ += ",";
  elements_ += json;
}

std::string ProtoJson(const Message& message) {
  if (message.GetDescriptor() == google::protobuf::Timestamp::descriptor()) {
    const auto& timestamp = static_cast<const google::protobuf::Timestamp&>(message);
    return JsonString(TimestampText(timestamp));
  }
  JsonObject object;
  for (int i = 0; i < message.GetDescriptor()->field_count(); ++i) {
    const FieldDescriptor& field = *message.GetDescriptor()->field(i);
    if (field.has_presence() && !message.GetReflection()->HasField(message, &field)) continue;
    object.AddJson(field.name(), FieldJson(message, field));
  }
  return object.Text();
}

std::string EnumText(const EnumDescriptor& type, int number) {
  const google::protobuf::EnumValueDescriptor* value = type.FindValueByNumber(number);
  if (value == nullptr) return StrCat(number);
  std::string_view prefix = type.value(0)->name();
  for (int i = 1; i < type.value_count(); ++i) {
    const std::string& name = type.value(i)->name();
    const auto differ = std::mismatch(prefix.begin(), prefix.end(), name.begin(), name.end());
    prefix = prefix.substr(0, static_cast<size_t>(differ.first - prefix.begin()));
  }
  const size_t end = prefix.rfind('_');  // what is shared behind it belongs to the names
  std::string text = value->name().substr(end == std::string_view::npos ? 0 : end + 1);
  absl::AsciiStrToLower(&text);
  return text;
}

}  // namespace vakt
