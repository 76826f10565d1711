// SPDX-License-Identifier: Apache-2.0
#include "common/rulelang/text_match.h"

#include <fnmatch.h>
#include <gtest/gtest.h>

#include <random>
#include <string>

namespace vakt {
namespace {

TEST(GlobMatchTest, DoesWhatFnmatchDoes) {
  struct Case {
    std::string pattern;
    std::string text;
    bool matches;
  };
  const Case cases[] = {{"", "", true},
                        {"*", "", true},
                        {"*", "a/b", true},
                        {"?", "/", true},
                        {"/etc/*", "/etc/a/b", true},
                        {"a*b*c", "aXbYc", true},
                        {"a*b*c", "aXbY", false},
                        {"[a-c]x", "bx", true},
                        {"[!a-c]x", "bx", false},
                        {"[^a]", "b", true},
                        {"[]]", "]", true},
                        {"[[:digit:]]", "7", true},
                        {"[", "[", true},
                        {"\\*", "*", true},
                        {"\\*", "x", false},
                        {"*.log", ".log", true},
                        {"a\\", "a", false}};
  for (const Case& c : cases) {
    EXPECT_EQ(GlobMatch(c.pattern, c.text), c.matches) << c.pattern << " on " << c.text;
    EXPECT_EQ(fnmatch(c.pattern.c_str(), c.text.c_str(), 0) == 0, c.matches) << c.pattern;
  }
}

TEST(GlobMatchTest, AgreesWithFnmatchOnRandomPatterns) {
  std::mt19937 random(1);
  const std::string alphabet = "ab/*?[]!-\\";
  const auto word = [&](size_t letters, size_t most) {
    std::string text;
    for (size_t n = random() % (most + 1); n > 0; --n) text += alphabet[random() % letters];
    return text;
  };
  for (int i = 0; i < 200000; ++i) {
    const std::string pattern = word(alphabet.size() - 1, 8);  // escapes: see above
    const std::string text = word(3, 8);
    // Ranges such as [b-a] and sets that do not end are where C libraries differ.
    if (pattern.find('[') != std::string::npos) continue;
    ASSERT_EQ(GlobMatch(pattern, text), fnmatch(pattern.c_str(), text.c_str(), 0) == 0)
        << pattern << " on " << text;
  }
}

TEST(GlobMatchTest, IgnoresCaseOnRequest) {
  EXPECT_FALSE(GlobMatch("*SH", "bash"));
  EXPECT_TRUE(GlobMatch("*SH", "bash", Case::kIgnore));
  EXPECT_TRUE(GlobMatch("[A-C]*", "bash", Case::kIgnore));
}

TEST(GlobMatchTest, TakesNoExponentialTime) {
  std::string pattern;
  for (int i = 0; i < 1000; ++i) pattern += "*a";
  EXPECT_FALSE(GlobMatch(pattern + "b", std::string(4000, 'a')));
}

TEST(PathStartsWithTest, ComparesComponents) {
  EXPECT_TRUE(PathStartsWith("/opt/a", "/opt"));
  EXPECT_TRUE(PathStartsWith("/opt", "/opt/"));
  EXPECT_TRUE(PathStartsWith("//opt///a", "/opt/a"));
  EXPECT_FALSE(PathStartsWith("/optional", "/opt"));
  EXPECT_FALSE(PathStartsWith("/opt", "/opt/a"));
  EXPECT_TRUE(PathStartsWith("/anything", "/"));
  EXPECT_TRUE(PathStartsWith("/home/alice/.ssh/id", "/home/*/.ssh"));
  EXPECT_FALSE(PathStartsWith("/home/a/b/.ssh", "/home/*/.ssh"));
}

TEST(ContainsTextTest, KnowsCase) {
  EXPECT_TRUE(ContainsText("Hello", "ell"));
  EXPECT_FALSE(ContainsText("Hello", "ELL"));
  EXPECT_TRUE(ContainsText("Hello", "ELL", Case::kIgnore));
  EXPECT_TRUE(ContainsText("", "", Case::kIgnore));
  EXPECT_TRUE(ContainsText("a", "", Case::kIgnore));
}

}  // namespace
}  // namespace vakt
