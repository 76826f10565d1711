// SPDX-License-Identifier: Apache-2.0
#include "agent/uplink/failure_text.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace vakt {
namespace {

// gRPC reports a failed connection as one long line of nested causes; the first cause in this table
// that occurs in it is what matters.
struct Cause {
  const char* in_message;
  const char* text;
};

constexpr Cause kCauses[] = {
    {"Connection refused", "connection refused"},
    {"CERTIFICATE_VERIFY_FAILED",
     "its certificate is not signed by our CA, or is expired: check the CA certificate file"},
    {"Hostname Verification Check failed",
     "its certificate is for another name: check the collector address"},
    {"Peer name", "its certificate is for another name: check the collector address"},
    {"Ssl handshake failed", "TLS handshake failed: check that both sides trust the same CA"},
    {"SSL_ERROR", "TLS failed: check that both sides trust the same CA"},
    {"No route to host", "no route to host"},
    {"Network is unreachable", "network is unreachable"},
    {"DNS resolution failed", "name does not resolve"},
    {"Domain name not found", "name does not resolve"},
    {"Connection reset by peer", "connection reset by the collector"},
    {"Broken pipe", "connection closed by the collector"},
    {"Socket closed", "connection closed by the collector"},
    {"Timeout occurred", "connection timed out"},
    {"Connection timed out", "connection timed out"},
};

const char* CodeText(grpc::StatusCode code) {
  switch (code) {
    case grpc::StatusCode::OK:
      return "the collector ended the stream";
    case grpc::StatusCode::UNAUTHENTICATED:
      return "our certificate was refused";
    case grpc::StatusCode::PERMISSION_DENIED:
      return "permission denied";
    case grpc::StatusCode::RESOURCE_EXHAUSTED:
      return "a limit was reached";
    case grpc::StatusCode::INVALID_ARGUMENT:
      return "a message was refused";
    case grpc::StatusCode::UNIMPLEMENTED:
      return "it is not a Vakt collector";
    case grpc::StatusCode::UNAVAILABLE:
      return "unavailable";
    default:
      return "the stream broke";
  }
}

}  // namespace

std::string FailureText(const std::string& collector, const grpc::Status& status) {
  const std::string& message = status.error_message();
  if (status.error_code() == grpc::StatusCode::UNAVAILABLE) {
    for (const Cause& cause : kCauses) {
      if (absl::StrContains(message, cause.in_message)) {
        return absl::StrCat("collector ", collector, ": ", cause.text);
      }
    }
  }
  return absl::StrCat("collector ", collector, ": ", CodeText(status.error_code()),
                      message.empty() ? "" : ": ", message);
}

}  // namespace vakt
