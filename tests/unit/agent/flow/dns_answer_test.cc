// SPDX-License-Identifier: Apache-2.0
#include "agent/flow/dns_answer.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

namespace vakt {
namespace {

std::string Int16(unsigned value) {
  return {static_cast<char>(value >> 8), static_cast<char>(value & 0xff)};
}
std::string Int32(uint32_t value) { return Int16(value >> 16) + Int16(value & 0xffff); }

std::string Name(const std::string& dotted) {
  std::string wire;
  for (size_t begin = 0; begin < dotted.size();) {
    const size_t end = std::min(dotted.find('.', begin), dotted.size());
    wire += static_cast<char>(end - begin) + dotted.substr(begin, end - begin);
    begin = end + 1;
  }
  return wire + '\0';
}

const std::string kPointer("\xc0\x0c", 2);  // to the question's name

std::string Record(const std::string& owner, unsigned type, uint32_t ttl, const std::string& data) {
  return owner + Int16(type) + Int16(1) + Int32(ttl) + Int16(static_cast<unsigned>(data.size())) +
         data;
}

// A message with one question and so many answers.
std::string Message(const std::string& question, unsigned type, unsigned answers,
                    const std::string& records, unsigned flags = 0x8180) {
  return Int16(0x1234) + Int16(flags) + Int16(1) + Int16(answers) + Int16(0) + Int16(0) + question +
         Int16(type) + Int16(1) + records;
}

const std::string kOne("\x01\x02\x03\x04", 4), kTwo("\x05\x06\x07\x08", 4);
const std::string kV6(16, '\x20');

TEST(DnsAnswer, AddressesOfAName) {
  const auto answer =
      ParseDnsAnswer(Message(Name("API.Example.com"), 1, 2,
                             Record(kPointer, 1, 300, kOne) + Record(kPointer, 1, 60, kTwo)));
  ASSERT_TRUE(answer.has_value());
  EXPECT_EQ(answer->name, "api.example.com");
  ASSERT_EQ(answer->addresses.size(), 2u);
  EXPECT_EQ(answer->addresses[0].address, kOne);
  EXPECT_EQ(answer->addresses[0].ttl_seconds, 300u);
  EXPECT_EQ(answer->addresses[1].address, kTwo);
  EXPECT_EQ(answer->addresses[1].ttl_seconds, 60u);
}

TEST(DnsAnswer, ThroughAliasesAndInIpv6) {
  const std::string alias = Name("edge.cdn.net");
  const auto answer = ParseDnsAnswer(Message(
      Name("www.example.com"), 28, 2, Record(kPointer, 5, 30, alias) + Record(alias, 28, 20, kV6)));
  ASSERT_TRUE(answer.has_value());
  EXPECT_EQ(answer->name, "www.example.com") << "what was asked for";
  ASSERT_EQ(answer->addresses.size(), 1u);
  EXPECT_EQ(answer->addresses[0].address, kV6);
  EXPECT_EQ(answer->type, 28);
  EXPECT_EQ(answer->aliases, std::vector<std::string>{"edge.cdn.net"});
  EXPECT_EQ(answer->ttl_seconds, 20u) << "the shortest";
}

TEST(DnsAnswer, BytesThatHostNamesDoNotHaveAreEscaped) {
  const auto answer = ParseDnsAnswer(Message(std::string("\x04"
                                                         "a\".\x01\x00",
                                                         6),
                                             1, 1, Record(kPointer, 1, 1, kOne)));
  ASSERT_TRUE(answer.has_value());
  EXPECT_EQ(answer->name, "a\\034\\046\\001");
}

TEST(DnsAnswer, WhatIsNoAnswerIsNone) {
  const std::string record = Record(kPointer, 1, 300, kOne);
  const std::string name = Name("a.example");
  EXPECT_TRUE(ParseDnsAnswer(Message(name, 1, 1, record)).has_value());
  EXPECT_FALSE(ParseDnsAnswer(Message(name, 1, 1, record, 0x0100)).has_value()) << "a question";
  EXPECT_FALSE(ParseDnsAnswer(Message(name, 1, 1, record, 0x9180)).has_value()) << "opcode";
  EXPECT_FALSE(ParseDnsAnswer(Message(Name(""), 1, 1, record)).has_value()) << "the root";
  EXPECT_FALSE(ParseDnsAnswer("").has_value());
}

TEST(DnsAnswer, AnswersToOtherQuestionsAndNegativeOnesTellNoAddress) {
  const std::string record = Record(kPointer, 1, 300, kOne);
  const std::string name = Name("a.example");
  const auto missing = ParseDnsAnswer(Message(name, 1, 1, record, 0x8183));
  ASSERT_TRUE(missing.has_value());
  EXPECT_EQ(missing->rcode, 3);
  EXPECT_TRUE(missing->addresses.empty());
  const auto text = ParseDnsAnswer(Message(name, 16, 1, Record(kPointer, 16, 7, "abc")));
  ASSERT_TRUE(text.has_value());
  EXPECT_EQ(text->type, 16);
  EXPECT_EQ(text->answers, 1);
  EXPECT_EQ(text->ttl_seconds, 7u);
  EXPECT_TRUE(text->addresses.empty());
  EXPECT_TRUE(ParseDnsAnswer(Message(name, 15, 1, record))->addresses.empty()) << "MX";
  EXPECT_TRUE(
      ParseDnsAnswer(Message(name, 1, 1, Record(kPointer, 1, 1, "abc")))->addresses.empty());
  EXPECT_TRUE(ParseDnsAnswer(Message(name, 1, 0, "", 0x8380))->truncated);
}

TEST(DnsAnswer, PointersOnlyLeadBackwards) {
  const std::string record = Record(kPointer, 1, 300, kOne);
  EXPECT_FALSE(ParseDnsAnswer(Message(kPointer, 1, 1, record)).has_value()) << "to itself";
  EXPECT_FALSE(ParseDnsAnswer(Message(std::string("\xc0\x40", 2), 1, 1, record)).has_value());
  // Two that would point to each other: the second one's target lies behind the first one's.
  const std::string loop = std::string("\xc0\x0e", 2) + kPointer;
  EXPECT_FALSE(ParseDnsAnswer(Message(loop, 1, 1, record)).has_value());
  const std::string reserved(
      "\x80"
      "abc\0",
      5);
  EXPECT_FALSE(ParseDnsAnswer(Message(reserved, 1, 1, record)).has_value());
}

TEST(DnsAnswer, NamesThatAreTooLongAreRefused) {
  std::string name;
  for (int i = 0; i < 4; ++i) name += std::string(63, 'a') + ".";
  EXPECT_FALSE(ParseDnsAnswer(Message(Name(name), 1, 1, Record(kPointer, 1, 1, kOne))).has_value());
  name.resize(3 * 64 + 61);  // 255 bytes on the wire
  EXPECT_TRUE(ParseDnsAnswer(Message(Name(name), 1, 1, Record(kPointer, 1, 1, kOne))).has_value());
}

TEST(DnsAnswer, ACutAnswerGivesWhatIsWhole) {
  const std::string whole =
      Message(Name("a.example"), 1, 2, Record(kPointer, 1, 9, kOne) + Record(kPointer, 1, 9, kTwo));
  for (size_t size = 0; size < whole.size(); ++size) {
    const auto answer = ParseDnsAnswer(std::string_view(whole).substr(0, size));
    if (answer.has_value()) {
      EXPECT_LE(answer->addresses.size(), 1u) << size;
    }
  }
  EXPECT_TRUE(ParseDnsAnswer(std::string_view(whole).substr(0, whole.size() - 1)).has_value());
}

TEST(DnsAnswer, NoMoreAddressesThanItsBound) {
  std::string records;
  for (int i = 0; i < 100; ++i) records += Record(kPointer, 1, 9, kOne);
  const auto answer = ParseDnsAnswer(Message(Name("a.example"), 1, 100, records));
  ASSERT_TRUE(answer.has_value());
  EXPECT_EQ(answer->addresses.size(), 64u);
}

TEST(DnsAnswer, AnyBytesEnd) {
  std::mt19937 random(1);
  const std::string whole =
      Message(Name("www.example.com"), 1, 3,
              Record(kPointer, 5, 30, Name("edge.cdn.net")) + Record(kPointer, 1, 9, kOne) +
                  Record(kPointer, 1, 9, kTwo));
  for (int round = 0; round < 200'000; ++round) {
    std::string bytes = whole;
    for (unsigned i = random() % 6; i > 0; --i) {
      bytes[random() % bytes.size()] = static_cast<char>(random());
    }
    const auto answer = ParseDnsAnswer(bytes);
    if (answer.has_value()) {
      ASSERT_LE(answer->addresses.size(), 64u);
    }
  }
}

}  // namespace
}  // namespace vakt
