// SPDX-License-Identifier: Apache-2.0
// Payloads of the events that the agent makes itself: a flow as it stands, and a name server's
// answer (proto/vakt/v1/event.proto: NetworkFlow, NetworkDns). As in all events, views are
// borrowed. Enumerators have the numbers of their messages. Values.
#ifndef VAKT_COMMON_EVENT_FLOW_H_
#define VAKT_COMMON_EVENT_FLOW_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "common/event/endpoint.h"

namespace vakt {

enum class FlowState : uint8_t { kUnknown = 0, kBegin = 1, kOngoing = 2, kEnd = 3 };
enum class FlowDirection : uint8_t { kUnknown = 0, kOut = 1, kIn = 2, kListen = 3 };
enum class FlowClass : uint8_t {
  kUnknown = 0,
  kLoopback = 1,
  kSamePod = 2,
  kSameNode = 3,
  kCluster = 4,
  kPrivate = 5,
  kMetadata = 6,
  kLinkLocal = 7,
  kMulticast = 8,
  kExternal = 9,
};
enum class NameSource : uint8_t { kUnknown = 0, kDns = 1, kSni = 2 };

// "begin", "out", "same-pod", "dns"; empty for kUnknown.
std::string_view FlowStateName(FlowState state);
std::string_view FlowDirectionName(FlowDirection direction);
std::string_view FlowClassName(FlowClass of);
std::string_view NameSourceName(NameSource source);

struct FlowName {
  std::string_view text;
  NameSource source = NameSource::kUnknown;
};
inline constexpr size_t kMaxFlowNames = 8;
inline constexpr size_t kMaxTlsClients = 4;

// What happened in the interval so far. Payload bytes.
struct FlowSums {
  uint64_t connections = 0;
  uint64_t established = 0;
  uint64_t refused = 0;
  uint64_t timed_out = 0;
  uint64_t reset = 0;
  uint64_t bytes_out = 0;
  uint64_t bytes_in = 0;
  uint64_t packets_out = 0;
  uint64_t packets_in = 0;
  uint64_t retransmits = 0;
  uint64_t open = 0;    // connections, at the end
  uint64_t folded = 0;  // flows that this one stands for: it has no addresses
};

struct FlowReport {  // network_flow
  FlowState state = FlowState::kUnknown;
  FlowDirection direction = FlowDirection::kUnknown;
  FlowClass remote_class = FlowClass::kUnknown;
  Transport transport = Transport::kUnknown;
  uint16_t protocol = 0;       // IPPROTO_*
  bool has_addresses = false;  // else it stands for several
  bool ipv6 = false;
  Endpoint local;   // out: port 0
  Endpoint remote;  // in: port 0; listen: zero
  std::array<FlowName, kMaxFlowNames> names{};
  uint32_t name_count = 0;
  std::array<std::string_view, kMaxTlsClients> tls_clients{};  // JA4 fingerprints
  uint32_t tls_client_count = 0;
  std::string_view remote_namespace;  // of a pod of this node
  std::string_view remote_pod;
  // Of external addresses, where the operator has a database of them.
  std::string_view country;  // ISO 3166: "SE"
  uint32_t as_number = 0;    // 0: not known
  int64_t begin_wall_ns = 0;
  int64_t end_wall_ns = 0;
  int64_t first_seen_wall_ns = 0;
  FlowSums sums;
  // Since the flow began.
  uint64_t total_connections = 0;
  uint64_t total_bytes_out = 0;
  uint64_t total_bytes_in = 0;
  uint64_t day_bytes_out = 0;
  // Of the workload.
  uint64_t known_ns = 0;
  bool new_peer = false;
  bool new_external = false;
  bool memory_full = false;
  // Of the program and the remote side.
  uint32_t rhythm_contacts = 0;
  uint64_t rhythm_period_ns = 0;
  uint32_t rhythm_jitter_permille = 0;
  // Of the program, within a minute.
  uint32_t reach_addresses = 0;
  uint32_t reach_ports = 0;
  uint32_t reach_ports_of_peer = 0;
  uint32_t reach_addresses_of_port = 0;
  uint64_t reach_folded = 0;
  uint64_t reach_unanswered = 0;
  // Of the segments that the operator declared.
  std::string_view segment;
  std::string_view remote_segment;
  bool segments_apart = false;
};

struct DnsReport {  // network_dns
  Endpoint server;
  bool ipv6 = false;  // the server's address is
  Transport transport = Transport::kUnknown;
  std::string_view name;  // lower case, without the last dot
  uint32_t type = 0;      // of the question
  uint32_t rcode = 0;
  std::string_view addresses;  // of each its size, 4 or 16, in one byte, and its bytes
  std::string_view aliases;    // NUL-terminated, in order
  uint32_t answers = 0;
  uint32_t ttl_seconds = 0;
  uint32_t size_bytes = 0;
  bool truncated = false;
};

}  // namespace vakt

#endif  // VAKT_COMMON_EVENT_FLOW_H_
