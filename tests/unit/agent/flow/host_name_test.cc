// SPDX-License-Identifier: Apache-2.0
#include "agent/flow/host_name.h"

#include <gtest/gtest.h>

namespace vakt {
namespace {

TEST(HostName, IsLowerCaseWithoutTheLastDot) {
  EXPECT_EQ(HostNameOf("API.Example.com."), "api.example.com");
  EXPECT_EQ(HostNameOf("localhost"), "localhost");
  EXPECT_EQ(HostNameOf("a_b-c.example"), "a_b-c.example");
}

TEST(HostName, OtherBytesAreEscaped) {
  EXPECT_EQ(HostNameOf(std::string_view("a\"b\\\0\n\xff.example", 15)),
            "a\\034b\\092\\000\\010\\255.example");
  std::string name = "x";
  AppendHostLabel("a.b", &name);
  EXPECT_EQ(name, "x.a\\046b") << "a dot within a label";
}

TEST(HostName, WhatIsNoneIsEmpty) {
  for (const std::string& wrong :
       {std::string(), std::string("."), std::string("a..b"), std::string(".a"),
        std::string(64, 'a'), std::string(256, 'a')}) {
    EXPECT_EQ(HostNameOf(wrong), "") << wrong;
  }
  EXPECT_EQ(HostNameOf(std::string(63, 'a')), std::string(63, 'a'));
}

}  // namespace
}  // namespace vakt
