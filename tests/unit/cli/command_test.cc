// SPDX-License-Identifier: Apache-2.0
#include "cli/command.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "cli/verbs.h"
#include "common/base/file.h"
#include "common/base/strings.h"
#include "common/base/version.h"
#include "tests/support/temporary_directory.h"
#include "tests/unit/cli/captured_console.h"

namespace vakt {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::MatchesRegex;
using ::testing::StartsWith;

struct Outcome {
  int status;
  std::string out;
  std::string err;
};

Outcome Call(const std::vector<std::string>& words) {
  CapturedConsole console;
  const int status = RunCommand(words, console.get());
  return {status, console.out(), console.err()};
}

// An error is one line on stderr, and nothing on stdout.
void ExpectUsageError(const std::vector<std::string>& words, std::string_view text) {
  const Outcome outcome = Call(words);
  EXPECT_EQ(outcome.status, kUsage);
  EXPECT_THAT(outcome.out, IsEmpty());
  EXPECT_THAT(outcome.err, MatchesRegex("vaktctl: [^\n]+\n"));
  EXPECT_THAT(outcome.err, HasSubstr(std::string(text)));
}

TEST(CommandTest, RefusesWrongUsage) {
  ExpectUsageError({}, "no verb given: see vaktctl --help");
  ExpectUsageError({"frobnicate"}, "unknown verb \"frobnicate\": see vaktctl --help");
  ExpectUsageError({"\x1b[2J"}, "unknown verb \"\\x1b[2J\"");
  ExpectUsageError({"--frobnicate"}, "unknown flag --frobnicate: see vaktctl --help");
  ExpectUsageError({"alerts"}, "alerts needs a verb: see vaktctl alerts --help");
  ExpectUsageError({"alerts", "x"}, "unknown verb \"alerts x\": see vaktctl alerts --help");
  ExpectUsageError({"alerts", "get"}, "alerts get needs UID");
  ExpectUsageError({"alerts", "get", "a", "b"}, "unexpected word \"b\"");
  ExpectUsageError({"version", "--format", "xml"}, "--format: \"xml\" is none of human|json");
  ExpectUsageError({"alerts", "tail", "--after", "a", "--from-beginning"}, "exclude each other");
  ExpectUsageError({"replay", "x"}, "--rules is missing");
  ExpectUsageError({"nodes", "--collector", "nowhere"}, "\"nowhere\" is not HOST:PORT");
  ExpectUsageError({"nodes", "--collector", "h:1", "--tls-ca="}, "--tls-ca: its value is empty");
}

TEST(CommandTest, ShowsHelpOfWhatIsNamed) {
  EXPECT_THAT(Call({"--help"}).out, StartsWith("Usage: vaktctl NOUN"));
  EXPECT_THAT(Call({"-h"}).out, StartsWith("Usage: vaktctl NOUN"));
  EXPECT_THAT(Call({"help"}).out, StartsWith("Usage: vaktctl NOUN"));
  EXPECT_THAT(Call({"alerts", "--help"}).out, StartsWith("Usage: vaktctl alerts VERB"));
  EXPECT_THAT(Call({"help", "alerts"}).out, StartsWith("Usage: vaktctl alerts VERB"));
  EXPECT_THAT(Call({"alerts", "tail", "-h"}).out, StartsWith("Usage: vaktctl alerts tail"));
  EXPECT_THAT(Call({"help", "alerts", "tail"}).out, StartsWith("Usage: vaktctl alerts tail"));
  EXPECT_THAT(Call({"--collector", "h:1", "alerts", "tail", "-h"}).out,
              StartsWith("Usage: vaktctl alerts tail"));
  EXPECT_EQ(Call({"help", "x"}).status, kUsage);
}

TEST(CommandTest, PrintsTheVersion) {
  EXPECT_EQ(Call({"--version"}).out, StrCat("vaktctl ", kVersion, "\n"));
  EXPECT_EQ(Call({"version"}).out, StrCat("vaktctl ", kVersion, "\n"));
  EXPECT_EQ(Call({"version", "--format=json"}).out, StrCat("{\"version\":\"", kVersion, "\"}\n"));
}

TEST(CommandTest, ChecksRulesInOrderAsOneSet) {
  const TemporaryDirectory directory;
  const std::string uses = StrCat(directory.path(), "/uses.yaml");
  const std::string defines = StrCat(directory.path(), "/defines.yaml");
  ASSERT_TRUE(WriteFileAtomically(defines, "- macro: m\n  condition: proc.name = x\n", 0600).ok());
  ASSERT_TRUE(WriteFileAtomically(uses,
                                  "- rule: r\n  desc: d\n  condition: m and evt.type = execve\n"
                                  "  output: o\n  priority: INFO\n",
                                  0600)
                  .ok());
  const Outcome good = Call({"rules", "check", "--format", "json", defines, uses});
  EXPECT_EQ(good.status, kSuccess) << good.out;
  EXPECT_THAT(good.out,
              StartsWith(StrCat("[{\"file\":\"", defines, "\",\"ok\":true,\"errors\":[]")));
  const Outcome bad = Call({"rules", "check", uses});
  EXPECT_EQ(bad.status, kFailure);
  EXPECT_THAT(bad.out, HasSubstr(StrCat(uses, ":3:")));
  EXPECT_THAT(bad.err, IsEmpty());
}

TEST(CommandTest, ChecksRulesWithWhatTheAgentAdds) {
  const TemporaryDirectory directory;
  const std::string rules = StrCat(directory.path(), "/static.yaml");
  const std::string config = StrCat(directory.path(), "/agent.yaml");
  const auto configure = [&](std::string_view text) {
    return WriteFileAtomically(config, std::string(text), 0600).ok();
  };
  ASSERT_TRUE(WriteFileAtomically(rules,
                                  "- rule: r\n  desc: d\n  priority: INFO\n  output: o\n"
                                  "  condition: evt.type = execve and static.cluster = prod\n",
                                  0600)
                  .ok());
  EXPECT_THAT(Call({"rules", "check", rules}).out, HasSubstr("no field static.cluster"));
  ASSERT_TRUE(configure("static_fields: {cluster: prod}\n"));
  EXPECT_EQ(Call({"rules", "check", rules, "--agent-config", config}).status, kSuccess);
  ASSERT_TRUE(
      configure("static_fields: {cluster: prod}\n"
                "append_output: {all: {extra_output: \"%static.zone\"}}\n"));
  const Outcome zone = Call({"rules", "check", rules, "--agent-config", config});
  EXPECT_EQ(zone.status, kFailure);
  EXPECT_THAT(zone.out, HasSubstr("no field static.zone"));
  ASSERT_TRUE(configure("append_output: {all: {nonsense: x}}\n"));
  const Outcome wrong = Call({"rules", "check", rules, "--agent-config", config});
  EXPECT_EQ(wrong.status, kUsage);
  EXPECT_THAT(wrong.err, HasSubstr("append_output.all.nonsense"));
}

TEST(CommandTest, FailsOnWhatCannotBeRead) {
  const Outcome rules = Call({"rules", "check", "/no/such/file"});
  EXPECT_EQ(rules.status, kFailure);
  EXPECT_THAT(rules.out, HasSubstr("/no/such/file: No such file or directory"));
  EXPECT_THAT(rules.out, HasSubstr("[LOAD_ERR_FILE_READ]"));
  const Outcome agent = Call({"agent", "stats", "--state-dir", "/no/such/dir"});
  EXPECT_EQ(agent.status, kFailure);
  EXPECT_EQ(agent.err,
            "vaktctl: cannot reach the agent at /no/such/dir/admin.sock: No such file or "
            "directory; does vakt-agent run with --state-dir /no/such/dir?\n");
}

TEST(CommandTest, ListsFields) {
  EXPECT_THAT(Call({"fields", "--search", "PROC.NAME"}).out, HasSubstr("proc.name "));
  EXPECT_THAT(Call({"fields", "--search", "proc.name", "--format", "json"}).out,
              HasSubstr(R"({"name":"proc.name","type":"string","argument":"none",)"));
  EXPECT_THAT(Call({"fields", "--format", "markdown"}).out, HasSubstr("| `proc.name` | string |"));
  EXPECT_EQ(Call({"fields", "--search", "no such field"}).status, kFailure);
}

TEST(CommandTest, NoticesAFullDisk) {
  FILE* full = fopen("/dev/full", "w");
  ASSERT_NE(full, nullptr);
  char* text = nullptr;
  size_t size = 0;
  FILE* err = open_memstream(&text, &size);
  Console console(full, err, false);
  EXPECT_EQ(RunCommand(std::vector<std::string>{"version"}, console), kFailure);
  fclose(err);
  fclose(full);
  EXPECT_EQ(std::string(text, size),
            "vaktctl: cannot write to standard output: No space left on device\n");
  free(text);
}

}  // namespace
}  // namespace vakt
