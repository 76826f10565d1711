// SPDX-License-Identifier: Apache-2.0
// Collects what loading has to say, per file.
//
// Ownership: writes to FileResults that the caller owns. Threads: thread-compatible.
#ifndef VAKT_COMMON_RULELANG_DIAGNOSTICS_H_
#define VAKT_COMMON_RULELANG_DIAGNOSTICS_H_

#include <string>
#include <string_view>
#include <vector>

#include "common/rulelang/load.h"
#include "common/rulelang/source_position.h"

namespace vakt {

// Errors.
inline constexpr std::string_view kErrFileRead = "LOAD_ERR_FILE_READ";
inline constexpr std::string_view kErrYamlParse = "LOAD_ERR_YAML_PARSE";
inline constexpr std::string_view kErrYamlValidate = "LOAD_ERR_YAML_VALIDATE";
inline constexpr std::string_view kErrCompileCondition = "LOAD_ERR_COMPILE_CONDITION";
inline constexpr std::string_view kErrCompileOutput = "LOAD_ERR_COMPILE_OUTPUT";
inline constexpr std::string_view kErrValidate = "LOAD_ERR_VALIDATE";
// Warnings.
inline constexpr std::string_view kUnknownSource = "LOAD_UNKNOWN_SOURCE";
inline constexpr std::string_view kNoEvttype = "LOAD_NO_EVTTYPE";
inline constexpr std::string_view kUnknownFilter = "LOAD_UNKNOWN_FILTER";
inline constexpr std::string_view kUnusedMacro = "LOAD_UNUSED_MACRO";
inline constexpr std::string_view kUnusedList = "LOAD_UNUSED_LIST";
inline constexpr std::string_view kUnknownItem = "LOAD_UNKNOWN_ITEM";
inline constexpr std::string_view kDeprecatedItem = "LOAD_DEPRECATED_ITEM";
inline constexpr std::string_view kAppendNoValues = "LOAD_APPEND_NO_VALUES";
inline constexpr std::string_view kExceptionName = "LOAD_EXCEPTION_NAME_NOT_UNIQUE";
inline constexpr std::string_view kInvalidMacroName = "LOAD_INVALID_MACRO_NAME";
inline constexpr std::string_view kInvalidListName = "LOAD_INVALID_LIST_NAME";
inline constexpr std::string_view kCompileCondition = "LOAD_COMPILE_CONDITION";
inline constexpr std::string_view kUnknownKey = "LOAD_UNKNOWN_KEY";
inline constexpr std::string_view kNoProbe = "LOAD_NO_PROBE";
inline constexpr std::string_view kItemsLeftOut = "LOAD_ITEMS_LEFT_OUT";
inline constexpr std::string_view kNotImplemented = "LOAD_FIELD_NOT_IMPLEMENTED";

// What a message is about.
struct ItemLabel {
  std::string_view kind;  // "rule"
  std::string_view name;
};

class Diagnostics {
 public:
  // Positions index into *files. At most kMaxMessages of either severity are kept per file; an
  // error counts all the same.
  static constexpr size_t kMaxMessages = 1000;

  explicit Diagnostics(std::vector<FileResult>* files) : files_(files) {}

  void Error(std::string_view code, ItemLabel item, SourcePosition position, std::string message);
  void Warning(std::string_view code, ItemLabel item, SourcePosition position, std::string message);
  bool has_errors() const { return errors_ > 0; }

 private:
  std::vector<FileResult>* files_;
  size_t errors_ = 0;
};

}  // namespace vakt

#endif  // VAKT_COMMON_RULELANG_DIAGNOSTICS_H_
