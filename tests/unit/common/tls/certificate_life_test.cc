// SPDX-License-Identifier: Apache-2.0
#include "common/tls/certificate_life.h"

#include <gtest/gtest.h>

#include <string>

#include "common/base/clock.h"
#include "tests/support/dev_certificates.h"

namespace vakt {
namespace {

constexpr int64_t kHourNs = 3600ll * 1'000'000'000;

TEST(CertificateLife, IsReadFromTheFirstCertificate) {
  TestAuthority authority;
  const CertificateSet set = authority.Issue("spiffe://test/x");
  const auto life = ParseCertificateLife(set.cert_pem);
  ASSERT_TRUE(life.ok()) << life.status();
  const int64_t now = RealClock().WallNs();
  EXPECT_NEAR(static_cast<double>(now - life->begin_wall_ns), 1.0 * kHourNs, 0.1 * kHourNs);
  EXPECT_NEAR(static_cast<double>(life->end_wall_ns - now), 24.0 * kHourNs, 0.1 * kHourNs);
}

TEST(CertificateLife, RefusesWhatIsNone) {
  TestAuthority authority;
  const CertificateSet set = authority.Issue("spiffe://test/x");
  EXPECT_FALSE(ParseCertificateLife("").ok());
  EXPECT_FALSE(ParseCertificateLife("\xff\x00\n").ok());
  EXPECT_FALSE(ParseCertificateLife(set.key_pem).ok());
  EXPECT_FALSE(ParseCertificateLife(set.cert_pem.substr(0, set.cert_pem.size() / 2)).ok());
  EXPECT_FALSE(ReadCertificateLife("/proc/none").ok());
}

// What is read of it is not checked by anybody else.
TEST(CertificateLife, TakesAnyBytes) {
  TestAuthority authority;
  const std::string whole = authority.Issue("spiffe://test/x").cert_pem;
  for (size_t at = whole.find('\n'); at < whole.size(); ++at) {
    for (const char c : {'/', 'A', 'w', '8'}) {
      std::string pem = whole;
      pem[at] = c;
      ParseCertificateLife(pem).IgnoreError();
    }
  }
}

}  // namespace
}  // namespace vakt
