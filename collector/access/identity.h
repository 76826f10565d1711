// SPDX-License-Identifier: Apache-2.0
// Who a peer is, from the SPIFFE id in its certificate:
//
//   spiffe://<trust domain>/cluster/<cluster>/node/<node>/agent     an agent
//   spiffe://<trust domain>/user/<name>/role/<viewer|analyst|admin>  an analyst or a SIEM
//
// The certificate's signature is checked before (TLS), its text is not: everything that does not
// follow the form exactly is refused. Threads: thread-safe.
#ifndef VAKT_COLLECTOR_ACCESS_IDENTITY_H_
#define VAKT_COLLECTOR_ACCESS_IDENTITY_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "absl/status/statusor.h"

namespace vakt {

struct AgentIdentity {
  std::string trust_domain;
  std::string cluster;
  std::string node;
};

enum class Role : uint8_t { kViewer, kAnalyst, kAdmin };

struct UserIdentity {
  std::string trust_domain;
  std::string name;
  Role role = Role::kViewer;
};

// PERMISSION_DENIED: no such role.
absl::StatusOr<Role> ParseRole(std::string_view name);
// A name as the forms above allow it: letters, digits, '-', '.' and '_'.
bool IsIdentitySegment(std::string_view segment);

using Identity = std::variant<AgentIdentity, UserIdentity>;

// PERMISSION_DENIED when `uri` is none of the forms above.
absl::StatusOr<Identity> ParseIdentity(std::string_view uri);

}  // namespace vakt

#endif  // VAKT_COLLECTOR_ACCESS_IDENTITY_H_
