// SPDX-License-Identifier: Apache-2.0
#include "tests/support/dev_certificates.h"

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>

namespace vakt {
namespace {

constexpr long kClockSkewSeconds = 60 * 60;
constexpr long kLifetimeSeconds = 24 * 60 * 60;

void Require(bool success, const char* what) {
  if (success) return;
  fprintf(stderr, "dev_certificates: %s failed\n", what);
  ERR_print_errors_fp(stderr);
  abort();
}

void AddExtension(X509* certificate, X509* issuer, int id, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, id, value.c_str());
  Require(extension != nullptr, "X509V3_EXT_conf_nid");
  Require(X509_add_ext(certificate, extension, -1) == 1, "X509_add_ext");
  X509_EXTENSION_free(extension);
}

template <typename Write>
std::string ToPem(Write write) {
  std::unique_ptr<BIO, int (*)(BIO*)> bio(BIO_new(BIO_s_mem()), BIO_free);
  Require(bio != nullptr && write(bio.get()) == 1, "PEM_write_bio");
  char* text = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &text);
  return std::string(text, static_cast<size_t>(size));
}

std::string CertificatePem(X509* certificate) {
  return ToPem([certificate](BIO* bio) { return PEM_write_bio_X509(bio, certificate); });
}

std::string WriteFile(const std::string& path, const std::string& text) {
  std::ofstream file(path, std::ios::trunc);
  file << text;
  file.close();
  Require(file.good(), path.c_str());
  return path;
}

}  // namespace

void TestAuthority::FreeKey::operator()(evp_pkey_st* key) const { EVP_PKEY_free(key); }
void TestAuthority::FreeCertificate::operator()(x509_st* certificate) const {
  X509_free(certificate);
}

CertificateFiles WriteCertificates(const CertificateSet& set, const std::string& directory) {
  return {WriteFile(directory + "/ca.pem", set.ca_pem),
          WriteFile(directory + "/cert.pem", set.cert_pem),
          WriteFile(directory + "/key.pem", set.key_pem)};
}

TestAuthority::TestAuthority()
    : key_(MakeKey()), certificate_(MakeCertificate("Vakt test authority", key_.get(), "")) {}

TestAuthority::~TestAuthority() = default;

TestAuthority::Key TestAuthority::MakeKey() {
  Key key(EVP_EC_gen("P-256"));
  Require(key != nullptr, "EVP_EC_gen");
  return key;
}

TestAuthority::Certificate TestAuthority::MakeCertificate(const std::string& common_name,
                                                          EVP_PKEY* key, const std::string& names) {
  const bool is_authority = names.empty();
  Certificate certificate(X509_new());
  Require(certificate != nullptr, "X509_new");
  X509* x509 = certificate.get();
  X509_set_version(x509, X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(x509), next_serial_++);
  X509_gmtime_adj(X509_getm_notBefore(x509), -kClockSkewSeconds);
  X509_gmtime_adj(X509_getm_notAfter(x509), kLifetimeSeconds);
  X509_set_pubkey(x509, key);
  X509_NAME_add_entry_by_txt(X509_get_subject_name(x509), "CN", MBSTRING_UTF8,
                             reinterpret_cast<const unsigned char*>(common_name.c_str()), -1, -1,
                             0);
  X509* issuer = is_authority ? x509 : certificate_.get();
  X509_set_issuer_name(x509, X509_get_subject_name(issuer));
  AddExtension(x509, issuer, NID_basic_constraints,
               is_authority ? "critical,CA:TRUE" : "critical,CA:FALSE");
  if (is_authority) {
    AddExtension(x509, issuer, NID_key_usage, "critical,keyCertSign,cRLSign");
  } else {
    AddExtension(x509, issuer, NID_ext_key_usage, "serverAuth,clientAuth");
    AddExtension(x509, issuer, NID_subject_alt_name, names);
  }
  Require(X509_sign(x509, key_.get(), EVP_sha256()) > 0, "X509_sign");
  return certificate;
}

CertificateSet TestAuthority::Issue(const std::string& uri_san,
                                    const std::vector<std::string>& dns_names) {
  std::string names = "IP:127.0.0.1";
  if (!uri_san.empty()) names += ",URI:" + uri_san;
  for (const std::string& name : dns_names) names += ",DNS:" + name;
  const Key key = MakeKey();
  const Certificate certificate = MakeCertificate("vakt test", key.get(), names);
  return {CertificatePem(certificate_.get()), CertificatePem(certificate.get()),
          ToPem([&key](BIO* bio) {
            return PEM_write_bio_PrivateKey(bio, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
          })};
}

}  // namespace vakt
