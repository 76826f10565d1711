// SPDX-License-Identifier: Apache-2.0
#include "symbols/alert_frames.h"

#include <string>
#include <string_view>

#include "gtest/gtest.h"

namespace vakt {
namespace {

constexpr std::string_view kId = "93ac61ec5a8eb1396f9fbd350e3169a558528a40";

std::string Frames(const std::string& frames) {
  return R"({"rule":"x","event":{"type":"ptrace","user_stack":{"frames":)" + frames + "}}}";
}

TEST(AlertFramesTest, TheFramesOfAnAlertInTheirOrder) {
  const auto frames = FramesOfAlert(Frames(R"([{"build_id":")" + std::string(kId) +
                                           R"(","offset":18446744073709551615},{"offset":7}])"));
  ASSERT_TRUE(frames.ok()) << frames.status();
  ASSERT_EQ(frames->size(), 2u);
  EXPECT_EQ((*frames)[0].build_id, kId);
  EXPECT_EQ((*frames)[0].offset, ~uint64_t{0});
  EXPECT_EQ((*frames)[1].build_id, "");
  EXPECT_EQ((*frames)[1].offset, 7u);
}

TEST(AlertFramesTest, AnEventAloneWillDo) {
  const auto frames = FramesOfAlert(R"({"user_stack":{"frames":[]}})");
  ASSERT_TRUE(frames.ok()) << frames.status();
  EXPECT_TRUE(frames->empty());
}

TEST(AlertFramesTest, AnAlertWithoutAStackSaysSo) {
  EXPECT_EQ(FramesOfAlert(R"({"event":{"type":"openat"}})").status().code(),
            absl::StatusCode::kNotFound);
}

TEST(AlertFramesTest, WhatIsNoAlertIsRefused) {
  std::string deep(100'000, '[');
  std::string many = "[{\"offset\":1}";
  for (int i = 0; i < 2000; ++i) many += ",{\"offset\":1}";
  for (const std::string& text :
       {std::string(), std::string("x"), std::string("[]"), std::string("3"), deep, Frames("{}"),
        Frames("[3]"), Frames(R"([{"offset":"1"}])"), Frames(R"([{"offset":-1}])"),
        Frames(R"([{"build_id":"../../etc","offset":1}])"), Frames(many + "]")}) {
    EXPECT_EQ(FramesOfAlert(text).status().code(), absl::StatusCode::kInvalidArgument)
        << text.substr(0, 80);
  }
}

TEST(ParseBuildIdTest, HexDigitsAlone) {
  EXPECT_EQ(ParseBuildId("93AC61EC5A8EB1396F9FBD350E3169A558528A40").value(), kId);
  EXPECT_EQ(ParseBuildId("00ff").value(), "00ff" + std::string(36, '0'));
  for (const std::string_view bad :
       {"", "abc", "0g", "..", "93ac61ec5a8eb1396f9fbd350e3169a558528a4000"}) {
    EXPECT_FALSE(ParseBuildId(bad).ok()) << bad;
  }
}

}  // namespace
}  // namespace vakt
