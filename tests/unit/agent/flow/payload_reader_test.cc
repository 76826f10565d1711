// SPDX-License-Identifier: Apache-2.0
// Streams that come in pieces: put together, cut, with pieces missing, of sockets whose place is
// used again.
#include "agent/flow/payload_reader.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

namespace vakt {
namespace {

std::string Int16(size_t value) {
  return {static_cast<char>(value >> 8), static_cast<char>(value & 0xff)};
}

// An answer that `name` has an address; `more` bytes follow in it.
std::string Answer(const std::string& name, size_t more = 0) {
  return std::string("\x12\x34\x81\x80\0\1\0\1\0\0\0\0", 12) + static_cast<char>(name.size()) +
         name + std::string("\0\0\1\0\1\xc0\x0c\0\1\0\1\0\0\1\x2c\0\4\1\2\3\4", 21) +
         std::string(more, 'm');
}
std::string Framed(const std::string& message) { return Int16(message.size()) + message; }

// A ClientHello for `name` with so many bytes of padding.
std::string Hello(const std::string& name, size_t padding = 0) {
  const std::string sni = std::string("\0\0", 2) + Int16(name.size() + 5) + Int16(name.size() + 3) +
                          '\0' + Int16(name.size()) + name;
  const std::string extensions = sni + Int16(21) + Int16(padding) + std::string(padding, '\0');
  const std::string body = Int16(0x0303) + std::string(33, '\0') + Int16(2) + Int16(0x1301) +
                           std::string("\1\0", 2) + Int16(extensions.size()) + extensions;
  const std::string message = std::string("\1\0", 2) + Int16(body.size()) + body;
  return std::string("\x16\3\1", 3) + Int16(message.size()) + message;
}

class PayloadReaderTest : public ::testing::Test {
 protected:
  PayloadReaderTest()
      : reader_(
            [this](const vakt_payload& about, const DnsAnswer& answer, size_t size) {
              EXPECT_EQ(about.cookie, 77u);
              answers_.push_back(answer.name + (about.truncated != 0 ? " cut" : ""));
              sizes_.push_back(size);
            },
            [this](const vakt_payload&, const TlsHello& hello) {
              hellos_.push_back(hello.name +
                                (hello.ja4.empty() ? "" : " " + hello.ja4.substr(0, 10)));
            }) {}

  void Read(uint16_t what, const std::string& bytes, uint64_t socket = 1, bool begins = false,
            bool truncated = false) {
    vakt_payload about = {};
    about.header.kind = VAKT_FLOWS_KIND;
    about.cookie = 77;
    about.socket = socket;
    about.what = what;
    about.size = static_cast<uint16_t>(bytes.size());
    about.number = ++number_;
    about.begins = begins ? 1 : 0;
    about.truncated = truncated ? 1 : 0;
    std::vector<std::byte> record(sizeof(vakt_stream_piece));
    std::memcpy(record.data(), &about, sizeof(about));
    std::memcpy(record.data() + sizeof(about), bytes.data(), bytes.size());
    EXPECT_TRUE(reader_.Read(record));
  }
  void ReadDns(const std::string& bytes, bool begins = false, bool truncated = false) {
    Read(VAKT_PAYLOAD_DNS_STREAM, bytes, 1, begins, truncated);
  }
  void ReadTls(const std::string& bytes, bool begins = false, bool truncated = false) {
    Read(VAKT_PAYLOAD_TLS_STREAM, bytes, 1, begins, truncated);
  }

  using Texts = std::vector<std::string>;
  PayloadReader reader_;
  uint8_t number_ = 0;
  Texts answers_, hellos_;
  std::vector<size_t> sizes_;
};

TEST_F(PayloadReaderTest, ADatagramIsAnAnswer) {
  Read(VAKT_PAYLOAD_DNS, Answer("a"));
  Read(VAKT_PAYLOAD_DNS, Answer("b"), 0, false, true);
  Read(VAKT_PAYLOAD_DNS, "nonsense");
  EXPECT_EQ(answers_, (Texts{"a", "b cut"}));
  EXPECT_EQ(sizes_[0], Answer("a").size());
  EXPECT_EQ(reader_.counters().answers_learned, 2u);
  EXPECT_EQ(reader_.counters().answers_ignored, 1u);
}

// As glibc reads: the length, then the message.
TEST_F(PayloadReaderTest, AnswersOverAConnection) {
  ReadDns(Int16(Answer("a").size()), true);
  EXPECT_TRUE(answers_.empty());
  ReadDns(Answer("a"));
  EXPECT_EQ(answers_, Texts{"a"});
  ReadDns(Framed(Answer("b")) + Framed(Answer("c")) + Framed(Answer("d")).substr(0, 1));
  ReadDns(Framed(Answer("d")).substr(1));
  EXPECT_EQ(answers_, (Texts{"a", "b", "c", "d"}));
  EXPECT_EQ(reader_.counters().answers_learned, 4u);
}

TEST_F(PayloadReaderTest, AStreamMayBeCutAnywhere) {
  const std::string stream = Framed(Answer("a")) + Framed(Answer("b", 3000)) + Framed(Answer("c"));
  for (const size_t size : {1, 2, 7, 100, 2048}) {
    answers_.clear();
    for (size_t at = 0; at < stream.size(); at += size) ReadDns(stream.substr(at, size), at == 0);
    EXPECT_EQ(answers_, (Texts{"a", "b", "c"})) << size;
  }
}

TEST_F(PayloadReaderTest, BehindAMissingPieceTheStreamIsGivenUp) {
  ReadDns(Framed(Answer("a")), true);
  ++number_;
  ReadDns(Framed(Answer("b")));
  ReadDns(Framed(Answer("c")));
  EXPECT_EQ(answers_, Texts{"a"});
  ReadDns(Framed(Answer("d")), true);  // another connection at the same place
  EXPECT_EQ(answers_, (Texts{"a", "d"}));
}

TEST_F(PayloadReaderTest, OfACutAnswerTheBeginningCounts) {
  const std::string answer = Framed(Answer("a", 5000));
  ReadDns(answer.substr(0, 2048), true, true);
  EXPECT_EQ(answers_, Texts{"a cut"});
  ReadDns(Framed(Answer("b")));
  EXPECT_EQ(answers_, Texts{"a cut"}) << "where it begins is not known";
}

TEST_F(PayloadReaderTest, AnAnswerLongerThanTheBoundIsCut) {
  const std::string answer = Framed(Answer("a", 40000));
  for (size_t at = 0; at < answer.size(); at += 2000) ReadDns(answer.substr(at, 2000), at == 0);
  EXPECT_EQ(answers_, Texts{"a cut"});
  EXPECT_LE(sizes_[0], StreamTable::kMaxBytes);
}

TEST_F(PayloadReaderTest, StreamsAreKeptApart) {
  const std::string a = Framed(Answer("a")), b = Framed(Answer("b"));
  Read(VAKT_PAYLOAD_DNS_STREAM, a.substr(0, 10), 1, true);
  number_ = 0;
  Read(VAKT_PAYLOAD_DNS_STREAM, b.substr(0, 10), 2, true);
  number_ = 1;
  Read(VAKT_PAYLOAD_DNS_STREAM, a.substr(10), 1);
  number_ = 1;
  Read(VAKT_PAYLOAD_DNS_STREAM, b.substr(10), 2);
  EXPECT_EQ(answers_, (Texts{"a", "b"}));
}

TEST_F(PayloadReaderTest, AHelloInOnePiece) {
  ReadTls(Hello("a.example"), true);
  EXPECT_EQ(hellos_, Texts{"a.example t12d010200"});
  EXPECT_EQ(reader_.counters().hellos_learned, 1u);
  ReadTls("what follows");
  EXPECT_EQ(hellos_.size(), 1u);
}

TEST_F(PayloadReaderTest, AHelloInPieces) {
  const std::string hello = Hello("a.example", 1700);
  ReadTls(hello.substr(0, 1), true);
  ReadTls(hello.substr(1, 20));
  EXPECT_TRUE(hellos_.empty());
  ReadTls(hello.substr(21, 1000));
  EXPECT_EQ(hellos_, Texts{"a.example"}) << "the name is there already";
  ReadTls(hello.substr(1021));
  EXPECT_EQ(hellos_, (Texts{"a.example", "a.example t12d010200"}));
  EXPECT_EQ(reader_.counters().hellos_learned, 1u);
}

TEST_F(PayloadReaderTest, WhatIsNoHelloIsCountedAndForgotten) {
  ReadTls(std::string("\x16\3\1\0\4\2\0\0\0", 9), true);
  EXPECT_TRUE(hellos_.empty());
  EXPECT_EQ(reader_.counters().hellos_ignored, 1u);
  ReadTls(Hello("a.example").substr(0, 30), true, true);
  EXPECT_EQ(reader_.counters().hellos_ignored, 2u) << "cut before the name";
}

TEST_F(PayloadReaderTest, LyingRecordsDoNoHarm) {
  vakt_payload about = {};
  about.header.kind = VAKT_FLOWS_KIND;
  about.what = VAKT_PAYLOAD_TLS_STREAM;
  about.begins = 1;
  about.size = 0xffff;
  const auto* bytes = reinterpret_cast<const std::byte*>(&about);
  for (size_t size = sizeof(vakt_header); size <= sizeof(about); ++size) {
    EXPECT_TRUE(reader_.Read({bytes, size})) << size;
  }
  EXPECT_FALSE(reader_.Read({bytes, 3}));
  about.header.kind = 1;
  EXPECT_FALSE(reader_.Read({bytes, sizeof(about)}));
  EXPECT_TRUE(hellos_.empty() && answers_.empty());
}

TEST(StreamTable, TheOldestGoFirst) {
  StreamTable table(2);
  for (uint64_t socket = 1; socket <= 3; ++socket) {
    vakt_payload about = {};
    about.socket = socket;
    about.begins = 1;
    EXPECT_NE(table.Add(about, "a"), nullptr);
  }
  EXPECT_EQ(table.size(), 2u);
  vakt_payload next = {};
  next.socket = 1;
  next.number = 1;
  EXPECT_EQ(table.Add(next, "b"), nullptr);
  next.socket = 3;
  ASSERT_NE(table.Add(next, "b"), nullptr);
  EXPECT_EQ(table.size(), 2u);
}

}  // namespace
}  // namespace vakt
