// SPDX-License-Identifier: Apache-2.0
#include "agent/flow/address_classes.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>

namespace vakt {
namespace {

std::string Bytes(const std::string& text) {
  char bytes[16];
  const bool v6 = text.find(':') != text.npos;
  EXPECT_EQ(inet_pton(v6 ? AF_INET6 : AF_INET, text.c_str(), bytes), 1) << text;
  return std::string(bytes, v6 ? 16 : 4);
}

v1::Flow::Class Of(const AddressClasses& classes, const std::string& remote,
                   bool in_container = false, const std::string& local = "192.0.2.77") {
  return classes.Of(Bytes(remote), Bytes(local), in_container);
}

TEST(AddressClasses, WhereAddressesAre) {
  const AddressClasses classes = AddressClasses::Create({}).value();
  const struct {
    const char* address;
    v1::Flow::Class expected;
  } cases[] = {
      {"127.0.0.1", v1::Flow::CLASS_LOOPBACK},
      {"127.255.255.255", v1::Flow::CLASS_LOOPBACK},
      {"128.0.0.0", v1::Flow::CLASS_EXTERNAL},
      {"::1", v1::Flow::CLASS_LOOPBACK},
      {"::2", v1::Flow::CLASS_EXTERNAL},
      {"10.1.2.3", v1::Flow::CLASS_PRIVATE},
      {"172.15.255.255", v1::Flow::CLASS_EXTERNAL},
      {"172.16.0.0", v1::Flow::CLASS_PRIVATE},
      {"172.31.255.255", v1::Flow::CLASS_PRIVATE},
      {"172.32.0.0", v1::Flow::CLASS_EXTERNAL},
      {"192.168.255.1", v1::Flow::CLASS_PRIVATE},
      {"100.127.255.255", v1::Flow::CLASS_PRIVATE},
      {"100.128.0.0", v1::Flow::CLASS_EXTERNAL},
      {"fdab::1", v1::Flow::CLASS_PRIVATE},
      {"fe00::1", v1::Flow::CLASS_EXTERNAL},
      {"169.254.169.254", v1::Flow::CLASS_METADATA},
      {"fd00:ec2::254", v1::Flow::CLASS_METADATA},
      {"169.254.169.253", v1::Flow::CLASS_LINK_LOCAL},
      {"fe80::1", v1::Flow::CLASS_LINK_LOCAL},
      {"febf::1", v1::Flow::CLASS_LINK_LOCAL},
      {"224.0.0.251", v1::Flow::CLASS_MULTICAST},
      {"255.255.255.255", v1::Flow::CLASS_MULTICAST},
      {"ff02::fb", v1::Flow::CLASS_MULTICAST},
      {"8.8.8.8", v1::Flow::CLASS_EXTERNAL},
      {"2001:4860:4860::8888", v1::Flow::CLASS_EXTERNAL},
      {"0.0.0.0", v1::Flow::CLASS_UNSPECIFIED},
      {"::", v1::Flow::CLASS_UNSPECIFIED},
  };
  for (const auto& one : cases) EXPECT_EQ(Of(classes, one.address), one.expected) << one.address;
  EXPECT_EQ(classes.Of("", "", false), v1::Flow::CLASS_UNSPECIFIED);
}

TEST(AddressClasses, ThePodAndTheNodeComeFirst) {
  AddressClasses classes = AddressClasses::Create({"10.0.0.0/8", "2001:db8::/33"}).value();
  classes.SetNodeAddresses({Bytes("10.0.0.7"), Bytes("198.51.100.7")});
  EXPECT_EQ(Of(classes, "127.0.0.1", true), v1::Flow::CLASS_SAME_POD);
  EXPECT_EQ(Of(classes, "10.5.5.5", true, "10.5.5.5"), v1::Flow::CLASS_SAME_POD);
  EXPECT_EQ(Of(classes, "10.5.5.5", false, "10.5.5.5"), v1::Flow::CLASS_LOOPBACK);
  EXPECT_EQ(Of(classes, "10.0.0.7"), v1::Flow::CLASS_SAME_NODE);
  EXPECT_EQ(Of(classes, "198.51.100.7"), v1::Flow::CLASS_SAME_NODE);
  EXPECT_EQ(Of(classes, "10.0.0.8"), v1::Flow::CLASS_CLUSTER);
  EXPECT_EQ(Of(classes, "192.168.0.8"), v1::Flow::CLASS_PRIVATE);
  EXPECT_EQ(Of(classes, "2001:db8:7fff::1"), v1::Flow::CLASS_CLUSTER);
  EXPECT_EQ(Of(classes, "2001:db8:8000::1"), v1::Flow::CLASS_EXTERNAL);
}

TEST(AddressClasses, WhatIsNoBlockIsNamed) {
  for (const char* text : {"10.0.0.0/33", "10.0.0/8", "fd00::/129", "10.0.0.0/-1", "10.0.0.0/8/8",
                           "cluster", "", "10.0.0.0/", "10.0.0.0/x"}) {
    const auto classes = AddressClasses::Create({text});
    ASSERT_FALSE(classes.ok()) << text;
    EXPECT_NE(std::string(classes.status().message()).find(text), std::string::npos);
  }
}

}  // namespace
}  // namespace vakt
