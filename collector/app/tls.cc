// SPDX-License-Identifier: Apache-2.0
#include "collector/app/tls.h"

#include <grpcpp/security/tls_certificate_provider.h>
#include <grpcpp/security/tls_credentials_options.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include "absl/status/status.h"
#include "common/base/file.h"
#include "common/base/status.h"
#include "common/base/strings.h"

namespace vakt {
namespace {

constexpr unsigned int kReloadSeconds = 10;
constexpr size_t kMaxPemBytes = 4 << 20;

absl::Status CheckUse(int outcome, const std::string& path, const char* what) {
  if (outcome == 1) return absl::OkStatus();
  const char* reason = ERR_reason_error_string(ERR_peek_last_error());
  ERR_clear_error();
  return absl::InvalidArgumentError(StrCat(path, ": cannot be used as ", what,
                                           reason == nullptr ? "" : ": ",
                                           reason == nullptr ? "" : reason));
}

// gRPC takes any files and refuses every connection afterwards: find that out now.
absl::Status CheckFiles(const TlsFiles& files) {
  for (const std::string& path : {files.ca, files.cert, files.key}) {
    VAKT_RETURN_IF_ERROR(ReadFile(path, kMaxPemBytes).status());
  }
  const std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context(SSL_CTX_new(TLS_server_method()),
                                                                  SSL_CTX_free);
  if (context == nullptr) return absl::ResourceExhaustedError("OpenSSL: out of memory");
  SSL_CTX* const ssl = context.get();
  VAKT_RETURN_IF_ERROR(CheckUse(SSL_CTX_load_verify_locations(ssl, files.ca.c_str(), nullptr),
                                files.ca, "certificate authorities"));
  VAKT_RETURN_IF_ERROR(CheckUse(SSL_CTX_use_certificate_chain_file(ssl, files.cert.c_str()),
                                files.cert, "certificate chain"));
  // Also compares the key with the certificate.
  return CheckUse(SSL_CTX_use_PrivateKey_file(ssl, files.key.c_str(), SSL_FILETYPE_PEM), files.key,
                  "private key of the certificate");
}

}  // namespace

absl::StatusOr<std::shared_ptr<grpc::ServerCredentials>> ServerTls(const TlsFiles& files,
                                                                   bool demanded) {
  VAKT_RETURN_IF_ERROR(CheckFiles(files));
  grpc::experimental::TlsServerCredentialsOptions options(
      std::make_shared<grpc::experimental::FileWatcherCertificateProvider>(
          files.key, files.cert, files.ca, kReloadSeconds));
  options.watch_root_certs();
  options.watch_identity_key_cert_pairs();
  options.set_cert_request_type(demanded
                                    ? GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY
                                    : GRPC_SSL_REQUEST_CLIENT_CERTIFICATE_AND_VERIFY);
  return grpc::experimental::TlsServerCredentials(options);
}

}  // namespace vakt
