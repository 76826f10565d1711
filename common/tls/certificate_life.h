// SPDX-License-Identifier: Apache-2.0
// From when until when a certificate is valid. Threads: thread-safe.
#ifndef VAKT_COMMON_TLS_CERTIFICATE_LIFE_H_
#define VAKT_COMMON_TLS_CERTIFICATE_LIFE_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace vakt {

struct CertificateLife {
  int64_t begin_wall_ns = 0;
  int64_t end_wall_ns = 0;
};

// Of the first certificate in a PEM text, which may be anything.
absl::StatusOr<CertificateLife> ParseCertificateLife(std::string_view pem);
absl::StatusOr<CertificateLife> ReadCertificateLife(const std::string& path);

}  // namespace vakt

#endif  // VAKT_COMMON_TLS_CERTIFICATE_LIFE_H_
