// SPDX-License-Identifier: Apache-2.0
#include "agent/match/affix_tree.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <set>

#include "agent/match/term.h"

namespace vakt {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

template <typename Tree>
std::vector<uint32_t> Find(const Tree& tree, std::string_view text) {
  std::vector<uint32_t> ids;
  tree.Find(text, &ids);
  return ids;
}

TEST(AffixTreeTest, FindsPrefixesShortestFirst) {
  PrefixTree tree;
  EXPECT_TRUE(tree.empty());
  tree.Add("/etc/ssh/", 2);
  tree.Add("/etc/", 1);
  tree.Add("/usr/", 3);
  tree.Add(std::string_view("a\0b", 3), 4);
  tree.Freeze();
  EXPECT_FALSE(tree.empty());
  EXPECT_THAT(Find(tree, "/etc/ssh/key"), ElementsAre(1, 2));
  EXPECT_THAT(Find(tree, "/etc/ssh"), ElementsAre(1));
  EXPECT_THAT(Find(tree, "/usr/"), ElementsAre(3));
  EXPECT_THAT(Find(tree, std::string_view("a\0bc", 4)), ElementsAre(4));
  EXPECT_THAT(Find(tree, "/et"), IsEmpty());
  EXPECT_THAT(Find(tree, ""), IsEmpty());
}

TEST(AffixTreeTest, TheEmptyTextIsPartOfAll) {
  PrefixTree tree;
  tree.Add("", 7);
  tree.Freeze();
  EXPECT_THAT(Find(tree, ""), ElementsAre(7));
  EXPECT_THAT(Find(tree, "x"), ElementsAre(7));
}

TEST(AffixTreeTest, FindsSuffixes) {
  SuffixTree tree;
  tree.Add(".conf", 1);
  tree.Add("a.conf", 2);
  tree.Freeze();
  EXPECT_THAT(Find(tree, "/etc/a.conf"), ElementsAre(1, 2));
  EXPECT_THAT(Find(tree, "conf"), IsEmpty());
}

// Texts of few letters, so that they share much; more than 16 letters in a row at some node.
TEST(AffixTreeTest, AgreesWithTryingEach) {
  std::mt19937 random(1);
  const auto text = [&](size_t most, unsigned letters) {
    std::string made(random() % (most + 1), 'a');
    for (char& c : made) c = static_cast<char>('a' + random() % letters);
    return made;
  };
  for (const unsigned letters : {2u, 25u}) {
    std::set<std::string> texts;
    for (int i = 0; i < 400; ++i) texts.insert(text(8, letters));
    PrefixTree prefixes;
    SuffixTree suffixes;
    uint32_t id = 0;
    for (const std::string& t : texts) {
      prefixes.Add(t, id);
      suffixes.Add(t, id++);
    }
    prefixes.Freeze();
    suffixes.Freeze();
    for (int i = 0; i < 1000; ++i) {
      const std::string value = text(12, letters);
      std::vector<uint32_t> begins, ends;
      id = 0;
      for (const std::string& t : texts) {
        if (value.starts_with(t)) begins.push_back(id);
        if (value.ends_with(t)) ends.push_back(id);
        ++id;
      }
      EXPECT_THAT(Find(prefixes, value), testing::UnorderedElementsAreArray(begins)) << value;
      EXPECT_THAT(Find(suffixes, value), testing::UnorderedElementsAreArray(ends)) << value;
    }
  }
}

// FindPath reads a path as its key would be, without making the key.
TEST(AffixTreeTest, FindsPathsAsTheirKeysWouldBeFound) {
  std::mt19937 random(2);
  const auto text = [&](size_t most) {
    std::string made(random() % (most + 1), '/');
    for (char& c : made) c = "//ab\0"[random() % 6];
    return made;
  };
  PrefixTree tree;
  std::set<std::string> keys;
  for (int i = 0; i < 200; ++i) {
    std::string key;
    SetPathKey(text(6), &key);
    keys.insert(key);
  }
  uint32_t id = 0;
  for (const std::string& key : keys) tree.Add(key, id++);
  tree.Freeze();
  for (int i = 0; i < 5000; ++i) {
    const std::string path = text(10);
    std::string key;
    SetPathKey(path, &key);
    std::vector<uint32_t> found;
    tree.FindPath(path, &found);
    EXPECT_EQ(found, Find(tree, key)) << path;
  }
}

}  // namespace
}  // namespace vakt
