// SPDX-License-Identifier: Apache-2.0
// flow.*: a flow as it stands. Null for other events.
#include <netinet/in.h>

#include <algorithm>
#include <cstdint>
#include <string>

#include "common/base/address.h"
#include "common/base/strings.h"
#include "common/event/fields.h"

namespace vakt {
namespace {

constexpr uint64_t kNsPerSecond = 1'000'000'000;

Value Text(std::string_view text) { return text.empty() ? Value() : Value::String(text); }

Value Address(const FlowReport& flow, const Endpoint& end) {
  const bool is_known = flow.has_addresses && end.address != decltype(end.address){};
  return is_known ? Value::Ip(IpAddress{end.address, flow.ipv6}) : Value();
}

Value Port(const FlowReport& flow, const Endpoint& end) {
  return flow.has_addresses && end.port != 0 ? Value::Uint(end.port) : Value();
}

uint64_t Between(int64_t from_ns, int64_t to_ns) {
  return to_ns > from_ns ? static_cast<uint64_t>(to_ns) - static_cast<uint64_t>(from_ns) : 0;
}

Value Rate(const FlowReport& flow, uint64_t bytes) {
  const uint64_t ns = std::max(Between(flow.begin_wall_ns, flow.end_wall_ns), kNsPerSecond);
  return Value::Uint(
      static_cast<uint64_t>(static_cast<double>(bytes) * kNsPerSecond / static_cast<double>(ns)));
}

}  // namespace

Value FlowStateText(const FlowReport& flow) { return Text(FlowStateName(flow.state)); }
Value FlowDirectionText(const FlowReport& flow) { return Text(FlowDirectionName(flow.direction)); }
Value FlowClassText(const FlowReport& flow) { return Text(FlowClassName(flow.remote_class)); }

Value FlowLip(const FlowReport& flow) { return Address(flow, flow.local); }
Value FlowRip(const FlowReport& flow) { return Address(flow, flow.remote); }
Value FlowLport(const FlowReport& flow) { return Port(flow, flow.local); }
Value FlowRport(const FlowReport& flow) { return Port(flow, flow.remote); }

Value FlowProto(const FlowReport& flow) {
  switch (flow.protocol) {
    case 0:
      return Value();
    case IPPROTO_TCP:
      return Value::String("tcp");
    case IPPROTO_UDP:
      return Value::String("udp");
    case IPPROTO_ICMP:
    case IPPROTO_ICMPV6:
      return Value::String("icmp");
    case IPPROTO_SCTP:
      return Value::String("sctp");
    default:
      return Value::String("other");
  }
}

Value FlowDuration(const FlowReport& flow) {
  return Value::Int(static_cast<int64_t>(Between(flow.first_seen_wall_ns, flow.end_wall_ns)));
}

Value FlowRateOut(const FlowReport& flow) { return Rate(flow, flow.sums.bytes_out); }
Value FlowRateIn(const FlowReport& flow) { return Rate(flow, flow.sums.bytes_in); }

Value FlowRhythmPeriod(const FlowReport& flow) {
  return flow.rhythm_contacts == 0 ? Value()
                                   : Value::Int(static_cast<int64_t>(flow.rhythm_period_ns));
}

Value FlowAsNumber(const FlowReport& flow) {
  return flow.as_number == 0 ? Value() : Value::Uint(flow.as_number);
}

Value FlowWorkloadAge(const FlowReport& flow) {
  return Value::Int(static_cast<int64_t>(flow.known_ns));
}

Value FlowRhythmJitter(const FlowReport& flow) {
  return flow.rhythm_contacts == 0 ? Value() : Value::Double(flow.rhythm_jitter_permille / 10.0);
}

void FlowNames(const Event& event, const FieldArg&, Extractor& out) {
  if (event.kind != Kind::network_flow) return;
  for (uint32_t i = 0; i < event.flow.name_count; ++i) {
    out.Add(Value::String(event.flow.names[i].text));
  }
}

void FlowNameSources(const Event& event, const FieldArg&, Extractor& out) {
  if (event.kind != Kind::network_flow) return;
  for (uint32_t i = 0; i < event.flow.name_count; ++i) {
    out.Add(Text(NameSourceName(event.flow.names[i].source)));
  }
}

void FlowTlsSni(const Event& event, const FieldArg&, Extractor& out) {
  if (event.kind != Kind::network_flow) return;
  for (uint32_t i = 0; i < event.flow.name_count; ++i) {
    const FlowName& name = event.flow.names[i];
    if (name.source == NameSource::kSni) out.Add(Value::String(name.text));
  }
}

void FlowTlsJa4(const Event& event, const FieldArg&, Extractor& out) {
  if (event.kind != Kind::network_flow) return;
  for (uint32_t i = 0; i < event.flow.tls_client_count; ++i) {
    out.Add(Value::String(event.flow.tls_clients[i]));
  }
}

void FlowPeer(const Event& event, const FieldArg&, Extractor& out) {
  if (event.kind != Kind::network_flow) return;
  const FlowReport& flow = event.flow;
  if (flow.name_count != 0) return out.Add(Value::String(flow.names[0].text));
  if (Address(flow, flow.remote).is_null()) return;
  const auto* bytes = reinterpret_cast<const char*>(flow.remote.address.data());
  out.Add(Value::String(out.Keep(AddressText({bytes, flow.ipv6 ? size_t{16} : size_t{4}}))));
}

}  // namespace vakt
