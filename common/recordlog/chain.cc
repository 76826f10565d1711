// SPDX-License-Identifier: Apache-2.0
#include "common/recordlog/chain.h"

#include <openssl/evp.h>

#include <algorithm>
#include <cstdlib>
#include <memory>

#include "absl/strings/escaping.h"
#include "common/recordlog/record_format.h"

namespace vakt {
namespace {

// OpenSSL looks an algorithm up by name for each use of EVP_sha256(): 0.3 us that a record does not
// need twice. Fetched once, for the life of the process.
const EVP_MD* Algorithm() {
  static const EVP_MD* const algorithm = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  return algorithm;
}

// One context per thread: making one costs as much as hashing a short record.
EVP_MD_CTX* Context() {
  thread_local const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(
      EVP_MD_CTX_new(), EVP_MD_CTX_free);
  return context.get();
}

ChainHash Hash(std::string_view head, std::string_view tail) {
  ChainHash hash;
  EVP_MD_CTX* const context = Context();
  const bool hashed = EVP_DigestInit_ex2(context, Algorithm(), nullptr) == 1 &&
                      EVP_DigestUpdate(context, head.data(), head.size()) == 1 &&
                      EVP_DigestUpdate(context, tail.data(), tail.size()) == 1 &&
                      EVP_DigestFinal_ex(context, hash.data(), nullptr) == 1;
  if (!hashed) std::abort();  // no memory, or an OpenSSL without SHA-256
  return hash;
}

}  // namespace

ChainHash NextChainHash(const ChainHash& before, const ChainedRecord& record) {
  std::string head;
  head.reserve(kChainHashBytes + 17);
  head.append(AsBytes(before));
  AppendLittleEndian(record.epoch, 8, &head);
  AppendLittleEndian(record.seq, 8, &head);
  AppendLittleEndian(record.record_class, 1, &head);
  return Hash(head, record.bytes);
}

ChainHash Sha256(std::string_view bytes) { return Hash(bytes, {}); }

std::string_view AsBytes(const ChainHash& hash) {
  return {reinterpret_cast<const char*>(hash.data()), hash.size()};
}

std::optional<ChainHash> ChainHashFromBytes(std::string_view bytes) {
  if (bytes.size() != kChainHashBytes) return std::nullopt;
  ChainHash hash;
  std::copy(bytes.begin(), bytes.end(), hash.begin());
  return hash;
}

std::string ToHex(const ChainHash& hash) {
  return absl::BytesToHexString(absl::string_view(AsBytes(hash).data(), hash.size()));
}

std::optional<ChainHash> ChainHashFromHex(std::string_view hex) {
  const auto is_digit = [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
  };
  if (hex.size() != 2 * kChainHashBytes || !std::all_of(hex.begin(), hex.end(), is_digit)) {
    return std::nullopt;
  }
  return ChainHashFromBytes(absl::HexStringToBytes(absl::string_view(hex.data(), hex.size())));
}

}  // namespace vakt
