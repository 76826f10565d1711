// SPDX-License-Identifier: Apache-2.0
// JSON out (RFC 8259), in pieces: text that is already JSON, objects, arrays and protobuf messages.
//
// Untrusted strings are escaped to UTF-8 on one line first (EscapeUtf8). Threads:
// thread-compatible.
#ifndef VAKT_CLI_JSON_H_
#define VAKT_CLI_JSON_H_

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>

#include <concepts>
#include <string>
#include <string_view>

#include "common/base/strings.h"

namespace vakt {

// A JSON string with its quotes, of any bytes.
std::string JsonString(std::string_view bytes);

// Members come out in the order in which they are added; values are evaluated at once.
class JsonObject {
 public:
  JsonObject& Add(std::string_view key, std::string_view text) {
    return AddJson(key, JsonString(text));
  }
  JsonObject& Add(std::string_view key, const char* text) {
    return Add(key, std::string_view(text));
  }
  JsonObject& Add(std::string_view key, bool value) {
    return AddJson(key, value ? "true" : "false");
  }
  template <std::integral Number>
  JsonObject& Add(std::string_view key, Number value) {
    return AddJson(key, StrCat(value));
  }
  // `json` is a JSON text.
  JsonObject& AddJson(std::string_view key, std::string_view json);

  // All members of another object, which is JSON text as Text() returns it.
  JsonObject& AddMembers(std::string_view object);

  std::string Text() const { return StrCat("{", members_, "}"); }

 private:
  std::string members_;
};

class JsonArray {
 public:
  void AddJson(std::string_view json);
  std::string Text() const { return StrCat("[", elements_, "]"); }

 private:
  std::string elements_;
};

// A message as an object. Keys are the field names of the .proto file. Fields without presence are
// always there; unset messages, `optional` and oneof members are left out. 64-bit integers are
// numbers, bytes are text (not base64; of build_id hex digits), enumerators are their name without
// the type's prefix, in lower case; timestamps are RFC 3339.
std::string ProtoJson(const google::protobuf::Message& message);

// "loss" for CLASS_LOSS: in lower case, without the prefix that all enumerators of the type share.
// The number itself when the type does not know it.
std::string EnumText(const google::protobuf::EnumDescriptor& type, int number);

}  // namespace vakt

#endif  // VAKT_CLI_JSON_H_
