// SPDX-License-Identifier: Apache-2.0
#include "agent/flow/dns_answer.h"

#include <algorithm>

#include "agent/flow/host_name.h"

namespace vakt {
namespace {

constexpr size_t kHeaderBytes = 12;
constexpr uint16_t kTypeA = 1, kTypeCname = 5, kTypeAaaa = 28, kClassIn = 1;
constexpr uint16_t kResponse = 0x8000, kOpcode = 0x7800, kTruncated = 0x0200, kRcode = 0x000f;
constexpr size_t kMaxNameBytes = 255;  // on the wire (RFC 1035, 3.1)
constexpr size_t kMaxAddresses = 64;
constexpr size_t kMaxAliases = 16;
constexpr int kMaxRecords = 256;

class Reader {
 public:
  explicit Reader(std::string_view message) : message_(message) {}

  // False, and nothing more to be had, when there are not so many bytes left.
  bool Take(size_t size, std::string_view* bytes) {
    if (message_.size() - at_ < size) return false;
    *bytes = message_.substr(at_, size);
    at_ += size;
    return true;
  }
  bool Take16(uint16_t* value) {
    std::string_view bytes;
    if (!Take(2, &bytes)) return false;
    *value = static_cast<uint16_t>(Byte(bytes[0]) << 8 | Byte(bytes[1]));
    return true;
  }
  bool Take32(uint32_t* value) {
    uint16_t high = 0, low = 0;
    if (!Take16(&high) || !Take16(&low)) return false;
    *value = static_cast<uint32_t>(high) << 16 | low;
    return true;
  }
  // Appends the labels with dots between them; null: the name is passed over. A pointer ends the
  // name here; what it points to lies before it, and so does each further one, so it ends.
  bool TakeName(std::string* name) {
    size_t at = at_, limit = at_, wire_bytes = 0;
    bool jumped = false;
    for (;;) {
      if (at >= message_.size()) return false;
      const uint8_t length = Byte(message_[at]);
      if ((length & 0xc0) == 0xc0) {
        if (message_.size() - at < 2) return false;
        const size_t target = static_cast<size_t>(length & 0x3f) << 8 | Byte(message_[at + 1]);
        if (!jumped) at_ = at + 2;
        jumped = true;
        if (target >= limit) return false;
        at = limit = target;
        continue;
      }
      if ((length & 0xc0) != 0 || message_.size() - at - 1 < length) return false;
      wire_bytes += length + size_t{1};
      if (wire_bytes > kMaxNameBytes) return false;
      if (length == 0) break;
      if (name != nullptr) AppendHostLabel(message_.substr(at + 1, length), name);
      at += length + size_t{1};
    }
    if (!jumped) at_ = at + 1;
    return true;
  }

 private:
  static uint8_t Byte(char c) { return static_cast<uint8_t>(c); }

  std::string_view message_;
  size_t at_ = 0;
};

struct Header {
  uint16_t id = 0, flags = 0, questions = 0, answers = 0, authorities = 0, additionals = 0;
};

bool TakeHeader(Reader& reader, Header* header) {
  return reader.Take16(&header->id) && reader.Take16(&header->flags) &&
         reader.Take16(&header->questions) && reader.Take16(&header->answers) &&
         reader.Take16(&header->authorities) && reader.Take16(&header->additionals);
}

// False: no further record can be read.
bool TakeRecord(Reader& reader, DnsAnswer* answer) {
  uint16_t type = 0, record_class = 0, size = 0;
  uint32_t ttl = 0;
  std::string_view data;
  if (!reader.TakeName(nullptr) || !reader.Take16(&type) || !reader.Take16(&record_class) ||
      !reader.Take32(&ttl) || !reader.Take16(&size)) {
    return false;
  }
  Reader target = reader;  // names in data point into the message
  if (!reader.Take(size, &data)) return false;
  if (record_class != kClassIn) return true;
  answer->ttl_seconds = answer->has_records ? std::min(answer->ttl_seconds, ttl) : ttl;
  answer->has_records = true;
  std::string alias;
  if (type == kTypeCname && answer->aliases.size() < kMaxAliases && target.TakeName(&alias)) {
    answer->aliases.push_back(std::move(alias));
  }
  const bool is_address = (type == kTypeA && size == 4) || (type == kTypeAaaa && size == 16);
  if (!is_address) return true;
  answer->addresses.push_back({std::string(data), ttl});
  return answer->addresses.size() < kMaxAddresses;
}

}  // namespace

std::optional<DnsAnswer> ParseDnsAnswer(std::string_view message) {
  static_assert(kHeaderBytes == sizeof(Header));
  Reader reader(message);
  Header header;
  uint16_t question_class = 0;
  DnsAnswer answer;
  if (!TakeHeader(reader, &header) || (header.flags & kResponse) == 0 ||
      (header.flags & kOpcode) != 0 || header.questions != 1) {
    return std::nullopt;
  }
  if (!reader.TakeName(&answer.name) || !reader.Take16(&answer.type) ||
      !reader.Take16(&question_class) || question_class != kClassIn || answer.name.empty()) {
    return std::nullopt;
  }
  answer.rcode = header.flags & kRcode;
  answer.truncated = (header.flags & kTruncated) != 0;
  answer.answers = header.answers;
  const int records = std::min<int>(header.answers, kMaxRecords);
  for (int i = 0; i < records && TakeRecord(reader, &answer); ++i) continue;
  if (answer.rcode != 0 || (answer.type != kTypeA && answer.type != kTypeAaaa)) {
    answer.addresses.clear();  // of no address of the name
  }
  return answer;
}

}  // namespace vakt
