// SPDX-License-Identifier: Apache-2.0
// What the collector knows of a node at this moment, taken from what its agent said. A value.
#ifndef VAKT_COLLECTOR_FLEET_NODE_STATE_H_
#define VAKT_COLLECTOR_FLEET_NODE_STATE_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/time/time.h"
#include "common/tls/certificate_life.h"

namespace vakt {

// Times are of a clock that does not jump, but for the certificate's.
struct NodeState {
  absl::Time heard;                              // last message of any kind
  bool has_spoken = false;                       // since the collector's start
  bool has_beaten = false;                       // likewise, a heartbeat
  absl::Duration heartbeat = absl::Seconds(10);  // as its agent was told to send them

  int attached_probes = 0;
  int failed_probes = 0;
  std::string failed_names;  // the first few
  uint64_t rules = 0;
  std::string rule_set_hash;                               // empty: not known
  absl::Time rules_differ_since = absl::InfiniteFuture();  // from those of most nodes

  std::string agent_version;
  std::string program_digest;                                 // empty: not told
  std::string program_before;                                 // of the same version, or empty
  std::string program_changed;                                // from which to which; empty: not
  absl::Time program_differs_since = absl::InfiniteFuture();  // from that of most nodes

  // What the kernel or the agent had to drop since the agent's start; none: no heartbeat yet.
  std::optional<uint64_t> lost_total;
  uint64_t lost_lately = 0;  // of the loss that is not over
  absl::Time last_loss = absl::InfinitePast();
  uint64_t malformed_lately = 0;  // records that could not be taken, likewise
  std::string malformed_reason;   // of the last
  absl::Time last_malformed = absl::InfinitePast();
  absl::Time last_over_share = absl::InfinitePast();  // it had to wait
  std::optional<absl::Duration> clock_ahead;          // of ours; negative: behind
  std::optional<CertificateLife> certificate;
};

}  // namespace vakt

#endif  // VAKT_COLLECTOR_FLEET_NODE_STATE_H_
