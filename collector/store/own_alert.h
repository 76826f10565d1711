// SPDX-License-Identifier: Apache-2.0
// Alerts that the collector raises itself, about the nodes and about itself: one row each. They are
// stored, delivered and searched like those of agents; their `source` is "collector" and their
// node is the one that they are about.
//
// Threads: the table is constant; the functions are thread-safe.
#ifndef VAKT_COLLECTOR_STORE_OWN_ALERT_H_
#define VAKT_COLLECTOR_STORE_OWN_ALERT_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/types/span.h"
#include "collector/store/node_key.h"
#include "vakt/v1/alert.pb.h"

namespace vakt {

// The boot id of records that the collector wrote itself.
inline constexpr std::string_view kOwnBootId = "collector";
inline constexpr std::string_view kOwnSource = "collector";

enum class OwnAlert : uint8_t {
  kStreamRestarted,
  kStreamRolledBack,
  kStreamForked,
  kStreamAltered,
  kStreamUnchained,
  kForgedIdentity,
  kSetAside,
};

struct OwnAlertRow {
  OwnAlert id;
  std::string_view rule;
  v1::Priority priority;
  std::string_view technique;  // of MITRE ATT&CK; empty: none
  std::string_view text;       // what it means and what to do; the alert's output begins with it
};

absl::Span<const OwnAlertRow> AllOwnAlerts();
const OwnAlertRow& RowOf(OwnAlert id);

// `detail`: what was seen, for people. Strings may hold anything. The store adds the uid.
v1::Alert MakeOwnAlert(OwnAlert id, const NodeKey& about, std::string_view detail, int64_t wall_ns);

}  // namespace vakt

#endif  // VAKT_COLLECTOR_STORE_OWN_ALERT_H_
