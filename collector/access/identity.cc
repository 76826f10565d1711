// SPDX-License-Identifier: Apache-2.0
#include "collector/access/identity.h"

#include <algorithm>
#include <vector>

#include "absl/status/status.h"
#include "common/base/strings.h"
#include "common/base/text.h"

namespace vakt {
namespace {

constexpr std::string_view kScheme = "spiffe://";
// SPIFFE-ID, section 2.3: implementations must support ids of up to 2048 bytes.
constexpr size_t kMaxUriBytes = 2048;
// Host names (RFC 1035) and the names of Kubernetes objects have at most 253.
constexpr size_t kMaxSegmentBytes = 253;

struct RoleRow {
  std::string_view name;
  Role role;
};
constexpr RoleRow kRoles[] = {
    {"viewer", Role::kViewer},
    {"analyst", Role::kAnalyst},
    {"admin", Role::kAdmin},
};

absl::Status Refuse(std::string_view uri) {
  return absl::PermissionDeniedError(
      StrCat("the certificate's URI \"", EscapeUtf8(uri.substr(0, kMaxUriBytes)),
             "\" is neither spiffe://<trust domain>/cluster/<cluster>/node/<node>/agent nor "
             "spiffe://<trust domain>/user/<name>/role/<viewer|analyst|admin>"));
}

}  // namespace

// The letters that SPIFFE allows in a path segment; nothing to decode, nothing to escape.
bool IsIdentitySegment(std::string_view segment) {
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_';
  };
  return !segment.empty() && segment.size() <= kMaxSegmentBytes && segment != "." &&
         segment != ".." && std::all_of(segment.begin(), segment.end(), allowed);
}

absl::StatusOr<Role> ParseRole(std::string_view name) {
  for (const auto& [known, role] : kRoles) {
    if (name == known) return role;
  }
  return absl::PermissionDeniedError(
      StrCat("\"", EscapeUtf8(name), "\" is no role: viewer, analyst or admin"));
}

namespace {

std::vector<std::string_view> SplitSegments(std::string_view path) {
  std::vector<std::string_view> segments;
  while (true) {
    const size_t slash = path.find('/');
    segments.push_back(path.substr(0, slash));
    if (slash == std::string_view::npos) return segments;
    path.remove_prefix(slash + 1);
  }
}

}  // namespace

absl::StatusOr<Identity> ParseIdentity(std::string_view uri) {
  if (uri.size() > kMaxUriBytes || !uri.starts_with(kScheme)) return Refuse(uri);
  const std::vector<std::string_view> parts = SplitSegments(uri.substr(kScheme.size()));
  if (!std::all_of(parts.begin(), parts.end(), IsIdentitySegment)) return Refuse(uri);
  const std::string trust_domain(parts[0]);
  if (parts.size() == 6 && parts[1] == "cluster" && parts[3] == "node" && parts[5] == "agent") {
    return AgentIdentity{trust_domain, std::string(parts[2]), std::string(parts[4])};
  }
  if (parts.size() == 5 && parts[1] == "user" && parts[3] == "role") {
    const absl::StatusOr<Role> role = ParseRole(parts[4]);
    if (role.ok()) return UserIdentity{trust_domain, std::string(parts[2]), *role};
  }
  return Refuse(uri);
}

}  // namespace vakt
