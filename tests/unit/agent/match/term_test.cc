// SPDX-License-Identifier: Apache-2.0
#include "agent/match/term.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/base/strings.h"
#include "tests/unit/common/rulelang/rule_text.h"

namespace vakt {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

constexpr const char* kKinds[] = {"text", "number",  "prefix", "suffix",
                                  "path", "network", "part",   "ipart"};

// "decides" or "needs", then the terms; empty when there are none.
std::vector<std::string> TermsIn(std::string_view check) {
  const LoadResult result = LoadTexts({StrCat(
      "- rule: r\n  desc: d\n  output: o\n  priority: NOTICE\n  condition: >\n    ", check, "\n")});
  EXPECT_THAT(ErrorsOf(result), IsEmpty());
  if (!result.ok) return {};
  const Terms terms = TermsOf(*result.rules->rules[0].condition->check);
  std::vector<std::string> texts;
  if (!terms.terms.empty()) texts.push_back(terms.decide ? "decides" : "needs");
  for (const Term& term : terms.terms) {
    const bool number = term.kind == Term::Kind::kNumber;
    texts.push_back(
        StrCat(kKinds[static_cast<size_t>(term.kind)], number ? "" : " ", number ? "" : term.text));
  }
  return texts;
}

TEST(TermTest, Comparisons) {
  EXPECT_THAT(TermsIn("proc.name = nc"), ElementsAre("decides", "text nc"));
  EXPECT_THAT(TermsIn("proc.name in (nc, ncat)"), ElementsAre("decides", "text nc", "text ncat"));
  EXPECT_THAT(TermsIn("fd.sport in (22, 80)"), ElementsAre("decides", "number", "number"));
  EXPECT_THAT(TermsIn("fd.snet = \"10.128.0.0/9\""), ElementsAre("decides", "network 4000010101"));
  EXPECT_THAT(TermsIn("proc.name != nc"), IsEmpty());
  EXPECT_THAT(TermsIn("proc.name exists"), IsEmpty());
  EXPECT_THAT(TermsIn("fd.sport > 1024"), IsEmpty());
  EXPECT_THAT(TermsIn("proc.name = val(proc.pname)"), IsEmpty());
}

TEST(TermTest, Texts) {
  EXPECT_THAT(TermsIn("fd.name startswith /etc/"), ElementsAre("decides", "prefix /etc/"));
  EXPECT_THAT(TermsIn("fd.name endswith .so"), ElementsAre("decides", "suffix .so"));
  EXPECT_THAT(TermsIn("fd.name contains shadow"), ElementsAre("decides", "part shadow"));
  EXPECT_THAT(TermsIn("fd.name icontains Shadow"), ElementsAre("decides", "ipart Shadow"));
  EXPECT_THAT(TermsIn("fd.name contains sh"), IsEmpty());  // too common
  EXPECT_THAT(TermsIn("fd.name contains anyof (abc, sh)"), IsEmpty());
  EXPECT_THAT(TermsIn("fd.name contains allof (abc, def)"),
              ElementsAre("needs", "part abc", "part def"));
  EXPECT_THAT(TermsIn("fd.name startswith oneof (/a, /b)"),
              ElementsAre("needs", "prefix /a", "prefix /b"));
}

TEST(TermTest, LongTextsByTheirBeginning) {
  const std::string text(300, 'x');
  EXPECT_THAT(TermsIn(StrCat("proc.args contains ", text)),
              ElementsAre("needs", StrCat("part ", std::string(256, 'x'))));
}

TEST(TermTest, Globs) {
  EXPECT_THAT(TermsIn("fd.name glob /etc/*"), ElementsAre("decides", "prefix /etc/"));
  EXPECT_THAT(TermsIn("fd.name glob *.so"), ElementsAre("decides", "suffix .so"));
  EXPECT_THAT(TermsIn("fd.name glob *shadow**"), ElementsAre("decides", "part shadow"));
  EXPECT_THAT(TermsIn("fd.name glob /etc/passwd"), ElementsAre("decides", "text /etc/passwd"));
  EXPECT_THAT(TermsIn("fd.name glob /home/*/.ssh/id_?"), ElementsAre("needs", "part /.ssh/id_"));
  EXPECT_THAT(TermsIn("fd.name glob \"/etc/[ab]*.conf\""), ElementsAre("needs", "prefix /etc/"));
  EXPECT_THAT(TermsIn("fd.name glob \"*[ab]x\""), IsEmpty());
  EXPECT_THAT(TermsIn("fd.name glob *"), IsEmpty());
  EXPECT_THAT(TermsIn("fd.name iglob *Shadow*"), ElementsAre("decides", "ipart Shadow"));
  EXPECT_THAT(TermsIn("fd.name iglob /Etc/*"), ElementsAre("needs", "ipart /Etc/"));
}

TEST(TermTest, Paths) {
  EXPECT_THAT(TermsIn("fd.name pmatch (/etc, usr//lib/)"),
              ElementsAre("decides", "path /etc/", "path /usr/lib/"));
  EXPECT_THAT(TermsIn("fd.name pmatch (/home/*/.ssh)"), ElementsAre("needs", "path /home/"));
}

TEST(TermTest, RegularExpressions) {
  EXPECT_THAT(TermsIn("proc.args regex \".*--pool=[0-9]+.*\""),
              ElementsAre("needs", "ipart --pool="));
  EXPECT_THAT(TermsIn("proc.args regex \".*(miner|Stratum).*\""),
              UnorderedElementsAre("needs", "ipart miner", "ipart stratum"));
  EXPECT_THAT(TermsIn("proc.args regex \".*(miner)?\""), IsEmpty());
  EXPECT_THAT(TermsIn("proc.args regex \"[a-z]+\""), IsEmpty());
}

TEST(TermTest, PathKeys) {
  const auto key = [](std::string_view path) {
    std::string text = "x";
    SetPathKey(path, &text);
    return text;
  };
  EXPECT_EQ(key("/etc/ssh"), "/etc/ssh/");
  EXPECT_EQ(key("/etc/ssh/"), "/etc/ssh/");
  EXPECT_EQ(key("etc//ssh"), "/etc/ssh/");
  EXPECT_EQ(key("//etc"), "/etc/");
  EXPECT_EQ(key("/"), "/");
  EXPECT_EQ(key(""), "/");
}

}  // namespace
}  // namespace vakt
