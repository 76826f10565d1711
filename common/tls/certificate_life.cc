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

absl::StatusOr<int64_t> WallNs(const ASN1_TIME* time) {
  std::tm parts = {};
  if (time == nullptr || ASN1_TIME_to_tm(time, &parts) != 1) {
    return absl::InvalidArgumentError("a time in the certificate is malformed");
  }
  const int64_t seconds = timegm(&parts);
  return std::min(std::max(seconds, -kMaxSeconds), kMaxSeconds) * kNsPerSecond;
}

}  // namespace

absl::StatusOr<CertificateLife> ParseCertificateLife(std::string_view pem) {
  const std::unique_ptr<BIO, int (*)(BIO*)> bio(
      BIO_new_mem_buf(pem.data(), static_cast<int>(std::min(pem.size(), kMaxBytes))), BIO_free);
  const std::unique_ptr<X509, void (*)(X509*)> certificate(
      bio == nullptr ? nullptr : PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr),
      X509_free);
  ERR_clear_error();
  if (certificate == nullptr) return absl::InvalidArgumentError("there is no certificate in it");
  CertificateLife life;
  VAKT_ASSIGN_OR_RETURN(life.begin_wall_ns, WallNs(X509_get0_notBefore(certificate.get())));
  VAKT_ASSIGN_OR_RETURN(life.end_wall_ns, WallNs(X509_get0_notAfter(certificate.get())));
  return life;
}

absl::StatusOr<CertificateLife> ReadCertificateLife(const std::string& path) {
  VAKT_ASSIGN_OR_RETURN(const std::string pem, ReadFile(path, kMaxBytes));
  return ParseCertificateLife(pem);
}

}  // namespace vakt
