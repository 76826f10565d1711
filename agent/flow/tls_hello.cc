// SPDX-License-Identifier: Apache-2.0
#include "agent/flow/tls_hello.h"

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <vector>

#include "agent/flow/host_name.h"
#include "common/base/sha256.h"
#include "common/base/strings.h"

namespace vakt {
namespace {

// RFC 8446, 4 and 5.1; RFC 6066, 3; RFC 7301, 3.1.
constexpr uint8_t kHandshake = 22, kClientHello = 1, kHostName = 0;
constexpr size_t kMessageHeaderBytes = 4, kRandomBytes = 32;
constexpr size_t kMaxRecordBytes = 1 << 14;
constexpr uint16_t kServerName = 0, kSignatureAlgorithms = 13, kAlpn = 16, kSupportedVersions = 43;
constexpr size_t kHashChars = 12;

uint8_t Byte(char c) { return static_cast<uint8_t>(c); }

class Reader {
 public:
  explicit Reader(std::string_view bytes) : rest_(bytes) {}

  bool empty() const { return rest_.empty(); }
  bool Take(size_t size, std::string_view* bytes) {
    if (rest_.size() < size) return false;
    *bytes = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return true;
  }
  // A number of `size` bytes, four at most.
  bool TakeNumber(size_t size, uint32_t* number) {
    std::string_view bytes;
    if (!Take(size, &bytes)) return false;
    *number = 0;
    for (const char c : bytes) *number = *number << 8 | Byte(c);
    return true;
  }
  // Bytes behind their number, which takes `size` bytes. False: they are not all there, and what
  // there is of them is in `bytes`.
  bool TakeVector(size_t size, std::string_view* bytes) {
    uint32_t length = 0;
    *bytes = {};
    if (!TakeNumber(size, &length)) return false;
    const bool is_whole = length <= rest_.size();
    return Take(std::min<size_t>(length, rest_.size()), bytes) && is_whole;
  }

 private:
  std::string_view rest_;
};

// RFC 8701: values that stand for nothing, so that servers learn to ignore what they do not know.
bool IsGrease(uint32_t value) { return (value & 0x0f0f) == 0x0a0a && value >> 8 == (value & 0xff); }

// Two bytes each, without GREASE.
std::vector<uint16_t> Values(std::string_view bytes) {
  std::vector<uint16_t> values;
  Reader reader(bytes);
  for (uint32_t value = 0; reader.TakeNumber(2, &value);) {
    if (!IsGrease(value)) values.push_back(static_cast<uint16_t>(value));
  }
  return values;
}

struct Facts {
  uint16_t version = 0;  // the highest that is offered
  std::vector<uint16_t> ciphers;
  std::vector<uint16_t> extensions;
  std::vector<uint16_t> signatures;
  std::string_view alpn;  // the first
  bool has_name = false;
  bool is_whole = false;
};

void ReadExtension(uint32_t type, std::string_view data, Facts* facts, std::string* name) {
  Reader reader(data);
  std::string_view list, item;
  if (type == kServerName) {
    uint32_t name_type = 0;
    facts->has_name = true;
    reader.TakeVector(2, &list);
    Reader names(list);
    if (names.TakeNumber(1, &name_type) && name_type == kHostName && names.TakeVector(2, &item)) {
      *name = HostNameOf(item);
    }
  } else if (type == kAlpn) {
    reader.TakeVector(2, &list);
    Reader protocols(list);
    if (protocols.TakeVector(1, &item)) facts->alpn = item;
  } else if (type == kSignatureAlgorithms) {
    reader.TakeVector(2, &list);
    facts->signatures = Values(list);
  } else if (type == kSupportedVersions) {
    reader.TakeVector(1, &list);
    const std::vector<uint16_t> versions = Values(list);
    if (!versions.empty()) facts->version = *std::max_element(versions.begin(), versions.end());
  }
}

void ReadExtensions(std::string_view bytes, bool is_whole, Facts* facts, std::string* name) {
  Reader reader(bytes);
  uint32_t type = 0;
  std::string_view data;
  while (!reader.empty()) {
    if (!reader.TakeNumber(2, &type) || !reader.TakeVector(2, &data)) return;
    if (IsGrease(type)) continue;
    facts->extensions.push_back(static_cast<uint16_t>(type));
    ReadExtension(type, data, facts, name);
  }
  facts->is_whole = is_whole;
}

// The message behind its header. A hello of before TLS 1.2 may end where extensions would begin.
void ReadHello(std::string_view message, Facts* facts, std::string* name) {
  Reader reader(message);
  uint32_t version = 0;
  std::string_view random, session, ciphers, compressions, extensions;
  if (!reader.TakeNumber(2, &version) || !reader.Take(kRandomBytes, &random) ||
      !reader.TakeVector(1, &session) || !reader.TakeVector(2, &ciphers) ||
      !reader.TakeVector(1, &compressions)) {
    return;
  }
  facts->version = static_cast<uint16_t>(version);
  facts->ciphers = Values(ciphers);
  if (reader.empty()) {
    facts->is_whole = true;
    return;
  }
  const bool is_whole = reader.TakeVector(2, &extensions);
  ReadExtensions(extensions, is_whole, facts, name);
}

// ---- The fingerprint

std::string_view VersionText(uint16_t version) {
  switch (version) {
    case 0x0304:
      return "13";
    case 0x0303:
      return "12";
    case 0x0302:
      return "11";
    case 0x0301:
      return "10";
    case 0x0300:
      return "s3";
    default:
      return "00";
  }
}

bool IsAlphanumeric(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

// First and last character, or, if one of these is none, of its bytes in hexadecimal.
std::string AlpnText(std::string_view alpn) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  if (alpn.empty()) return "00";
  const char first = alpn.front(), last = alpn.back();
  if (IsAlphanumeric(first) && IsAlphanumeric(last)) return {first, last};
  return {kDigits[Byte(first) >> 4], kDigits[Byte(last) & 0x0f]};
}

std::string Count(size_t count) {
  constexpr size_t kMost = 99;
  const size_t shown = std::min(count, kMost);
  return {static_cast<char>('0' + shown / 10), static_cast<char>('0' + shown % 10)};
}

void AppendList(const std::vector<uint16_t>& values, std::string* text) {
  for (size_t i = 0; i < values.size(); ++i) {
    char hex[6];
    snprintf(hex, sizeof(hex), i == 0 ? "%04x" : ",%04x", values[i]);
    text->append(hex);
  }
}

std::string Hash(std::string_view text) {
  return text.empty() ? std::string(kHashChars, '0') : ToHex(Sha256(text)).substr(0, kHashChars);
}

std::string Ja4(const Facts& facts) {
  std::vector<uint16_t> ciphers = facts.ciphers, extensions = facts.extensions;
  std::sort(ciphers.begin(), ciphers.end());
  std::sort(extensions.begin(), extensions.end());
  std::erase_if(extensions, [](uint16_t type) { return type == kServerName || type == kAlpn; });
  std::string cipher_text, extension_text;
  AppendList(ciphers, &cipher_text);
  AppendList(extensions, &extension_text);
  if (!extensions.empty() && !facts.signatures.empty()) {
    extension_text.push_back('_');
    AppendList(facts.signatures, &extension_text);
  }
  return StrCat("t", VersionText(facts.version), facts.has_name ? "d" : "i",
                Count(facts.ciphers.size()), Count(facts.extensions.size()), AlpnText(facts.alpn),
                "_", Hash(cipher_text), "_", Hash(extension_text));
}

// The handshake message that the records at the beginning hold; it may be cut. False: they hold
// something else.
bool JoinRecords(std::string_view stream, std::string* message) {
  Reader reader(stream);
  uint32_t type = 0, version = 0;
  std::string_view fragment;
  while (!reader.empty()) {
    if (!reader.TakeNumber(1, &type)) return false;
    if (type != kHandshake) return message->size() >= kMessageHeaderBytes;
    if (!reader.TakeNumber(2, &version)) return true;
    if (version >> 8 != 3) return false;
    const bool is_whole = reader.TakeVector(2, &fragment);
    if (fragment.size() > kMaxRecordBytes || (is_whole && fragment.empty())) return false;
    message->append(fragment);
    if (!is_whole) return true;
  }
  return true;
}

}  // namespace

std::optional<TlsHello> ParseTlsHello(std::string_view stream) {
  std::string records;
  TlsHello hello;
  Facts facts;
  uint32_t type = kClientHello;
  if (!JoinRecords(stream, &records)) return std::nullopt;
  Reader reader(records);
  if (reader.TakeNumber(1, &type) && type != kClientHello) return std::nullopt;
  std::string_view message;
  hello.is_complete = reader.TakeVector(3, &message);
  ReadHello(message, &facts, &hello.name);
  if (hello.is_complete && facts.is_whole) hello.ja4 = Ja4(facts);
  return hello;
}

}  // namespace vakt
