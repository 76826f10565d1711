// SPDX-License-Identifier: Apache-2.0
#include "common/config/config_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/base/status.h"

namespace vakt {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

std::string ErrorOf(std::string_view text) {
  return std::string(Message(ParseConfigFile("f.yaml", text).status()));
}

TEST(ParseConfigFile, FlattensNamesAndKeepsLines) {
  auto entries = ParseConfigFile("f.yaml",
                                 "# comment\n"
                                 "collector:\n"
                                 "  address: a:1\n"
                                 "rules:\n"
                                 "  paths: [x, \"y z\"]\n"
                                 "alerts: {format: json}\n");
  ASSERT_TRUE(entries.ok()) << entries.status();
  ASSERT_THAT(*entries, SizeIs(3));
  EXPECT_EQ((*entries)[0].name, "collector.address");
  EXPECT_THAT((*entries)[0].values, ElementsAre("a:1"));
  EXPECT_EQ((*entries)[0].line, 3);
  EXPECT_FALSE((*entries)[0].sequence);
  EXPECT_EQ((*entries)[1].name, "rules.paths");
  EXPECT_THAT((*entries)[1].values, ElementsAre("x", "y z"));
  EXPECT_TRUE((*entries)[1].sequence);
  EXPECT_EQ((*entries)[2].name, "alerts.format");
}

TEST(ParseConfigFile, TakesFilesWithoutSettings) {
  for (const char* text : {"", "# only a comment\n", "---\n", "{}\n"}) {
    auto entries = ParseConfigFile("f.yaml", text);
    ASSERT_TRUE(entries.ok()) << text << entries.status();
    EXPECT_THAT(*entries, IsEmpty()) << text;
  }
}

TEST(ParseConfigFile, TakesEmptyTextAndEmptyLists) {
  auto entries = ParseConfigFile("f.yaml", "a: {b: \"\", c: []}");
  ASSERT_TRUE(entries.ok()) << entries.status();
  ASSERT_THAT(*entries, SizeIs(2));
  EXPECT_THAT((*entries)[0].values, ElementsAre(""));
  EXPECT_THAT((*entries)[1].values, IsEmpty());
}

TEST(ParseConfigFile, RefusesWithFileAndLine) {
  EXPECT_THAT(ErrorOf("a:\n  b: 1\n  b: 2\n"),
              HasSubstr("f.yaml:3: 'a.b' is already given at line 2"));
  EXPECT_THAT(ErrorOf("a:\n  b:\n"), HasSubstr("'a.b' has no value"));
  EXPECT_THAT(ErrorOf("a: &x 1\nb: *x\n"), HasSubstr("f.yaml:2: aliases"));
  EXPECT_THAT(ErrorOf("a: [[1]]\n"), HasSubstr("f.yaml:1: a list in a list"));
  EXPECT_THAT(ErrorOf("a: [{b: 1}]\n"), HasSubstr("a mapping in a list"));
  EXPECT_THAT(ErrorOf("? {a: 1}\n: 2\n"), HasSubstr("cannot be a name"));
  EXPECT_THAT(ErrorOf("? [a]\n: 2\n"), HasSubstr("expected `name: value`"));
  EXPECT_THAT(ErrorOf("just text\n"), HasSubstr("expected `name: value`"));
  EXPECT_THAT(ErrorOf("- a\n"), HasSubstr("expected `name: value`"));
  EXPECT_THAT(ErrorOf("a: 1\n---\nb: 2\n"), HasSubstr("more than one YAML document"));
  EXPECT_THAT(ErrorOf("a: [1\n"), HasSubstr("f.yaml:"));
}

TEST(ParseConfigFile, RefusesWhatIsNoText) {
  EXPECT_THAT(ErrorOf(std::string_view("a: 1\0", 5)), HasSubstr("UTF-8"));
  EXPECT_THAT(ErrorOf("a: \xff\n"), HasSubstr("UTF-8"));
  EXPECT_THAT(ErrorOf(std::string(2 << 20, ' ')), HasSubstr("at most"));
}

TEST(ParseConfigFile, BoundsDepth) {
  std::string text;
  for (int i = 0; i < 10'000; ++i) text += "{a: ";
  EXPECT_THAT(ErrorOf(text), HasSubstr("f.yaml:1: "));
  text += "1" + std::string(10'000, '}');
  EXPECT_THAT(ErrorOf(text), HasSubstr("f.yaml:1: "));
  EXPECT_THAT(ErrorOf("{a: {a: {a: {a: {a: {a: {a: {a: {a: 1}}}}}}}}}"),
              HasSubstr("nested deeper"));
}

}  // namespace
}  // namespace vakt
