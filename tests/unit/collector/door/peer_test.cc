// SPDX-License-Identifier: Apache-2.0
#include "collector/door/peer.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>

#include <cstring>
#include <string>

namespace vakt {
namespace {

sockaddr_storage V6(const char* text, uint16_t port) {
  sockaddr_in6 v6 = {};
  v6.sin6_family = AF_INET6;
  v6.sin6_port = htons(port);
  EXPECT_EQ(inet_pton(AF_INET6, text, &v6.sin6_addr), 1);
  sockaddr_storage storage = {};
  memcpy(&storage, &v6, sizeof(v6));
  return storage;
}
sockaddr_storage V4(const char* text, uint16_t port) {
  sockaddr_in v4 = {};
  v4.sin_family = AF_INET;
  v4.sin_port = htons(port);
  EXPECT_EQ(inet_pton(AF_INET, text, &v4.sin_addr), 1);
  sockaddr_storage storage = {};
  memcpy(&storage, &v4, sizeof(v4));
  return storage;
}

TEST(PeerTest, IsTheSameFromTheSocketAndFromGrpc) {
  EXPECT_EQ(PeerOf(V4("10.1.2.3", 4711)), "10.1.2.3:4711");
  EXPECT_EQ(PeerOf(V4("10.1.2.3", 4711)), PeerOfGrpc("ipv4:10.1.2.3:4711"));
  EXPECT_EQ(PeerOf(V6("fd00::1", 1)), "[fd00::1]:1");
  EXPECT_EQ(PeerOf(V6("fd00::1", 1)), PeerOfGrpc("ipv6:%5Bfd00::1%5D:1"));
  EXPECT_EQ(PeerOf(V6("fd00::1", 1)), PeerOfGrpc("ipv6:[fd00::1]:1"));
  // gRPC names the interface of a link-local address.
  EXPECT_EQ(PeerOf(V6("fe80::1", 1)), PeerOfGrpc("ipv6:%5Bfe80::1%25eth0%5D:1"));
  // IPv4 that came to [::].
  EXPECT_EQ(PeerOf(V6("::ffff:10.1.2.3", 4711)), "10.1.2.3:4711");
}

TEST(PeerTest, TakesWhatIsNoAddress) {
  EXPECT_EQ(PeerOfGrpc("unknown"), "unknown");
  EXPECT_EQ(PeerOfGrpc(""), "");
  EXPECT_EQ(PeerOfGrpc("ipv6:"), "[]");
  EXPECT_EQ(PeerOf({}), "[]:0");
  EXPECT_EQ(SourceOf({}), "");
}

TEST(PeerTest, ASourceIsAnAddressOrAnIpv6Network) {
  EXPECT_EQ(SourceOf(V4("10.1.2.3", 1)), "10.1.2.3");
  EXPECT_EQ(SourceOf(V6("::ffff:10.1.2.3", 1)), "10.1.2.3");
  EXPECT_EQ(SourceOf(V6("2001:db8:1:2:3:4:5:6", 1)), "2001:db8:1:2::/64");
  EXPECT_EQ(SourceOf(V6("2001:db8:1:2::9", 7)), SourceOf(V6("2001:db8:1:2:ffff::1", 8)));
  EXPECT_NE(SourceOf(V6("2001:db8:1:2::9", 7)), SourceOf(V6("2001:db8:1:3::9", 7)));
}

}  // namespace
}  // namespace vakt
