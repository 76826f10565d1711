// SPDX-License-Identifier: Apache-2.0
// The fingerprints of the first two cases are those that the specification's own examples have.
#include "agent/flow/tls_hello.h"

#include <gtest/gtest.h>

#include <initializer_list>
#include <string>
#include <vector>

namespace vakt {
namespace {

std::string Int16(size_t value) {
  return {static_cast<char>(value >> 8), static_cast<char>(value & 0xff)};
}
std::string List(std::initializer_list<unsigned> values) {
  std::string bytes;
  for (const unsigned value : values) bytes += Int16(value);
  return bytes;
}
std::string Vector8(const std::string& bytes) { return static_cast<char>(bytes.size()) + bytes; }
std::string Vector16(const std::string& bytes) { return Int16(bytes.size()) + bytes; }

std::string Extension(unsigned type, const std::string& data = "") {
  return Int16(type) + Vector16(data);
}
std::string Sni(const std::string& name) {
  return Extension(0, Vector16(std::string(1, '\0') + Vector16(name)));
}
std::string Alpn(const std::string& name) { return Extension(16, Vector16(Vector8(name))); }

// The handshake message.
std::string Hello(const std::string& ciphers, const std::string& extensions,
                  unsigned version = 0x0303) {
  const std::string body = Int16(version) + std::string(32, 'r') + Vector8(std::string(32, 's')) +
                           Vector16(ciphers) + Vector8(std::string(1, '\0')) +
                           (extensions.empty() ? "" : Vector16(extensions));
  return std::string("\x01\0", 2) + Int16(body.size()) + body;
}
std::string Record(const std::string& bytes, char type = 22) {
  return std::string({type, 3, 1}) + Vector16(bytes);
}

// As of a browser: GREASE among all.
std::string Browser(const std::string& name = "clients6.google.com") {
  const std::string ciphers =
      List({0x3a3a, 0x1301, 0x1302, 0x1303, 0xc02b, 0xc02f, 0xc02c, 0xc030, 0xcca9, 0xcca8, 0xc013,
            0xc014, 0x009c, 0x009d, 0x002f, 0x0035});
  const std::string versions = Extension(43, Vector8(List({0x7a7a, 0x0304, 0x0303})));
  const std::string signatures = Extension(
      13, Vector16(List({0x0403, 0x0804, 0x0401, 0x0503, 0x0805, 0x0501, 0x0806, 0x0601})));
  return Hello(ciphers, Extension(0x4a4a) + Extension(0x001b, "a") + Sni(name) +
                            Extension(0x0033, "key") + Alpn("h2") + Extension(0x4469) +
                            Extension(0x0017) + Extension(0x002d) + signatures + Extension(5) +
                            Extension(0x0023) + Extension(0x0012) + versions + Extension(0xff01) +
                            Extension(0x000b) + Extension(0x000a) + Extension(0x0015, "pad") +
                            Extension(0xdada));
}
constexpr char kBrowser[] = "t13d1516h2_8daaf6152771_e5627efa2ab1";

TEST(TlsHello, NameAndFingerprintOfABrowser) {
  const auto hello = ParseTlsHello(Record(Browser("Clients6.Google.com")));
  ASSERT_TRUE(hello.has_value());
  EXPECT_TRUE(hello->is_complete);
  EXPECT_EQ(hello->name, "clients6.google.com");
  EXPECT_EQ(hello->ja4, kBrowser);
}

TEST(TlsHello, OrderOfCiphersAndExtensionsDoesNotMatter) {
  const auto one = ParseTlsHello(
      Record(Hello(List({0x1301, 0x1302}), Sni("a.example") + Extension(23) + Extension(5))));
  const auto other = ParseTlsHello(
      Record(Hello(List({0x1302, 0x1301}), Extension(5) + Extension(23) + Sni("b.example"))));
  ASSERT_TRUE(one.has_value() && other.has_value());
  EXPECT_EQ(one->ja4, other->ja4);
  EXPECT_EQ(one->ja4.substr(0, 11), "t12d020300_");
}

TEST(TlsHello, OrderOfSignatureAlgorithmsDoes) {
  const auto of = [](std::initializer_list<unsigned> algorithms) {
    return ParseTlsHello(Record(Hello(List({0x1301}), Extension(13, Vector16(List(algorithms))))))
        ->ja4;
  };
  EXPECT_NE(of({0x0403, 0x0804}), of({0x0804, 0x0403}));
  EXPECT_EQ(of({0x0403, 0x0804}), of({0x0a0a, 0x0403, 0x0804})) << "GREASE";
}

TEST(TlsHello, PartsOfTheFingerprintThatArePlain) {
  const auto ja4 = [](const std::string& extensions, unsigned version = 0x0303) {
    return ParseTlsHello(Record(Hello(List({0x002f}), extensions, version)))->ja4.substr(0, 10);
  };
  EXPECT_EQ(ja4(""), "t12i010000");
  EXPECT_EQ(ja4("", 0x0301), "t10i010000");
  EXPECT_EQ(ja4("", 0x0300), "ts3i010000");
  EXPECT_EQ(ja4("", 0x1234), "t00i010000");
  EXPECT_EQ(ja4(Extension(43, Vector8(List({0x0303, 0x0304})))), "t13i010100");
  EXPECT_EQ(ja4(Alpn("http/1.1")), "t12i0101h1");
  EXPECT_EQ(ja4(Alpn("x")), "t12i0101xx");
  EXPECT_EQ(ja4(Alpn("\xab\xcd")), "t12i0101ad") << "no letters: in hexadecimal";
  EXPECT_EQ(ja4(Alpn("a\xcd")), "t12i01016d");
  EXPECT_EQ(ja4(Alpn("")), "t12i010100");
}

TEST(TlsHello, WithoutCiphersOrExtensionsHashesAreZero) {
  const auto hello = ParseTlsHello(Record(Hello("", "")));
  ASSERT_TRUE(hello.has_value());
  EXPECT_EQ(hello->ja4, "t12i000000_000000000000_000000000000");
  EXPECT_EQ(ParseTlsHello(Record(Hello("", Sni("a.example"))))->ja4,
            "t12d000100_000000000000_000000000000");
}

TEST(TlsHello, AtMostNinetyNineAreCounted) {
  std::string ciphers;
  for (unsigned i = 0; i < 120; ++i) ciphers += Int16(0x0100 + i);
  EXPECT_EQ(ParseTlsHello(Record(Hello(ciphers, "")))->ja4.substr(0, 10), "t12i990000");
}

TEST(TlsHello, WithoutSniThereIsNoName) {
  const auto hello = ParseTlsHello(Record(Hello(List({0x1301}), Extension(23))));
  ASSERT_TRUE(hello.has_value());
  EXPECT_EQ(hello->name, "");
  EXPECT_EQ(hello->ja4[3], 'i');
}

TEST(TlsHello, ANameThatIsNoneIsLeftOut) {
  const auto hello = ParseTlsHello(Record(Browser("a..b")));
  ASSERT_TRUE(hello.has_value());
  EXPECT_EQ(hello->name, "");
  EXPECT_EQ(hello->ja4, kBrowser);
  EXPECT_EQ(ParseTlsHello(Record(Browser("a b\n.example")))->name, "a\\032b\\010.example");
}

TEST(TlsHello, MayBeSpreadOverRecords) {
  const std::string message = Browser();
  for (const size_t size : {1, 3, 4, 5, 100, 400}) {
    std::string stream;
    for (size_t at = 0; at < message.size(); at += size) stream += Record(message.substr(at, size));
    const auto hello = ParseTlsHello(stream);
    ASSERT_TRUE(hello.has_value()) << size;
    EXPECT_EQ(hello->ja4, kBrowser) << size;
  }
}

TEST(TlsHello, WhatFollowsIsNotLookedAt) {
  const auto hello = ParseTlsHello(Record(Browser()) + Record("\x01", 20) + Record("data", 23));
  ASSERT_TRUE(hello.has_value());
  EXPECT_EQ(hello->ja4, kBrowser);
}

// At each place: the name is there as soon as its bytes are, the fingerprint at the end.
TEST(TlsHello, ACutOneTellsWhatCameBefore) {
  const std::string stream = Record(Browser());
  const size_t name_end = stream.find("clients6.google.com") + 19;
  for (size_t size = 0; size < stream.size(); ++size) {
    const auto hello = ParseTlsHello(stream.substr(0, size));
    ASSERT_TRUE(hello.has_value()) << size;
    EXPECT_EQ(hello->is_complete, false) << size;
    EXPECT_EQ(hello->ja4, "") << size;
    EXPECT_EQ(hello->name, size < name_end ? "" : "clients6.google.com") << size;
  }
}

TEST(TlsHello, WhatIsNoneIsNone) {
  EXPECT_FALSE(ParseTlsHello("GET / HTTP/1.1\r\n").has_value());
  EXPECT_FALSE(ParseTlsHello(Record("data", 23)).has_value());
  EXPECT_FALSE(ParseTlsHello(Record(std::string("\x02\0\0\0", 4))).has_value()) << "ServerHello";
  EXPECT_FALSE(ParseTlsHello(std::string("\x16\x02\x01\0\x04", 5)).has_value()) << "not version 3";
  EXPECT_FALSE(ParseTlsHello(Record("")).has_value()) << "an empty record";
}

TEST(TlsHello, LyingLengthsGiveNoFingerprint) {
  std::string stream = Record(Browser());
  const auto put = [&](size_t at, char value) {
    std::string changed = stream;
    changed[at] = value;
    return ParseTlsHello(changed);
  };
  const size_t session = 5 + 4 + 2 + 32;
  EXPECT_EQ(put(session, '\xff')->ja4, "") << "a session id of 255 bytes ends elsewhere";
  const size_t ciphers = session + 33;
  EXPECT_EQ(put(ciphers, '\xff')->ja4, "") << "more ciphers than bytes";
  const size_t extensions = ciphers + 2 + 32 + 2;
  EXPECT_EQ(put(extensions, '\xff')->ja4, "") << "more extensions than bytes";
}

}  // namespace
}  // namespace vakt
