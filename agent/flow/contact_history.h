// SPDX-License-Identifier: Apache-2.0
// How programs turn to remote sides, over several flows: how regularly, how much they send within
// about a day, and how many different ones within a minute. What tells a beacon, an upload in small
// pieces and a scan from other flows.
//
// Bounds: `kMaxPeers` pairs of program and remote side, `kMaxPrograms` programs with `kMaxReach`
// pairs of address and port each; what was used longest ago goes first, and what a program has
// beyond its bound is counted. About 3 MiB when all is full.
//
// Time is CLOCK_BOOTTIME in ns. Threads: pipeline thread only.
#ifndef VAKT_AGENT_FLOW_CONTACT_HISTORY_H_
#define VAKT_AGENT_FLOW_CONTACT_HISTORY_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "agent/flow/age_map.h"
#include "bpf/wire/wire.h"
#include "common/event/flow.h"

namespace vakt {

// The sum of about the last minute: of this one, and of the part of the one before that is not
// over.
class MinuteSum {
 public:
  void Add(uint64_t count, uint64_t boot_ns);
  uint64_t At(uint64_t boot_ns) const;

 private:
  void Turn(uint64_t boot_ns);
  uint64_t now_ = 0;
  uint64_t before_ = 0;
  uint64_t minute_ = 0;
};

class ContactHistory {
 public:
  static constexpr size_t kMaxPeers = 4096;
  static constexpr size_t kMaxPrograms = 256;
  static constexpr size_t kMaxReach = 2048;
  static constexpr size_t kContacts = 16;  // whose distances are compared

  // What a program (by a number of its own) said to a remote side; `key` has the address and port.
  // `peer` is a number of the remote side: of its name, where that is known.
  void See(uint64_t program, uint64_t peer, const vakt_flow_key& key,
           const vakt_flow_counts& counts, bool folded, uint64_t boot_ns);

  // Sets rhythm, reach and the day's bytes of a flow.
  void Fill(uint64_t program, uint64_t peer, const vakt_flow_key& key, uint64_t boot_ns,
            FlowReport* flow);

  size_t peers() const { return peers_.size(); }
  size_t programs() const { return programs_.size(); }

 private:
  using PeerKey = std::pair<uint64_t, uint64_t>;  // program, peer
  struct Peer {
    std::array<uint32_t, kContacts> contact_ms{};  // since `base_ns`; a ring
    uint64_t base_ns = 0;
    uint32_t contacts = 0;
    uint64_t last_ns = 0;
    uint64_t day_began_ns = 0;
    uint64_t day_bytes = 0;
    uint64_t day_before_bytes = 0;
  };
  struct Program {
    absl::flat_hash_map<uint64_t, uint32_t> ports_of_address;
    absl::flat_hash_map<uint16_t, uint32_t> addresses_of_port;
    absl::flat_hash_map<uint64_t, uint64_t> pairs;  // address and port: when it was seen first
    std::deque<uint64_t> by_age;                    // of pairs
    MinuteSum folded;
    MinuteSum begun;
    MinuteSum established;
  };

  static void Reach(Program* program, const vakt_flow_key& key, uint64_t boot_ns);
  static void Expire(Program* program, uint64_t boot_ns);
  static void FillRhythm(const Peer& peer, FlowReport* flow);

  AgeMap<PeerKey, Peer> peers_{kMaxPeers};
  AgeMap<uint64_t, Program> programs_{kMaxPrograms};
};

}  // namespace vakt

#endif  // VAKT_AGENT_FLOW_CONTACT_HISTORY_H_
