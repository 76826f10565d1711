// SPDX-License-Identifier: Apache-2.0
// Sets of names and addresses, and lists that take items from a file.
#include "common/rulelang/item_set.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <set>
#include <string>

#include "common/base/file.h"
#include "common/base/strings.h"
#include "common/rulelang/eval.h"
#include "common/rulelang/load.h"
#include "tests/support/temporary_directory.h"

namespace vakt {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Value Address(const std::string& text) {
  IpAddress ip{.ipv6 = text.find(':') != std::string::npos};
  EXPECT_EQ(inet_pton(ip.ipv6 ? AF_INET6 : AF_INET, text.c_str(), ip.bytes.data()), 1);
  return Value::Ip(ip);
}

bool HasName(const ItemSet& set, std::string_view name) {
  return set.Contains(Value::String(name));
}

TEST(ItemSet, ANameHoldsWhatIsBelowIt) {
  const auto file =
      ItemSet::Parse("bad.example\n*.worse.example # a remark\n\n  .EVIL.example.\r\n");
  EXPECT_EQ(file.left_out_count, 0u);
  EXPECT_EQ(file.set->size(), 3u);
  for (const char* name :
       {"bad.example", "BAD.example.", "a.b.bad.example", "worse.example", "x.evil.example"}) {
    EXPECT_TRUE(HasName(*file.set, name)) << name;
  }
  for (const char* name : {"notbad.example", "example", "bad.example.org", "", ".", "bad"}) {
    EXPECT_FALSE(HasName(*file.set, name)) << name;
  }
  EXPECT_FALSE(HasName(*file.set, std::string(300, 'a') + ".bad.example"));
}

TEST(ItemSet, FingerprintsAreMetAsTheyAre) {
  const auto file = ItemSet::Parse(
      "t13d1516h2_8daaf6152771_e5627efa2ab1\nt12i0101H1_000000000000_000000000000\n"
      "q13d0312h3_55b375c5d22e_06cda9e17597 # QUIC\nt13d1516h2_8daaf6152771\n"
      "t13d1516h2_8daaf6152771_e5627efa2abx\nx13d1516h2_8daaf6152771_e5627efa2ab1\nbad.example\n");
  EXPECT_EQ(file.left_out, (std::vector<int>{4, 5, 6}));
  EXPECT_EQ(file.set->size(), 4u);
  for (const char* one :
       {"t13d1516h2_8daaf6152771_e5627efa2ab1", "t12i0101H1_000000000000_000000000000",
        "q13d0312h3_55b375c5d22e_06cda9e17597", "www.bad.example"}) {
    EXPECT_TRUE(HasName(*file.set, one)) << one;
  }
  for (const char* other : {"t13d1516h2_8daaf6152771_e5627efa2ab2", "t13d1516h2_8daaf6152771",
                            "t12i0101h1_000000000000_000000000000"}) {
    EXPECT_FALSE(HasName(*file.set, other)) << other;
  }
}

TEST(ItemSet, AddressesAndBlocks) {
  const auto file = ItemSet::Parse(
      "192.0.2.7\n10.0.0.0/8\n10.1.0.0/16\n2001:db8::/33\n::1\n255.255.255.255\n128.0.0.0/1\n");
  EXPECT_EQ(file.set->size(), 7u);
  for (const char* ip : {"192.0.2.7", "10.0.0.0", "10.255.255.255", "2001:db8:7fff::1", "::1",
                         "255.255.255.255", "128.0.0.0"}) {
    EXPECT_TRUE(file.set->Contains(Address(ip))) << ip;
  }
  for (const char* ip : {"11.0.0.0", "9.255.255.255", "2001:db8:8000::1", "::2", "127.0.0.1"}) {
    EXPECT_FALSE(file.set->Contains(Address(ip))) << ip;
  }
  EXPECT_FALSE(ItemSet::Parse("10.0.0.0/8").set->Contains(Address("2001:db8::1")));
  EXPECT_TRUE(ItemSet::Parse("0.0.0.0/0").set->Contains(Address("8.8.8.8")));
  EXPECT_TRUE(ItemSet::Parse("::/0").set->Contains(Address("ff::1")));
}

TEST(ItemSet, LinesThatAreNoItemsAreCountedAndTold) {
  std::string text = "bad.example\ncom\nhttp://x.example/\n10.0.0.0/33\n a..b \n-\n";
  auto file = ItemSet::Parse(text);
  EXPECT_EQ(file.set->size(), 1u);
  EXPECT_EQ(file.left_out_count, 5u);
  EXPECT_THAT(file.left_out, ElementsAre(2, 3, 4, 5, 6));
  EXPECT_FALSE(HasName(*file.set, "x.com"));
  for (int i = 0; i < 100; ++i) text += "?\n";
  file = ItemSet::Parse(text);
  EXPECT_EQ(file.left_out_count, 105u);
  EXPECT_EQ(file.left_out.size(), 10u);
}

TEST(ItemSet, AgreesWithASetOfStrings) {
  std::mt19937 random(3);
  std::set<std::string> names;
  std::string text;
  for (int i = 0; i < 20'000; ++i) {
    names.insert(StrCat("n", random() % 50'000, ".example"));
  }
  for (const std::string& name : names) text += name + "\n";
  const auto file = ItemSet::Parse(text);
  for (int i = 0; i < 50'000; ++i) {
    const std::string name = StrCat("n", i, ".example");
    ASSERT_EQ(HasName(*file.set, name), names.contains(name)) << name;
  }
}

TEST(ItemSet, AMillionAndNoMore) {
  std::string text;
  for (size_t i = 0; i < ItemSet::kMaxItems; ++i) text += StrCat("h", i, ".example.com\n");
  const auto file = ItemSet::Parse(text);
  ASSERT_NE(file.set, nullptr);
  EXPECT_EQ(file.set->size(), ItemSet::kMaxItems);
  EXPECT_LE(file.set->bytes(), ItemSet::kMaxItems * 9);
  EXPECT_TRUE(HasName(*file.set, "x.h999999.example.com"));
  EXPECT_FALSE(HasName(*file.set, "h1000000.example.com"));
  EXPECT_EQ(ItemSet::Parse(text + "one.more\n").set, nullptr);
}

class ItemsFileTest : public testing::Test {
 protected:
  LoadResult Load(const std::string& rules) {
    return LoadRules({{StrCat(directory_.path(), "/rules.yaml"), rules, ""}});
  }
  void Write(const std::string& items) {
    ASSERT_TRUE(WriteFileAtomically(StrCat(directory_.path(), "/bad.txt"), items, 0600).ok());
  }
  static std::string Rules(const std::string& file, const std::string& condition) {
    return StrCat("- list: bad\n  items_file: ", file, "\n  items: []\n",
                  "- list: more\n  items: [more.example]\n",
                  "- rule: r\n  desc: d\n  output: o\n  priority: DEBUG\n  condition: ", condition,
                  "\n");
  }
  TemporaryDirectory directory_;
};

TEST_F(ItemsFileTest, IsAskedByInAndChangesTheHash) {
  Write("bad.example\n203.0.113.0/24\nnonsense\n");
  const std::string rules = Rules(
      "bad.txt", "evt.type = flow and (flow.name in (bad, more, x.y) or not flow.rnet in (bad))");
  const LoadResult result = Load(rules);
  ASSERT_TRUE(result.ok) << result.files[0].errors[0].message;
  ASSERT_EQ(result.files[0].warnings.size(), 1u);
  EXPECT_THAT(result.files[0].warnings[0].message, HasSubstr("/bad.txt:3"));
  EXPECT_EQ(result.rules->file_items, 2u);
  EXPECT_EQ(result.rules->file_items_left_out, 1u);
  EXPECT_THAT(result.item_files, ElementsAre(HasSubstr("/bad.txt")));
  Event event;
  event.kind = Kind::network_flow;
  event.type = FindEventType("flow")->id;
  event.flow.has_addresses = true;
  event.flow.remote.address = {203, 0, 113, 9};
  Extractor scratch;
  const auto fires = [&] { return Evaluate(*result.rules->rules[0].condition, event, scratch); };
  EXPECT_FALSE(fires());
  event.flow.name_count = 1;
  for (const char* name : {"c2.bad.example", "more.example", "x.y"}) {
    event.flow.names[0].text = name;
    EXPECT_TRUE(fires()) << name;
  }
  event.flow.names[0].text = "a.more.example";
  EXPECT_FALSE(fires()) << "items in the rule file are texts, as ever";
  Write("other.example\n");
  EXPECT_NE(Load(rules).rules->hash, result.rules->hash);
}

TEST_F(ItemsFileTest, ErrorsSayWhatIsWrong) {
  const auto error = [&](const std::string& rules) {
    const LoadResult result = Load(rules);
    return result.ok ? std::string() : result.files[0].errors[0].message;
  };
  const std::string condition = "evt.type = flow and flow.name in (bad)";
  EXPECT_THAT(error(Rules("missing.txt", condition)), HasSubstr("missing.txt"));
  EXPECT_THAT(error(Rules("/etc/passwd", condition)), HasSubstr("beside the rule file"));
  EXPECT_THAT(error(Rules("../x.txt", condition)), HasSubstr("beside the rule file"));
  Write("bad.example\n");
  EXPECT_THAT(error(Rules("bad.txt", "evt.type = flow and flow.rport in (bad)")),
              HasSubstr("names and addresses"));
  EXPECT_THAT(error(Rules("bad.txt", "evt.type in (bad)")), HasSubstr("names and addresses"));
}

}  // namespace
}  // namespace vakt
