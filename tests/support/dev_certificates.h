// SPDX-License-Identifier: Apache-2.0
// A throw-away certificate authority for tests of mTLS: P-256 keys, valid for one day, issued in
// memory. A test that needs an untrusted peer makes a second authority.
//
//   TestAuthority authority;
//   const CertificateSet agent = authority.Issue("spiffe://test/cluster/c/node/n1/agent");
//
// Thread-compatible. Aborts if OpenSSL fails: a test cannot go on without.
#ifndef VAKT_TESTS_SUPPORT_DEV_CERTIFICATES_H_
#define VAKT_TESTS_SUPPORT_DEV_CERTIFICATES_H_

#include <memory>
#include <string>
#include <vector>

struct evp_pkey_st;
struct x509_st;

namespace vakt {

// PEM text. `ca_pem` is the authority's certificate: what a peer must trust.
struct CertificateSet {
  std::string ca_pem;
  std::string cert_pem;
  std::string key_pem;
};

// The same three in files of a directory: ca.pem, cert.pem, key.pem.
struct CertificateFiles {
  std::string ca;
  std::string cert;
  std::string key;
};

// `directory` must exist.
CertificateFiles WriteCertificates(const CertificateSet& set, const std::string& directory);

class TestAuthority {
 public:
  TestAuthority();
  ~TestAuthority();
  TestAuthority(const TestAuthority&) = delete;
  TestAuthority& operator=(const TestAuthority&) = delete;

  // A certificate for both ends of TLS with these subject alternative names, and 127.0.0.1. An
  // empty `uri_san` leaves the URI out.
  CertificateSet Issue(const std::string& uri_san,
                       const std::vector<std::string>& dns_names = {"localhost"});

 private:
  struct FreeKey {
    void operator()(evp_pkey_st* key) const;
  };
  struct FreeCertificate {
    void operator()(x509_st* certificate) const;
  };
  using Key = std::unique_ptr<evp_pkey_st, FreeKey>;
  using Certificate = std::unique_ptr<x509_st, FreeCertificate>;

  static Key MakeKey();
  // `names`: in the notation of x509v3_config(5); empty for the authority itself.
  Certificate MakeCertificate(const std::string& common_name, evp_pkey_st* key,
                              const std::string& names);

  Key key_;
  Certificate certificate_;
  long next_serial_ = 1;
};

}  // namespace vakt

#endif  // VAKT_TESTS_SUPPORT_DEV_CERTIFICATES_H_
