// SPDX-License-Identifier: Apache-2.0
#include "common/base/shared_string.h"

#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"

namespace vakt {
namespace {

using std::string_view_literals::operator""sv;

TEST(SharedStringTest, CopiesShareAndOutliveTheOriginal) {
  SharedString copy;
  {
    SharedString original("program"sv);
    copy = original;
    EXPECT_TRUE(copy.SharesWith(original));
    EXPECT_EQ(copy.data(), original.data());
  }
  EXPECT_EQ(copy, "program");
}

TEST(SharedStringTest, AssignmentReplacesAndMoveEmpties) {
  SharedString a("one"sv);
  SharedString b = a;
  a = "two";
  EXPECT_EQ(a, "two");
  EXPECT_EQ(b, "one");
  a = std::move(b);
  EXPECT_EQ(a, "one");
  EXPECT_TRUE(b.empty());
  SharedString& same = a;
  a = same;
  EXPECT_EQ(a, "one");
  a = std::string_view();
  EXPECT_TRUE(a.empty());
  EXPECT_EQ(a.size(), 0u);
}

TEST(SharedStringTest, ComparesByContent) {
  EXPECT_EQ(SharedString("x"sv), SharedString("x"sv));
  EXPECT_FALSE(SharedString("x"sv) == SharedString("y"sv));
  EXPECT_EQ(SharedString(), "");
  EXPECT_EQ(SharedString("a\0b"sv).size(), 3u);
}

TEST(SharedStringTest, IsOnePointer) {
  static_assert(sizeof(SharedString) == sizeof(void*));
  static_assert(sizeof(StringList) == sizeof(void*));
}

TEST(StringListTest, Strings) {
  const StringList list({"ls", "", "-l"});
  ASSERT_EQ(list.size(), 3u);
  EXPECT_EQ(list.front(), "ls");
  EXPECT_EQ(list[1], "");
  EXPECT_EQ(list[2], "-l");
  EXPECT_EQ(list.Joined(), "ls  -l");
  EXPECT_EQ(list.Joined(1), " -l");
  EXPECT_EQ(list.Joined(2), "-l");
  EXPECT_EQ(list.Joined(3), "");
}

TEST(StringListTest, FromNulSeparated) {
  EXPECT_TRUE(StringList::FromNulSeparated("").empty());
  EXPECT_EQ(StringList::FromNulSeparated("a\0b\0"sv), StringList({"a", "b"}));
  EXPECT_EQ(StringList::FromNulSeparated("a\0b"sv), StringList({"a", "b"}));
  EXPECT_EQ(StringList::FromNulSeparated("\0"sv), StringList({""}));
  EXPECT_EQ(StringList::FromNulSeparated("a\0\0"sv), StringList({"a", ""}));
}

TEST(StringListTest, SpacesAndSeparatorsAreToldApart) {
  EXPECT_FALSE(StringList({"a b"}) == StringList({"a", "b"}));
  EXPECT_EQ(StringList({"a b"}).Joined(), StringList({"a", "b"}).Joined());
}

TEST(StringListTest, ViewsOutliveTheListThatMadeThem) {
  StringList copy;
  std::string_view args;
  {
    const StringList list({"sh", "-c", "id"});
    args = list.Joined(1);
    copy = list;
  }
  EXPECT_EQ(args, "-c id");
}

TEST(StringListTest, EmptyList) {
  EXPECT_EQ(StringList().size(), 0u);
  EXPECT_EQ(StringList().Joined(), "");
  EXPECT_EQ(StringList({}), StringList());
}

}  // namespace
}  // namespace vakt
