// SPDX-License-Identifier: Apache-2.0
// vaktctl tokens new
#include <sys/random.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string>

#include "absl/strings/escaping.h"
#include "absl/time/clock.h"
#include "cli/json.h"
#include "cli/verbs.h"
#include "common/base/sha256.h"
#include "common/base/status.h"
#include "common/base/strings.h"
#include "common/base/text.h"

namespace vakt {
namespace {

constexpr size_t kSecretBytes = 32;
constexpr std::string_view kRoles[] = {"viewer", "analyst", "admin"};

absl::StatusOr<std::string> NewToken() {
  std::array<char, kSecretBytes> secret;
  // Up to 256 bytes come whole (getrandom(2)).
  if (getrandom(secret.data(), secret.size(), 0) != static_cast<ssize_t>(secret.size())) {
    return ErrnoStatus(errno, "getrandom");
  }
  return StrCat("vakt_",
                absl::WebSafeBase64Escape(absl::string_view(secret.data(), secret.size())));
}

bool IsName(std::string_view name) {
  return !name.empty() && name.find_first_not_of(
                              "abcdefghijklmnopqrstuvwxyz"
                              "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._") == std::string_view::npos;
}

}  // namespace

VerbResult TokensNew(const Invocation& invocation) {
  const std::string& name = invocation.arguments.operands()[0];
  const std::string& role = invocation.arguments.operands()[1];
  if (!IsName(name)) {
    return absl::InvalidArgumentError(
        StrCat("\"", EscapeUtf8(name), "\": a name has letters, digits, '-', '.' and '_' only"));
  }
  if (std::find(std::begin(kRoles), std::end(kRoles), role) == std::end(kRoles)) {
    return absl::InvalidArgumentError(
        StrCat("\"", EscapeUtf8(role), "\" is no role: viewer, analyst or admin"));
  }
  VAKT_ASSIGN_OR_RETURN(const std::string token, NewToken());
  std::string line = StrCat(name, " ", role, " ", ToHex(Sha256(token)));
  if (invocation.arguments.Has("--until")) {
    const absl::Time now = absl::Now();
    line += StrCat(" ", absl::FormatTime("%Y-%m-%dT%H:%M:%SZ",
                                         invocation.arguments.Moment("--until", now, now),
                                         absl::UTCTimeZone()));
  }
  if (invocation.json()) {
    invocation.console.Line(JsonObject().Add("token", token).Add("line", line).Text());
    return kSuccess;
  }
  invocation.console.Line(token);
  invocation.console.Note(StrCat("line for the collector's --token-file: ", line));
  return kSuccess;
}

}  // namespace vakt
