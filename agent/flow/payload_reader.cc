// SPDX-License-Identifier: Apache-2.0
#include "agent/flow/payload_reader.h"

#include <algorithm>
#include <cstring>
#include <optional>
#include <string>
#include <utility>

namespace vakt {
namespace {

constexpr size_t kLengthBytes = 2;  // before each message of a stream (RFC 1035, 4.2.2)

std::string_view BytesOf(RawRecord record, const vakt_payload& about) {
  const auto* all = reinterpret_cast<const char*>(record.data());
  const std::string_view bytes(all + sizeof(about), record.size() - sizeof(about));
  return bytes.substr(0, about.size);
}

}  // namespace

PayloadReader::PayloadReader(TakeAnswer take_answer, TakeHello take_hello)
    : take_answer_(std::move(take_answer)), take_hello_(std::move(take_hello)) {}

void PayloadReader::ReadAnswer(vakt_payload about, std::string_view message, bool is_cut) {
  const std::optional<DnsAnswer> answer = ParseDnsAnswer(message);
  const bool has_addresses = answer.has_value() && !answer->addresses.empty();
  ++(has_addresses ? counters_.answers_learned : counters_.answers_ignored);
  about.truncated = is_cut ? 1 : 0;
  if (answer.has_value()) take_answer_(about, *answer, message.size());
}

// Messages one behind the other, each with its length before it.
void PayloadReader::ReadAnswers(const vakt_payload& about, std::string_view bytes) {
  StreamTable::Stream* stream = answers_.Add(about, bytes);
  if (stream == nullptr) {
    ++counters_.answers_ignored;
    return;
  }
  std::string_view rest = stream->bytes;
  while (rest.size() >= kLengthBytes) {
    const size_t size = static_cast<uint8_t>(rest[0]) << 8 | static_cast<uint8_t>(rest[1]);
    const bool is_whole = rest.size() - kLengthBytes >= size;
    if (!is_whole && !stream->is_ended) break;
    ReadAnswer(about, rest.substr(kLengthBytes, size), !is_whole);
    rest.remove_prefix(std::min(kLengthBytes + size, rest.size()));
  }
  if (stream->is_ended) return answers_.Forget(about);
  stream->bytes.erase(0, stream->bytes.size() - rest.size());
}

// A name is told as soon as it is there, and again with the fingerprint.
void PayloadReader::ReadHello(const vakt_payload& about, std::string_view bytes) {
  StreamTable::Stream* stream = hellos_.Add(about, bytes);
  if (stream == nullptr) return;
  const std::optional<TlsHello> hello = ParseTlsHello(stream->bytes);
  const bool is_useful = hello.has_value() && !(hello->name.empty() && hello->ja4.empty());
  if (is_useful) take_hello_(about, *hello);
  if (hello.has_value() && !hello->is_complete && !stream->is_ended) return;
  ++(is_useful ? counters_.hellos_learned : counters_.hellos_ignored);
  hellos_.Forget(about);
}

bool PayloadReader::Read(RawRecord record) {
  vakt_header header;
  vakt_payload about;
  if (record.size() < sizeof(header)) return false;
  std::memcpy(&header, record.data(), sizeof(header));
  if (header.kind != VAKT_FLOWS_KIND) return false;
  if (record.size() < sizeof(about)) {
    ++counters_.answers_ignored;
    return true;
  }
  std::memcpy(&about, record.data(), sizeof(about));
  const std::string_view bytes = BytesOf(record, about);
  if (about.what == VAKT_PAYLOAD_DNS) ReadAnswer(about, bytes, about.truncated != 0);
  if (about.what == VAKT_PAYLOAD_DNS_STREAM) ReadAnswers(about, bytes);
  if (about.what == VAKT_PAYLOAD_TLS_STREAM) ReadHello(about, bytes);
  return true;
}

}  // namespace vakt
