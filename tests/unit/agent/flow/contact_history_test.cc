// SPDX-License-Identifier: Apache-2.0
#include "agent/flow/contact_history.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>

#include <cstring>
#include <random>

namespace vakt {
namespace {

constexpr uint64_t kSecond = 1'000'000'000;
constexpr uint64_t kStart = 1000 * kSecond;

vakt_flow_key Key(uint32_t address, uint16_t port) {
  vakt_flow_key key = {};
  key.family = AF_INET;
  key.protocol = IPPROTO_TCP;
  key.direction = VAKT_FLOW_OUT;
  key.remote_port = port;
  const uint32_t bytes = htonl(address);
  std::memcpy(key.remote_addr, &bytes, sizeof(bytes));
  return key;
}

vakt_flow_counts Contact(uint64_t at_ns, uint64_t bytes_out = 10) {
  vakt_flow_counts counts = {};
  counts.first_boot_ns = counts.last_boot_ns = at_ns;
  counts.connections = counts.established = 1;
  counts.bytes_out = bytes_out;
  return counts;
}

FlowReport Ask(ContactHistory& history, const vakt_flow_key& key, uint64_t at_ns,
               uint64_t peer = 1) {
  FlowReport flow;
  history.Fill(7, peer, key, at_ns, &flow);
  return flow;
}

TEST(ContactHistory, ARhythmIsFound) {
  ContactHistory history;
  const vakt_flow_key key = Key(0x08080808, 443);
  std::mt19937 random(1);
  uint64_t at = kStart;
  for (int i = 0; i < 30; ++i) {
    history.See(7, 1, key, Contact(at), false, at);
    at += 60 * kSecond + random() % kSecond;  // at most a second late
  }
  FlowReport flow = Ask(history, key, at);
  EXPECT_EQ(flow.rhythm_contacts, ContactHistory::kContacts);
  EXPECT_NEAR(static_cast<double>(flow.rhythm_period_ns), 60.5e9, 0.6e9);
  EXPECT_LE(flow.rhythm_jitter_permille, 10u);
  for (int i = 0; i < 30; ++i) {  // a person
    history.See(7, 2, key, Contact(at), false, at);
    at += (2 + random() % 300) * kSecond;
  }
  EXPECT_GE(Ask(history, key, at, 2).rhythm_jitter_permille, 200u);
}

TEST(ContactHistory, FewContactsAreNoRhythm) {
  ContactHistory history;
  const vakt_flow_key key = Key(1, 1);
  for (uint64_t i = 0; i < 3; ++i) {
    history.See(7, 1, key, Contact(kStart + i * 60 * kSecond), false, kStart + i * 60 * kSecond);
  }
  EXPECT_EQ(Ask(history, key, kStart).rhythm_contacts, 0u);
  // Those of one page are one.
  for (uint64_t i = 0; i < 20; ++i) {
    const uint64_t at = kStart + 200 * kSecond + i * kSecond / 100;
    history.See(7, 1, key, Contact(at), false, at);
  }
  EXPECT_EQ(Ask(history, key, kStart).rhythm_contacts, 4u);
}

TEST(ContactHistory, TheDaysBytesOfSeveralFlows) {
  ContactHistory history;
  const vakt_flow_key key = Key(1, 443);
  for (uint64_t hour = 0; hour < 24; ++hour) {
    const uint64_t at = kStart + hour * 3600 * kSecond;
    history.See(7, 1, key, Contact(at, 1000), false, at);
  }
  EXPECT_EQ(Ask(history, key, kStart + 23 * 3600 * kSecond).day_bytes_out, 24'000u);
  const uint64_t later = kStart + 36 * 3600 * kSecond;
  history.See(7, 1, key, Contact(later, 1000), false, later);
  EXPECT_EQ(Ask(history, key, later).day_bytes_out, 25'000u) << "a new day begins";
  EXPECT_EQ(Ask(history, key, later + 12 * 3600 * kSecond).day_bytes_out, 13'000u);
  EXPECT_EQ(Ask(history, key, later, 2).day_bytes_out, 0u) << "another remote side";
}

TEST(ContactHistory, AScanOfPortsAndASweepOfAddresses) {
  ContactHistory history;
  for (uint16_t port = 1; port <= 100; ++port) {
    vakt_flow_counts refused = Contact(kStart);
    refused.established = 0;
    history.See(7, port, Key(1, port), refused, false, kStart);
  }
  FlowReport flow = Ask(history, Key(1, 50), kStart);
  EXPECT_EQ(flow.reach_ports_of_peer, 100u);
  EXPECT_EQ(flow.reach_addresses_of_port, 1u);
  EXPECT_EQ(flow.reach_addresses, 1u);
  EXPECT_EQ(flow.reach_ports, 100u);
  EXPECT_EQ(flow.reach_unanswered, 100u);
  for (uint32_t address = 2; address <= 80; ++address) {
    history.See(7, address, Key(address, 22), Contact(kStart), false, kStart);
  }
  flow = Ask(history, Key(2, 22), kStart);
  EXPECT_EQ(flow.reach_ports_of_peer, 1u);
  EXPECT_EQ(flow.reach_addresses_of_port, 80u);
  flow = Ask(history, Key(2, 22), kStart + 61 * kSecond);
  EXPECT_EQ(flow.reach_addresses, 0u) << "over";
  EXPECT_EQ(flow.reach_ports_of_peer, 0u);
}

TEST(ContactHistory, AMillionDestinationsAreCountedInBoundedRoom) {
  ContactHistory history;
  for (uint32_t address = 1; address <= 1'000'000; ++address) {
    history.See(7, address, Key(address, 80), Contact(kStart), false, kStart);
  }
  vakt_flow_counts folded = Contact(kStart);
  folded.folded = 5000;
  history.See(7, 0, {.protocol = IPPROTO_TCP, .direction = VAKT_FLOW_OUT}, folded, true, kStart);
  const FlowReport flow = Ask(history, Key(1, 80), kStart);
  EXPECT_EQ(flow.reach_addresses, ContactHistory::kMaxReach);
  EXPECT_EQ(flow.reach_folded, 1'005'000u - ContactHistory::kMaxReach);
  EXPECT_LE(history.peers(), ContactHistory::kMaxPeers);
  for (uint64_t program = 0; program < 1000; ++program) {
    history.See(program, 1, Key(1, 80), Contact(kStart), false, kStart);
  }
  EXPECT_EQ(history.programs(), ContactHistory::kMaxPrograms);
}

TEST(MinuteSum, SlidesOverTheMinuteBefore) {
  MinuteSum sum;
  const uint64_t minute = 60 * kSecond;
  sum.Add(60, 10 * minute);
  EXPECT_EQ(sum.At(10 * minute + 59 * kSecond), 60u);
  EXPECT_EQ(sum.At(11 * minute + 30 * kSecond), 30u);
  EXPECT_EQ(sum.At(12 * minute), 0u);
}

}  // namespace
}  // namespace vakt
