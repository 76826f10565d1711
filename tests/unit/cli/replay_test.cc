// SPDX-License-Identifier: Apache-2.0
// vaktctl replay, from a recording made here to the lines that come out.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "cli/command.h"
#include "cli/verbs.h"
#include "common/base/file.h"
#include "common/base/strings.h"
#include "common/event_codec/event_codec.h"
#include "common/recording/recording.h"
#include "common/ruletest/rule_case.h"
#include "tests/support/temporary_directory.h"
#include "tests/unit/cli/captured_console.h"

namespace vakt {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

constexpr std::string_view kRules = R"(
- rule: A shell
  desc: d
  condition: evt.type = execve and proc.name = sh
  output: shell %proc.cmdline by %user.name
  priority: WARNING
- rule: Any program
  desc: d
  condition: evt.type = execve
  output: program %proc.name
  priority: DEBUG
)";
constexpr std::string_view kStory = R"(
tests:
  - rule: A shell
    name: a recording
    expect: fire
    events:
      - process_seed: {pid: 50, exe: /usr/sbin/nginx, uid: 33}
      - process_exec: {pid: 51, ppid: 50, exe: /bin/sh, argv: [sh, -c, id]}
      - process_exec: {pid: 52, ppid: 50, exe: /bin/ls}
)";

class ReplayTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(WriteFileAtomically(rules(), kRules, 0600).ok());
    Record();
  }

  std::string rules() const { return StrCat(directory_.path(), "/rules.yaml"); }
  std::string recording() const { return StrCat(directory_.path(), "/events.vakt"); }

  // Runs the words; expects success and no notes but `notes`.
  std::string Out(const std::vector<std::string>& words, std::string_view notes = "") {
    CapturedConsole console;
    EXPECT_EQ(RunCommand(words, console.get()), kSuccess);
    EXPECT_EQ(console.err(), notes);
    return console.out();
  }

  void Record(uint64_t gap_count = 0) {
    v1::NodeFacts node;
    node.set_hostname("node-1");
    node.set_boot_id("3f1a0000-0000-4000-8000-000000000000");
    node.set_epoch(7);
    v1::NodeFacts::Account& user = *node.add_users();
    user.set_id(33);
    user.set_name("www-data");
    unlink(recording().c_str());
    auto writer = RecordingWriter::Create(recording(), node);
    ASSERT_TRUE(writer.ok()) << writer.status();
    const auto cases = ParseRuleTests("story", kStory);
    ASSERT_TRUE(cases.ok()) << cases.status();
    for (const v1::Event& message : cases->front().events) {
      std::string argv;
      Event event;
      ASSERT_TRUE(EventFromProto(message, &argv, &event));
      ASSERT_TRUE((*writer)->Add(event).ok());
    }
    v1::Gap gap;
    gap.set_count(gap_count);
    if (gap_count > 0) {
      ASSERT_TRUE((*writer)->AddGap(gap).ok());
    }
    ASSERT_TRUE((*writer)->Close().ok());
  }

  const TemporaryDirectory directory_;
};

TEST_F(ReplayTest, PrintsFalcosJsonUnlessAskedOtherwise) {
  const std::string json = Out({"replay", recording(), "--rules", rules()});
  EXPECT_THAT(json, AllOf(StartsWith("{\"hostname\":\"node-1\""),
                          HasSubstr("Warning shell sh -c id by www-data"),
                          HasSubstr("\"uid\":\"3f1a0000000040008000000000000000-7-1\""),
                          HasSubstr("Debug program ls")));
  EXPECT_THAT(Out({"replay", recording(), "--rules", rules(), "--format", "human"}),
              HasSubstr(" Warning A shell: shell sh -c id by www-data "));
}

TEST_F(ReplayTest, GivesTheSameBytesEachTime) {
  const std::vector<std::string> words = {"replay", recording(), "--rules", rules()};
  EXPECT_EQ(Out(words), Out(words));
}

TEST_F(ReplayTest, WritesToAFile) {
  const std::string file = StrCat(directory_.path(), "/alerts");
  const std::string printed = Out({"replay", recording(), "--rules", rules()});
  EXPECT_THAT(Out({"replay", recording(), "--rules", rules(), "--alerts", file}), IsEmpty());
  EXPECT_EQ(*ReadFile(file), printed);
}

TEST_F(ReplayTest, MatchesAsTheAgentIsTold) {
  const auto lines = [](const std::string& text) {
    return std::count(text.begin(), text.end(), '\n');
  };
  const std::vector<std::string> words = {"replay", recording(), "--rules", rules()};
  EXPECT_EQ(lines(Out(words)), 2);
  std::vector<std::string> all = words;
  all.insert(all.end(), {"--rule-matching", "all"});
  EXPECT_EQ(lines(Out(all)), 3);
  std::vector<std::string> severe = words;
  severe.insert(severe.end(), {"--min-priority", "warning"});
  EXPECT_EQ(lines(Out(severe)), 1);
}

TEST_F(ReplayTest, ThrottledAlertsAreToldAtTheEnd) {
  constexpr std::string_view kThrottled = R"(
- rule: Any program
  desc: d
  condition: evt.type = execve
  output: program %proc.name
  priority: DEBUG
  tags: [t]
  throttle: {per: 1h, by: [user.name]}
)";
  ASSERT_TRUE(WriteFileAtomically(rules(), kThrottled, 0600).ok());
  const std::string printed = Out({"replay", recording(), "--rules", rules()});
  EXPECT_THAT(printed, HasSubstr("program sh"));
  EXPECT_THAT(printed, Not(HasSubstr("program ls")));
  EXPECT_THAT(printed, HasSubstr("Debug suppressed 1 in 0s user.name=www-data"));
  EXPECT_THAT(printed, HasSubstr(R"("suppressed":1)"));
  EXPECT_THAT(printed, HasSubstr(R"("tags":["t"])"));
}

TEST_F(ReplayTest, CorrelateWaitsForAllEventsInEitherMode) {
  constexpr std::string_view kChain = R"(
- rule: Chain
  desc: d
  condition: evt.type = execve and proc.name = sh
  output: chain ends in %proc.name
  priority: DEBUG
  correlate: {within: 1m, by: [user.name], then: [evt.type = execve and proc.name = ls]}
- rule: Any program
  desc: d
  condition: evt.type = execve
  output: program %proc.name
  priority: DEBUG
- rule: Hidden
  desc: d
  condition: evt.type = execve
  output: hidden
  priority: DEBUG
)";
  ASSERT_TRUE(WriteFileAtomically(rules(), kChain, 0600).ok());
  const std::vector<std::string> words = {"replay", recording(), "--rules",
                                          rules(),  "--format",  "human"};
  const std::string first = Out(words);
  EXPECT_THAT(first, AllOf(HasSubstr("Chain: chain ends in ls"), HasSubstr("program sh"),
                           HasSubstr("program ls"), Not(HasSubstr("hidden")),
                           Not(HasSubstr("chain ends in sh"))));
  std::vector<std::string> all = words;
  all.insert(all.end(), {"--rule-matching", "all"});
  EXPECT_THAT(Out(all), AllOf(HasSubstr("chain ends in ls"), HasSubstr("hidden")));
}

class RulesDiffTest : public ReplayTest {
 protected:
  int Diff(const std::vector<std::string>& words) {
    CapturedConsole console;
    std::vector<std::string> all = {"rules", "diff"};
    all.insert(all.end(), words.begin(), words.end());
    const int status = RunCommand(all, console.get());
    out_ = console.out();
    err_ = console.err();
    return status;
  }

  std::string out_;
  std::string err_;
};

TEST_F(RulesDiffTest, ShowsNewAndLostAlerts) {
  const std::string other = StrCat(directory_.path(), "/other.yaml");
  constexpr std::string_view kOther = R"(
- rule: A shell
  desc: d
  condition: evt.type = execve and proc.name = sh
  output: said otherwise
  priority: WARNING
- rule: A listing
  desc: d
  condition: evt.type = execve and proc.name = ls
  output: listing %proc.name
  priority: DEBUG
)";
  ASSERT_TRUE(WriteFileAtomically(other, kOther, 0600).ok());
  EXPECT_EQ(Diff({rules(), rules(), "--recording", recording()}), 0);
  EXPECT_EQ(out_, "0 new, 0 lost\n");
  EXPECT_EQ(Diff({rules(), other, "--recording", recording()}), 1);
  EXPECT_THAT(out_, AllOf(HasSubstr("- "), HasSubstr("Any program: program sh"),
                          HasSubstr("A listing: listing ls"), HasSubstr("1 new, 2 lost"),
                          Not(HasSubstr("A shell"))));
  EXPECT_EQ(Diff({rules(), other, "--recording", recording(), "--rule-matching", "first",
                  "--format", "json"}),
            1);
  EXPECT_THAT(out_, AllOf(StartsWith("{\"new\":[{"), HasSubstr("\"lost\":[{")));
}

TEST_F(RulesDiffTest, ErrorsAreNoDifferences) {
  EXPECT_EQ(Diff({rules(), rules()}), 2);
  EXPECT_THAT(err_, HasSubstr("--recording is missing"));
  EXPECT_EQ(Diff({rules(), rules(), "--recording", directory_.path() + "/none"}), 2);
  EXPECT_EQ(Diff({rules(), directory_.path() + "/none", "--recording", recording()}), 2);
}

TEST_F(ReplayTest, CoverageNamesTechniques) {
  constexpr std::string_view kTechniques = R"(
- rule: One
  desc: d
  condition: evt.type = execve
  output: o
  priority: DEBUG
  attack: {version: "17.1", techniques: [T1059.004, T1105]}
- rule: Two
  desc: d
  condition: evt.type = openat
  output: o
  priority: DEBUG
  tags: [T1105, mitre_execution]
)";
  ASSERT_TRUE(WriteFileAtomically(rules(), kTechniques, 0600).ok());
  const std::string layer = Out({"rules", "coverage", rules(), "--format", "json"});
  EXPECT_THAT(layer, AllOf(HasSubstr(R"("versions":{"attack":"17","navigator":)"),
                           HasSubstr(R"("domain":"enterprise-attack")"),
                           HasSubstr(R"({"techniqueID":"T1059.004","score":1,"comment":"One")"),
                           HasSubstr(R"({"techniqueID":"T1105","score":2,)"),
                           Not(HasSubstr("mitre_execution"))));
  EXPECT_THAT(Out({"rules", "coverage", rules()}), HasSubstr("One; Two"));
}

TEST_F(ReplayTest, CoverageNamesControlsInTheOrderOfTheirNumbers) {
  constexpr std::string_view kControls = R"(
- rule: One
  desc: d
  condition: evt.type = execve
  output: o
  priority: DEBUG
  controls:
    - {framework: pci-dss, version: 4.0.1, id: 10.2.1, strength: evidences}
    - {framework: pci-dss, version: 4.0.1, id: 5.3.2, strength: detects}
- rule: Two | three
  desc: d
  condition: evt.type = openat
  output: o
  priority: DEBUG
  controls:
    - {framework: pci-dss, version: 4.0.1, id: 10.2.1, strength: detects}
    - {framework: nis2, version: 2022/2555, id: 21(2)(b), strength: supports}
)";
  ASSERT_TRUE(WriteFileAtomically(rules(), kControls, 0600).ok());
  const std::string page = Out({"rules", "coverage", rules(), "--format", "markdown"});
  EXPECT_THAT(page, HasSubstr("## nis2 2022/2555\n\n| Control | Rules |\n|---|---|\n"
                              "| 21(2)(b) | supports: Two \\| three |\n"));
  EXPECT_THAT(page, HasSubstr("| 5.3.2 | detects: One |\n"
                              "| 10.2.1 | detects: Two \\| three. evidences: One |\n"));
  EXPECT_THAT(Out({"rules", "coverage", rules()}), HasSubstr("evidences: One"));
}

TEST_F(ReplayTest, TakesRulesInEachForm) {
  const std::string more = StrCat(directory_.path(), "/more.yaml");
  ASSERT_TRUE(WriteFileAtomically(more, "- macro: m\n  condition: evt.type = execve\n", 0600).ok());
  const std::string expected = Out({"replay", recording(), "--rules", rules(), more});
  EXPECT_EQ(Out({"replay", recording(), "--rules", rules(), "--rules", more}), expected);
  EXPECT_EQ(Out({"replay", recording(), "--rules", StrCat(rules(), ",", more)}), expected);
}

TEST_F(ReplayTest, SaysWhatTheRecordingMissed) {
  Record(/*gap_count=*/5);
  Out({"replay", recording(), "--rules", rules()},
      "vaktctl: the recording has 1 gaps: 5 events were not seen when it was made\n");
}

TEST_F(ReplayTest, FailsOnABrokenRecordingAndOnBrokenRules) {
  CapturedConsole console;
  EXPECT_EQ(
      RunCommand(std::vector<std::string>{"replay", rules(), "--rules", rules()}, console.get()),
      kFailure);
  EXPECT_THAT(console.err(), HasSubstr(rules()));
  ASSERT_TRUE(WriteFileAtomically(rules(), "- rule: r\n", 0600).ok());
  CapturedConsole refused;
  EXPECT_EQ(RunCommand(std::vector<std::string>{"replay", recording(), "--rules", rules()},
                       refused.get()),
            kFailure);
  EXPECT_THAT(refused.err(), HasSubstr(StrCat(rules(), ":1:")));
}

}  // namespace
}  // namespace vakt
