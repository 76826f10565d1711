// SPDX-License-Identifier: Apache-2.0
#include "cli/connection.h"

#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "common/base/file.h"
#include "common/base/status.h"
#include "common/base/strings.h"
#include "common/base/text.h"
#include "common/config/settings.h"

namespace vakt {
namespace {

// The collector speaks at least every 10 s on a stream, which also allows this ping: a network that
// dies silently is noticed within 40 s.
constexpr int kKeepaliveMs = 30'000;
constexpr int kKeepaliveTimeoutMs = 10'000;
constexpr size_t kMaxTokenBytes = 4096;
constexpr int kMaxMessageBytes = 64 << 20;  // a page of 1000 alerts with long command lines

absl::StatusOr<Settings> LoadSettings(const Invocation& invocation) {
  std::vector<std::string> words;
  for (const FlagRow& flag : FlagsOf(invocation.verb.peer)) {
    if (!invocation.arguments.Has(flag.name)) continue;
    words.push_back(StrCat(flag.name, "=", invocation.arguments.Text(flag.name)));
  }
  const auto environment = [](const std::string& name) -> const char* {
    return getenv(name.c_str());
  };
  return Settings::Load(Program::kVaktctl, words, environment);
}

absl::Status CheckAddress(std::string_view address) {
  const size_t colon = address.rfind(':');
  uint32_t port = 0;
  if (colon != std::string_view::npos && colon > 0 &&
      absl::SimpleAtoi(ToAbsl(address.substr(colon + 1)), &port) && port > 0 && port <= 65535) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(
      StrCat("--collector: \"", EscapeUtf8(address), "\" is not HOST:PORT"));
}

absl::StatusOr<std::string> ReadPem(std::string_view path, std::string_view flag) {
  if (path.empty()) {
    return absl::InvalidArgumentError(
        "the collector asks for a certificate: set --tls-ca, --tls-cert and --tls-key (or "
        "VAKT_TLS_CA, VAKT_TLS_CERT, VAKT_TLS_KEY); with --token-file, --tls-ca alone");
  }
  absl::StatusOr<std::string> pem = ReadFile(path);
  if (!pem.ok()) {
    return absl::Status(pem.status().code(), StrCat(flag, ": ", Message(pem.status())));
  }
  if (!absl::StrContains(*pem, "-----BEGIN ")) {
    return absl::FailedPreconditionError(StrCat(flag, ": ", EscapeUtf8(path), " is not PEM"));
  }
  return pem;
}

absl::StatusOr<std::shared_ptr<grpc::ChannelCredentials>> TokenCredentials(
    const Settings& settings, const std::string& path) {
  grpc::SslCredentialsOptions options;
  VAKT_ASSIGN_OR_RETURN(options.pem_root_certs, ReadPem(settings.Str("tls.ca"), "--tls-ca"));
  absl::StatusOr<std::string> token = ReadFile(path, kMaxTokenBytes);
  if (!token.ok()) {
    return absl::Status(token.status().code(), StrCat("--token-file: ", Message(token.status())));
  }
  absl::StripAsciiWhitespace(&*token);
  const bool printable = std::all_of(token->begin(), token->end(), absl::ascii_isgraph);
  if (token->empty() || !printable) {
    return absl::FailedPreconditionError(
        StrCat("--token-file: ", EscapeUtf8(path), " does not hold one token"));
  }
  return grpc::CompositeChannelCredentials(grpc::SslCredentials(options),
                                           grpc::AccessTokenCredentials(*token));
}

absl::StatusOr<std::shared_ptr<grpc::ChannelCredentials>> Credentials(const Settings& settings) {
  if (const std::string path = settings.Str("collector.token_file"); !path.empty()) {
    return TokenCredentials(settings, path);
  }
  grpc::SslCredentialsOptions options;
  VAKT_ASSIGN_OR_RETURN(options.pem_root_certs, ReadPem(settings.Str("tls.ca"), "--tls-ca"));
  VAKT_ASSIGN_OR_RETURN(options.pem_cert_chain, ReadPem(settings.Str("tls.cert"), "--tls-cert"));
  VAKT_ASSIGN_OR_RETURN(options.pem_private_key, ReadPem(settings.Str("tls.key"), "--tls-key"));
  return grpc::SslCredentials(options);
}

absl::StatusOr<std::shared_ptr<grpc::Channel>> DialCollector(const Settings& settings) {
  VAKT_ASSIGN_OR_RETURN(const std::shared_ptr<grpc::ChannelCredentials> credentials,
                        Credentials(settings));
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, kKeepaliveMs);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, kKeepaliveTimeoutMs);
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);  // nothing is left of older channels
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);  // mutual TLS goes straight to the collector
  arguments.SetMaxReceiveMessageSize(kMaxMessageBytes);
  if (const std::string name = settings.Str("tls.server_name"); !name.empty()) {
    arguments.SetSslTargetNameOverride(name);
  }
  return grpc::CreateCustomChannel(settings.Str("collector.address"), credentials, arguments);
}

// What gRPC's words for a connection that could not be made mean.
struct Cause {
  std::string_view sign;
  std::string_view text;
  std::string_view remedy;  // empty: the peer's own
};

constexpr Cause kCauses[] = {
    {"Connection refused", "connection refused", ""},
    {"No such file or directory", "no such file or directory", ""},
    {"Permission denied", "permission denied", "are you root?"},
    {"DNS resolution failed", "its name cannot be resolved", "--collector HOST:PORT"},
    {"CERTIFICATE_VERIFY_FAILED", "its certificate is not trusted",
     "does --tls-ca name the authority that issued it?"},
    {"is not in peer certificate", "its certificate is for another name",
     "set --tls-server-name to a name that is in it"},
    {"WRONG_VERSION_NUMBER", "it does not speak TLS", "--collector HOST:PORT"},
    {"CERTIFICATE_REQUIRED", "it wants a certificate", "set --tls-cert and --tls-key"},
    {"UNKNOWN_CA", "it does not trust the certificate of --tls-cert",
     "was it issued by the collector's authority?"},
    {"handshak", "the TLS handshake failed",
     "do --tls-ca, --tls-cert and --tls-key fit the collector and each other?"},
    {"Network is unreachable", "network is unreachable", "--collector HOST:PORT"},
    {"No route to host", "no route to host", "--collector HOST:PORT"},
    {"Socket closed", "it closed the connection", ""},
};

absl::Status Unreachable(std::string_view peer, std::string_view words, std::string_view remedy) {
  std::string text = EscapeUtf8(words);
  for (const Cause& cause : kCauses) {
    if (!absl::StrContains(ToAbsl(words), ToAbsl(cause.sign))) continue;
    text = cause.text;
    if (!cause.remedy.empty()) remedy = cause.remedy;
    break;
  }
  return absl::UnavailableError(StrCat("cannot reach ", peer, ": ", text, "; ", remedy));
}

}  // namespace

absl::Status Connection::CallError(const grpc::Status& status, std::string_view peer,
                                   std::string_view remedy) {
  const std::string words = EscapeUtf8(status.error_message());
  switch (status.error_code()) {
    case grpc::StatusCode::OK:
      return absl::OkStatus();
    case grpc::StatusCode::UNAVAILABLE:
      return Unreachable(peer, words, remedy);
    case grpc::StatusCode::CANCELLED:
      return absl::CancelledError(StrCat(peer, " ended the call"));
    case grpc::StatusCode::DEADLINE_EXCEEDED:
      return absl::DeadlineExceededError(
          StrCat(peer, " did not answer within ", absl::FormatDuration(kCallTimeout)));
    case grpc::StatusCode::UNAUTHENTICATED:
    case grpc::StatusCode::PERMISSION_DENIED:
      return absl::PermissionDeniedError(
          StrCat(peer, " refused: ", words,
                 " (--tls-cert must be a user's: spiffe://.../user/NAME/role/ROLE, or set "
                 "--token-file)"));
    case grpc::StatusCode::UNIMPLEMENTED:
      return absl::UnimplementedError(
          StrCat(peer, " does not know this call: is it older than this vaktctl?"));
    default:
      return absl::Status(static_cast<absl::StatusCode>(status.error_code()),
                          StrCat(peer, ": ", words));
  }
}

absl::StatusOr<Connection> Connection::ToCollector(const Invocation& invocation) {
  VAKT_ASSIGN_OR_RETURN(const Settings settings, LoadSettings(invocation));
  const std::string address = settings.Str("collector.address");
  VAKT_RETURN_IF_ERROR(CheckAddress(address));
  return Connection([settings] { return DialCollector(settings); },
                    StrCat("collector ", EscapeUtf8(address)),
                    "is vakt-collector running? (--collector HOST:PORT)");
}

absl::StatusOr<Connection> Connection::ToAgent(const Invocation& invocation) {
  VAKT_ASSIGN_OR_RETURN(const Settings settings, LoadSettings(invocation));
  const std::string directory = settings.Str("state.dir");
  const std::string path = StrCat(directory, "/admin.sock");
  const std::string remedy =
      StrCat("does vakt-agent run with --state-dir ", EscapeUtf8(directory), "?");
  if (path.size() >= sizeof(sockaddr_un::sun_path)) {  // unix(7)
    return absl::InvalidArgumentError(
        StrCat("--state-dir: ", EscapeUtf8(path), " is too long for a socket's path"));
  }
  if (access(path.c_str(), R_OK | W_OK) != 0) {
    const int err = errno;
    const absl::Status status =
        ErrnoStatus(err, StrCat("cannot reach the agent at ", EscapeUtf8(path)));
    return absl::Status(status.code(),
                        StrCat(Message(status), "; ", err == EACCES ? "are you root?" : remedy));
  }
  const auto dial = [path] {
    return grpc::CreateChannel(StrCat("unix:", path), grpc::InsecureChannelCredentials());
  };
  return Connection(dial, StrCat("agent at ", EscapeUtf8(path)), remedy);
}

}  // namespace vakt
