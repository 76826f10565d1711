// SPDX-License-Identifier: Apache-2.0
// The URI in a certificate: signed by an authority that may sign what its requesters ask for, so
// its text is untrusted. What is accepted can be written in one way only, and it is the one that
// came.
//
//   identity_fuzz -max_len=2100 corpus/
#include <cstdint>
#include <string>
#include <string_view>

#include "collector/access/identity.h"
#include "common/base/strings.h"

namespace vakt {
namespace {

std::string_view RoleName(Role role) {
  for (const std::string_view name : {"viewer", "analyst", "admin"}) {
    if (ParseRole(name).value() == role) return name;
  }
  __builtin_trap();
}

std::string UriOf(const Identity& identity) {
  if (const auto* agent = std::get_if<AgentIdentity>(&identity)) {
    return StrCat("spiffe://", agent->trust_domain, "/cluster/", agent->cluster, "/node/",
                  agent->node, "/agent");
  }
  const auto& user = std::get<UserIdentity>(identity);
  return StrCat("spiffe://", user.trust_domain, "/user/", user.name, "/role/", RoleName(user.role));
}

void Try(std::string_view uri) {
  const auto identity = ParseIdentity(uri);
  if (identity.ok() && UriOf(*identity) != uri) __builtin_trap();
}

}  // namespace
}  // namespace vakt

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  vakt::Try(bytes);
  vakt::Try(vakt::StrCat("spiffe://test/cluster/", bytes));
  vakt::Try(vakt::StrCat("spiffe://test/user/", bytes));
  return 0;
}
