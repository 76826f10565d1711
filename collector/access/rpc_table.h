// SPDX-License-Identifier: Apache-2.0
// Who may call what: one row per RPC of the collector. A service names its row in every method, and
// a name without a row does not compile; a test calls every method of every service with every
// role and compares with the rows.
//
// Threads: the table is constant.
#ifndef VAKT_COLLECTOR_ACCESS_RPC_TABLE_H_
#define VAKT_COLLECTOR_ACCESS_RPC_TABLE_H_

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <string_view>

#include "absl/types/span.h"
#include "collector/access/identity.h"

namespace vakt {

// Of users each one includes those before it.
enum class Access : uint8_t { kAgent, kViewer, kAnalyst, kAdmin };

struct RpcRow {
  std::string_view method;  // "Alerts/Query", in package vakt.v1
  Access needs;
  bool audited;  // each call is in the audit log: it reads alert data, or changes something
  std::string_view text;  // for the reference
};

// clang-format off
inline constexpr RpcRow kRpcs[] = {
    {"Ingest/Connect", Access::kAgent, false, "An agent's stream of records."},
    {"Alerts/Subscribe", Access::kViewer, true, "Follow alerts as they are stored."},
    {"Alerts/Query", Access::kViewer, true, "Search stored alerts."},
    {"Alerts/GetAlert", Access::kViewer, true, "One alert with its evidence."},
    {"Alerts/UpdateAlert", Access::kAnalyst, true, "Set an alert's status, verdict, assignee; add a note."},
    {"Alerts/Acknowledge", Access::kViewer, false, "Move a named consumer forward."},
    {"Alerts/ListConsumers", Access::kViewer, false, "Named consumers and where they stand."},
    {"Alerts/DeleteConsumer", Access::kViewer, true, "Forget a named consumer."},
    {"Flows/ListFlows", Access::kViewer, true, "Search stored flow records: who talked to whom."},
    {"Fleet/ListNodes", Access::kViewer, false, "The nodes and their state."},
    {"Fleet/WatchNodes", Access::kViewer, false, "Follow the nodes' states."},
    {"Fleet/ForgetNode", Access::kAdmin, true, "Forget a node that is gone for good."},
    {"Admin/ListMalformed", Access::kAdmin, true, "What a node sent that could not be taken."},
    {"Admin/ListAudit", Access::kAdmin, true, "Who has read and changed what."},
    {"Admin/Backup", Access::kAdmin, true, "Copy the store while it is in use."},
};
// clang-format on

inline absl::Span<const RpcRow> AllRpcs() { return kRpcs; }

// A row by its name, found when it is compiled: RpcId("Alerts/Query").
class RpcId {
 public:
  consteval RpcId(const char* method) {  // NOLINT(google-explicit-constructor)
    while (index_ < std::size(kRpcs) && kRpcs[index_].method != method) ++index_;
    if (index_ == std::size(kRpcs)) throw "no RPC of this name: see kRpcs";
  }
  const RpcRow& row() const { return kRpcs[index_]; }

 private:
  size_t index_ = 0;
};

constexpr Access AccessOf(Role role) {
  switch (role) {
    case Role::kViewer:
      return Access::kViewer;
    case Role::kAnalyst:
      return Access::kAnalyst;
    case Role::kAdmin:
      return Access::kAdmin;
  }
  return Access::kViewer;
}
std::string_view AccessName(Access access);  // "agent", "viewer", ...

}  // namespace vakt

#endif  // VAKT_COLLECTOR_ACCESS_RPC_TABLE_H_
