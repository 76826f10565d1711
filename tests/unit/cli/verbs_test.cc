// SPDX-License-Identifier: Apache-2.0
#include "cli/verbs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "cli/command.h"
#include "cli/help.h"
#include "common/base/strings.h"
#include "tests/unit/cli/captured_console.h"

namespace vakt {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

// One test for each row of the table.
class EveryVerbTest : public ::testing::TestWithParam<size_t> {
 protected:
  const Verb& verb() const { return AllVerbs()[GetParam()]; }
};

TEST_P(EveryVerbTest, IsComplete) {
  EXPECT_FALSE(verb().noun.empty());
  EXPECT_TRUE(verb().text.ends_with('.')) << verb().text;
  EXPECT_NE(verb().run, nullptr);
  EXPECT_LE(verb().min_operands, verb().max_operands);
  EXPECT_EQ(verb().operands.empty(), verb().max_operands == 0);
  EXPECT_EQ(FindVerb(verb().noun, verb().name), &verb());
}

TEST_P(EveryVerbTest, FlagsAreWellFormed) {
  std::set<std::string_view> names;
  for (const FlagRow& flag : FlagsOf(verb())) {
    EXPECT_TRUE(flag.name.starts_with("--")) << flag.name;
    EXPECT_TRUE(flag.text.ends_with('.')) << flag.name;
    EXPECT_TRUE(names.insert(flag.name).second) << flag.name << " is there twice";
    EXPECT_EQ(flag.type == FlagType::kChoice, !flag.choices.empty()) << flag.name;
  }
}

TEST_P(EveryVerbTest, HelpNamesEveryFlag) {
  std::vector<std::string> words = {std::string(verb().noun), "--help"};
  if (!verb().name.empty()) words.insert(words.begin() + 1, std::string(verb().name));
  CapturedConsole console;
  EXPECT_EQ(RunCommand(words, console.get()), kSuccess);
  for (const std::string& help : {console.out(), GeneralHelp()}) {
    EXPECT_THAT(help, HasSubstr(VerbTitle(verb())));
    EXPECT_THAT(help, HasSubstr(std::string(verb().text)));
    for (const FlagRow& flag : FlagsOf(verb())) {
      EXPECT_THAT(help, HasSubstr(StrCat("  ", flag.name)));
      EXPECT_THAT(help, HasSubstr(std::string(flag.text)));
    }
  }
  EXPECT_THAT(console.err(), IsEmpty());
}

TEST_P(EveryVerbTest, RefusesAnUnknownFlag) {
  std::vector<std::string> words = {std::string(verb().noun), "--no-such-flag"};
  if (!verb().name.empty()) words.insert(words.begin() + 1, std::string(verb().name));
  CapturedConsole console;
  EXPECT_EQ(RunCommand(words, console.get()), kUsage);
  EXPECT_EQ(console.err(), StrCat("vaktctl: unknown flag --no-such-flag: see vaktctl ",
                                  VerbTitle(verb()), " --help\n"));
}

INSTANTIATE_TEST_SUITE_P(Table, EveryVerbTest, ::testing::Range<size_t>(0, AllVerbs().size()),
                         [](const auto& param) {
                           std::string name = VerbTitle(AllVerbs()[param.param]);
                           std::replace(name.begin(), name.end(), ' ', '_');
                           return name;
                         });

TEST(VerbsTest, SameFlagMeansTheSameType) {
  std::map<std::string, FlagType> types;
  for (const Verb& verb : AllVerbs()) {
    for (const FlagRow& flag : FlagsOf(verb)) {
      const auto [known, is_new] = types.emplace(flag.name, flag.type);
      EXPECT_EQ(known->second, flag.type) << flag.name;
    }
  }
}

TEST(VerbsTest, CompletionNamesEveryVerbAndFlag) {
  CapturedConsole console;
  ASSERT_EQ(RunCommand(std::vector<std::string>{"completion", "bash"}, console.get()), kSuccess);
  for (const Verb& verb : AllVerbs()) {
    EXPECT_THAT(console.out(), HasSubstr(StrCat("\"", VerbTitle(verb), "\") words=")));
    for (const FlagRow& flag : FlagsOf(verb)) {
      EXPECT_THAT(console.out(), HasSubstr(std::string(flag.name)));
    }
  }
}

}  // namespace
}  // namespace vakt
