// SPDX-License-Identifier: Apache-2.0
#include "agent/flow/segments.h"

#include <gtest/gtest.h>

#include "common/base/status.h"

namespace vakt {
namespace {

constexpr char kFile[] = R"(segments:
  - name: payments
    namespaces: [pay, vault]
    blocks: [10.20.0.0/16, "fd00:20::/32"]
  - name: office
    namespaces: [crm]
apart:
  - [payments, office]
)";

TEST(Segments, ByNamespaceThenByAddress) {
  const Segments segments = Segments::Parse("s.yaml", kFile).value();
  EXPECT_EQ(segments.Find("pay", ""), "payments");
  EXPECT_EQ(segments.Find("crm", "\x0a\x14\x01\x02"), "office") << "the namespace says more";
  EXPECT_EQ(segments.Find("", "\x0a\x14\x01\x02"), "payments");
  EXPECT_EQ(segments.Find("other", "\x0a\x15\x01\x02"), "");
  EXPECT_EQ(segments.Find("", ""), "");
  EXPECT_TRUE(segments.Apart("office", "payments"));
  EXPECT_TRUE(segments.Apart("payments", "office"));
  EXPECT_FALSE(segments.Apart("payments", "payments"));
  EXPECT_FALSE(segments.Apart("", ""));
  EXPECT_TRUE(Segments().empty());
}

TEST(Segments, ErrorsSayWhere) {
  const auto error = [](std::string_view yaml) {
    return std::string(Message(Segments::Parse("s.yaml", yaml).status()));
  };
  EXPECT_EQ(error("segments:\n  - name: a\n    blocks: [10.0.0.0/33]\n"),
            "s.yaml:3: \"10.0.0.0/33\" is no block such as 10.0.0.0/8");
  EXPECT_EQ(error("segments: []\napart:\n  - [a, b]\n"), "s.yaml:3: there is no segment a");
  EXPECT_EQ(error("segments:\n  - namespaces: [a]\n"), "s.yaml:2: the segment has no name");
  EXPECT_EQ(error("x: 1\n"), "s.yaml:1: expected segments: or apart:");
  EXPECT_NE(error("[").find("s.yaml:"), std::string::npos);
}

}  // namespace
}  // namespace vakt
