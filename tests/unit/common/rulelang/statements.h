// SPDX-License-Identifier: Apache-2.0
// Statements about rule files: each a file, and the codes of errors and warnings that loading it
// must give, and no others but for those that say what is not reported yet.
#ifndef VAKT_TESTS_UNIT_COMMON_RULELANG_STATEMENTS_H_
#define VAKT_TESTS_UNIT_COMMON_RULELANG_STATEMENTS_H_

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/str_join.h"
#include "common/base/strings.h"
#include "tests/unit/common/rulelang/rule_text.h"

namespace vakt {

struct Statement {
  std::string_view says;
  std::string file;
  std::string_view codes;
};

inline constexpr std::string_view kExec = "evt.type = execve and proc.name = x";

inline std::string RuleText(std::string_view condition, std::string_view more_keys = "") {
  return StrCat("- rule: r\n  desc: d\n  condition: ", condition,
                "\n  output: o\n  priority: INFO\n", more_keys);
}

inline std::string RuleWithOutput(std::string_view output) {
  return StrCat("- rule: r\n  desc: d\n  condition: evt.type=open\n  output: ", output,
                "\n  priority: INFO\n");
}

// Distinct, in order, without "LOAD_".
inline std::string CodesOf(const LoadResult& result) {
  std::set<std::string> codes;
  for (const FileResult& file : result.files) {
    for (const auto* messages : {&file.errors, &file.warnings}) {
      for (const LoadMessage& message : *messages) {
        const std::string& code = message.code;
        if (code == "LOAD_NO_PROBE" || code == "LOAD_FIELD_NOT_IMPLEMENTED") continue;
        codes.insert(code.substr(std::string_view("LOAD_").size()));
      }
    }
  }
  return absl::StrJoin(codes, " ");
}

inline void CheckStatements(const std::vector<Statement>& statements) {
  for (const Statement& statement : statements) {
    const LoadResult result = LoadTexts({statement.file});
    EXPECT_EQ(CodesOf(result), statement.codes) << statement.says << "\n" << statement.file;
    EXPECT_EQ(result.ok, statement.codes.find("ERR_") == std::string_view::npos) << statement.says;
  }
}

}  // namespace vakt

#endif  // VAKT_TESTS_UNIT_COMMON_RULELANG_STATEMENTS_H_
