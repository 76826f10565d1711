// SPDX-License-Identifier: Apache-2.0
#include "common/base/sha256.h"

#include <openssl/evp.h>

#include <algorithm>
#include <cstdlib>
#include <memory>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"

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

}  // namespace

Sha256Hash Sha256(std::string_view head, std::string_view tail) {
  Sha256Hash hash;
  EVP_MD_CTX* const context = Context();
  const bool hashed = EVP_DigestInit_ex2(context, Algorithm(), nullptr) == 1 &&
                      EVP_DigestUpdate(context, head.data(), head.size()) == 1 &&
                      EVP_DigestUpdate(context, tail.data(), tail.size()) == 1 &&
                      EVP_DigestFinal_ex(context, hash.data(), nullptr) == 1;
  if (!hashed) std::abort();  // no memory, or an OpenSSL without SHA-256
  return hash;
}

std::string ToHex(const Sha256Hash& hash) {
  return absl::BytesToHexString({reinterpret_cast<const char*>(hash.data()), hash.size()});
}

std::optional<Sha256Hash> Sha256FromHex(std::string_view hex) {
  const auto is_digit = [](char c) { return absl::ascii_isxdigit(static_cast<unsigned char>(c)); };
  if (hex.size() != 2 * kSha256Bytes || !std::all_of(hex.begin(), hex.end(), is_digit)) {
    return std::nullopt;
  }
  const std::string bytes = absl::HexStringToBytes(absl::string_view(hex.data(), hex.size()));
  Sha256Hash hash;
  std::copy(bytes.begin(), bytes.end(), hash.begin());
  return hash;
}

}  // namespace vakt
