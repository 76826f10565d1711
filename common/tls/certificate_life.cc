// SPDX-License-Identifier: Apache-2.0
#include "common/tls/certificate_life.h"

#include <openssl/asn1.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <algorithm>
#include <ctime>
#include <memory>

#include "common/base/file.h"
#include "common/base/status.h"
#include "common/base/strings.h"

namespace vakt {
namespace {

constexpr size_t kMaxBytes = 1 << 20;
constexpr int64_t kNsPerSecond = 1'000'000'000;
constexpr int64_t kMaxSeconds = INT64_MAX / kNsPerSecond;  // the year 2262

using Time = std::unique_ptr<ASN1_TIME, void (*)(ASN1_TIME*)>;

absl::StatusOr<int64_t> WallNs(const Time& time) {
  std::tm parts = {};
  if (time == nullptr || ASN1_TIME_to_tm(time.get(), &parts) != 1) {
    return absl::InvalidArgumentError("a time in the certificate is malformed");
  }
  const int64_t seconds = timegm(&parts);
  return std::min(std::max(seconds, -kMaxSeconds), kMaxSeconds) * kNsPerSecond;
}

// Reads DER from its beginning, as far as one asks.
class DerReader {
 public:
  DerReader(const unsigned char* begin, long size) : at_(begin), end_(begin + size) {}

  // Goes into the next element, which must have this tag; or passes it by.
  bool Enter(int tag) { return Next(tag, V_ASN1_UNIVERSAL, false); }
  bool Skip(int tag) { return Next(tag, V_ASN1_UNIVERSAL, true); }
  void SkipTagged(int tag) { Next(tag, V_ASN1_CONTEXT_SPECIFIC, true); }
  // Null: it is none.
  Time TakeTime() { return Time(d2i_ASN1_TIME(nullptr, &at_, end_ - at_), ASN1_TIME_free); }

 private:
  bool Next(int tag, int wanted_class, bool skip) {
    const unsigned char* content = at_;
    long length = 0;
    int found_tag = 0, found_class = 0;
    const int outcome = ASN1_get_object(&content, &length, &found_tag, &found_class, end_ - at_);
    if ((outcome & 0x80) != 0 || found_tag != tag || found_class != wanted_class) return false;
    at_ = skip ? content + length : content;
    if (!skip) end_ = content + length;
    return true;
  }

  const unsigned char* at_;
  const unsigned char* end_;
};

}  // namespace

// Not by d2i_X509: that makes a key of the certificate's, which costs OpenSSL 3 a fifth of a
// millisecond, and the collector asks for each agent that connects.
absl::StatusOr<CertificateLife> ParseCertificateLife(std::string_view pem) {
  const std::unique_ptr<BIO, int (*)(BIO*)> bio(
      BIO_new_mem_buf(pem.data(), static_cast<int>(std::min(pem.size(), kMaxBytes))), BIO_free);
  unsigned char* bytes = nullptr;
  long size = 0;
  const bool found = bio != nullptr && PEM_bytes_read_bio(&bytes, &size, nullptr, PEM_STRING_X509,
                                                          bio.get(), nullptr, nullptr) == 1;
  const std::unique_ptr<unsigned char, void (*)(unsigned char*)> owned(
      bytes, [](unsigned char* some) { OPENSSL_free(some); });
  // RFC 5280, 4.1: the certificate, what is signed of it, version, serial number, algorithm,
  // issuer, and there it is.
  DerReader der(bytes, found ? size : 0);
  bool good = found && der.Enter(V_ASN1_SEQUENCE) && der.Enter(V_ASN1_SEQUENCE);
  der.SkipTagged(0);
  good = good && der.Skip(V_ASN1_INTEGER) && der.Skip(V_ASN1_SEQUENCE) &&
         der.Skip(V_ASN1_SEQUENCE) && der.Enter(V_ASN1_SEQUENCE);
  const Time begin = good ? der.TakeTime() : Time(nullptr, ASN1_TIME_free);
  const Time end = good ? der.TakeTime() : Time(nullptr, ASN1_TIME_free);
  ERR_clear_error();
  if (!good) return absl::InvalidArgumentError("there is no certificate in it");
  CertificateLife life;
  VAKT_ASSIGN_OR_RETURN(life.begin_wall_ns, WallNs(begin));
  VAKT_ASSIGN_OR_RETURN(life.end_wall_ns, WallNs(end));
  return life;
}

absl::StatusOr<CertificateLife> ReadCertificateLife(const std::string& path) {
  VAKT_ASSIGN_OR_RETURN(const std::string pem, ReadFile(path, kMaxBytes));
  return ParseCertificateLife(pem);
}

}  // namespace vakt
