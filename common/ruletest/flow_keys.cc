// SPDX-License-Identifier: Apache-2.0
// Keys of flows and of name servers' answers in rule tests.
#include <netinet/in.h>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>

#include "common/base/status.h"
#include "common/base/strings.h"
#include "common/event/flow.h"
#include "common/ruletest/script_keys.h"
#include "common/ruletest/script_values.h"

namespace vakt {
namespace {

constexpr KindSet kFlow = KindBit(Kind::network_flow);
constexpr KindSet kDns = KindBit(Kind::network_dns);
constexpr uint64_t kNsPerSecond = 1'000'000'000;
constexpr uint64_t kMaxSeconds = 1'000'000'000;
constexpr uint64_t kMaxNumber = std::numeric_limits<uint64_t>::max();

v1::NetworkFlow& ReportOf(EventDraft& draft) { return draft.flow; }
v1::Flow& FactsOf(EventDraft& draft) { return *draft.flow.mutable_flow(); }
v1::NetworkFlow::Memory& MemoryOf(EventDraft& draft) { return *draft.flow.mutable_memory(); }
v1::NetworkFlow::Rhythm& RhythmOf(EventDraft& draft) { return *draft.flow.mutable_rhythm(); }
v1::NetworkFlow::Reach& ReachOf(EventDraft& draft) { return *draft.flow.mutable_reach(); }
v1::NetworkDns& DnsOf(EventDraft& draft) { return draft.dns; }

// Setters of plain members, as in script_keys.cc.
template <auto part, auto setter>
absl::Status Number32(const YamlNode& value, EventDraft& draft) {
  uint32_t number = 0;
  VAKT_RETURN_IF_ERROR(ReadUint32(value, &number));
  (part(draft).*setter)(number);
  return absl::OkStatus();
}

template <auto part, auto setter, uint64_t unit = 1>
absl::Status Number64(const YamlNode& value, EventDraft& draft) {
  uint64_t number = 0;
  VAKT_RETURN_IF_ERROR(ReadNumber(value, unit == 1 ? kMaxNumber : kMaxSeconds, &number));
  (part(draft).*setter)(number * unit);
  return absl::OkStatus();
}

template <auto part, auto setter>
absl::Status FlowFlag(const YamlNode& value, EventDraft& draft) {
  bool flag = false;
  VAKT_RETURN_IF_ERROR(ReadBool(value, &flag));
  (part(draft).*setter)(flag);
  return absl::OkStatus();
}

template <auto part, auto mutable_text>
absl::Status FlowText(const YamlNode& value, EventDraft& draft) {
  return ReadText(value, (part(draft).*mutable_text)());
}

// The enumerator that `name_of` gives this name; those from 1 to `last` have one.
template <typename Enum>
absl::Status ReadEnum(const YamlNode& value, std::string_view (*name_of)(Enum), Enum last,
                      int* number) {
  std::string names;
  for (int i = 1; i <= static_cast<int>(last); ++i) {
    const std::string_view name = name_of(static_cast<Enum>(i));
    names += StrCat(i == 1 ? "" : ", ", name);
    if (name != value.text) continue;
    *number = i;
    return absl::OkStatus();
  }
  return Invalid(StrCat("expected one of ", names), value);
}

absl::Status SetState(const YamlNode& value, EventDraft& draft) {
  int number = 0;
  VAKT_RETURN_IF_ERROR(ReadEnum(value, FlowStateName, FlowState::kEnd, &number));
  draft.flow.set_state(static_cast<v1::NetworkFlow::State>(number));
  return absl::OkStatus();
}

absl::Status SetDirection(const YamlNode& value, EventDraft& draft) {
  int number = 0;
  VAKT_RETURN_IF_ERROR(ReadEnum(value, FlowDirectionName, FlowDirection::kListen, &number));
  FactsOf(draft).set_direction(static_cast<v1::Flow::Direction>(number));
  return absl::OkStatus();
}

absl::Status SetClass(const YamlNode& value, EventDraft& draft) {
  int number = 0;
  VAKT_RETURN_IF_ERROR(ReadEnum(value, FlowClassName, FlowClass::kExternal, &number));
  FactsOf(draft).set_class_(static_cast<v1::Flow::Class>(number));
  return absl::OkStatus();
}

absl::Status SetProtocol(const YamlNode& value, EventDraft& draft) {
  if (value.text != "tcp" && value.text != "udp") return Invalid("expected tcp or udp", value);
  const bool is_tcp = value.text == "tcp";
  FactsOf(draft).set_protocol(is_tcp ? IPPROTO_TCP : IPPROTO_UDP);
  FactsOf(draft).set_transport(is_tcp ? v1::TRANSPORT_TCP : v1::TRANSPORT_UDP);
  return absl::OkStatus();
}

absl::Status SetLocal(const YamlNode& value, EventDraft& draft) {
  return ReadEndpoint(value, FactsOf(draft).mutable_local());
}
absl::Status SetRemote(const YamlNode& value, EventDraft& draft) {
  return ReadEndpoint(value, FactsOf(draft).mutable_remote());
}
absl::Status SetServer(const YamlNode& value, EventDraft& draft) {
  return ReadEndpoint(value, draft.dns.mutable_server());
}

absl::Status AddNames(const YamlNode& value, v1::RemoteName::Source source, EventDraft& draft) {
  constexpr size_t kMaxOfOneSource = kMaxFlowNames / 2;
  if (!value.is_sequence() || value.items.size() > kMaxOfOneSource) {
    return absl::InvalidArgumentError("expected a list of at most four names");
  }
  for (const YamlNode& item : value.items) {
    v1::RemoteName* name = FactsOf(draft).add_names();
    name->set_source(source);
    VAKT_RETURN_IF_ERROR(ReadText(item, name->mutable_name()));
  }
  return absl::OkStatus();
}

absl::Status SetNames(const YamlNode& value, EventDraft& draft) {
  return AddNames(value, v1::RemoteName::SOURCE_DNS, draft);
}
absl::Status SetSni(const YamlNode& value, EventDraft& draft) {
  return AddNames(value, v1::RemoteName::SOURCE_SNI, draft);
}

absl::Status SetJa4(const YamlNode& value, EventDraft& draft) {
  if (!value.is_sequence() || value.items.size() > kMaxTlsClients) {
    return absl::InvalidArgumentError("expected a list of at most four fingerprints");
  }
  for (const YamlNode& item : value.items) {
    VAKT_RETURN_IF_ERROR(ReadText(item, FactsOf(draft).add_tls_clients()));
  }
  return absl::OkStatus();
}

absl::Status SetDuration(const YamlNode& value, EventDraft& draft) {
  VAKT_RETURN_IF_ERROR(ReadNumber(value, kMaxSeconds, &draft.flow_ns));
  draft.flow_ns *= kNsPerSecond;
  return absl::OkStatus();
}

absl::Status SetJitter(const YamlNode& value, EventDraft& draft) {
  constexpr uint64_t kMaxPercent = 1000;
  uint64_t percent = 0;
  VAKT_RETURN_IF_ERROR(ReadNumber(value, kMaxPercent, &percent));
  RhythmOf(draft).set_jitter_permille(static_cast<uint32_t>(percent * 10));
  return absl::OkStatus();
}

absl::Status SetAddresses(const YamlNode& value, EventDraft& draft) {
  if (!value.is_sequence()) return absl::InvalidArgumentError("expected a list of addresses");
  for (const YamlNode& item : value.items) {
    VAKT_RETURN_IF_ERROR(ReadAddress(item, draft.dns.add_addresses()));
  }
  return absl::OkStatus();
}

absl::Status SetAliases(const YamlNode& value, EventDraft& draft) {
  if (!value.is_sequence()) return absl::InvalidArgumentError("expected a list of names");
  for (const YamlNode& item : value.items) {
    VAKT_RETURN_IF_ERROR(ReadText(item, draft.dns.add_aliases()));
  }
  return absl::OkStatus();
}

using Facts = v1::Flow;
using Report = v1::NetworkFlow;

constexpr ScriptKeyRow kKeys[] = {
    {"state", kFlow, "begin, ongoing or end. begin.", SetState},
    {"direction", kFlow, "out, in or listen. out.", SetDirection},
    {"class", kFlow, "external, cluster and so on, as flow.class. None.", SetClass},
    {"protocol", kFlow, "tcp or udp. tcp.", SetProtocol},
    {"local", kFlow, "This side's address:port. Zero.", SetLocal},
    {"remote", kFlow, "The other side's address:port.", SetRemote},
    {"names", kFlow, "Names of the remote side, as name servers told them. None.", SetNames},
    {"sni", kFlow, "Names that were asked for in TLS ClientHellos. None.", SetSni},
    {"ja4", kFlow, "Fingerprints of TLS ClientHellos. None.", SetJa4},
    {"remote_ns", kFlow, "Namespace of the remote pod. None.",
     FlowText<FactsOf, &Facts::mutable_remote_namespace>},
    {"remote_pod", kFlow, "Name of the remote pod. None.",
     FlowText<FactsOf, &Facts::mutable_remote_pod>},
    {"country", kFlow, "Of an external address. None.", FlowText<FactsOf, &Facts::mutable_country>},
    {"asn", kFlow, "Its autonomous system. 0.", Number32<FactsOf, &Facts::set_as_number>},
    {"duration_s", kFlow, "Seconds since the flow began. 0.", SetDuration},
    {"connections", kFlow, "Connections begun. 0.", Number64<FactsOf, &Facts::set_connections>},
    {"established", kFlow, "Of them established. 0.", Number64<FactsOf, &Facts::set_established>},
    {"refused", kFlow, "Of them refused. 0.", Number64<FactsOf, &Facts::set_refused>},
    {"timed_out", kFlow, "Of them timed out. 0.", Number64<FactsOf, &Facts::set_timed_out>},
    {"bytes_out", kFlow, "Bytes sent since the report before. 0.",
     Number64<FactsOf, &Facts::set_bytes_out>},
    {"bytes_in", kFlow, "Bytes received since then. 0.", Number64<FactsOf, &Facts::set_bytes_in>},
    {"packets_out", kFlow, "Segments or datagrams sent since then. 0.",
     Number64<FactsOf, &Facts::set_packets_out>},
    {"packets_in", kFlow, "Segments or datagrams received since then. 0.",
     Number64<FactsOf, &Facts::set_packets_in>},
    {"open", kFlow, "Connections that are open. 0.",
     Number64<FactsOf, &Facts::set_open_connections>},
    {"folded", kFlow, "Flows that it stands for; then there is no remote. 0.",
     Number64<FactsOf, &Facts::set_folded_flows>},
    {"total_connections", kFlow, "Of the whole flow. connections.",
     Number64<ReportOf, &Report::set_total_connections>},
    {"total_bytes_out", kFlow, "Of the whole flow. bytes_out.",
     Number64<ReportOf, &Report::set_total_bytes_out>},
    {"total_bytes_in", kFlow, "Of the whole flow. bytes_in.",
     Number64<ReportOf, &Report::set_total_bytes_in>},
    {"day_bytes_out", kFlow, "To this remote side within a day. total_bytes_out.",
     Number64<ReportOf, &Report::set_day_bytes_out>},
    {"known_s", kFlow, "Seconds since the workload is known. 0.",
     Number64<MemoryOf, &Report::Memory::set_known_ns, kNsPerSecond>},
    {"first_peer", kFlow, "The remote side is new to the workload. false.",
     FlowFlag<MemoryOf, &Report::Memory::set_new_peer>},
    {"first_external", kFlow, "The outside is new to the workload. false.",
     FlowFlag<MemoryOf, &Report::Memory::set_new_external>},
    {"memory_full", kFlow, "There are more remote sides than are remembered. false.",
     FlowFlag<MemoryOf, &Report::Memory::set_full>},
    {"contacts", kFlow, "Contacts with the remote side that were compared. 0.",
     Number32<RhythmOf, &Report::Rhythm::set_contacts>},
    {"period_s", kFlow, "Their median distance in seconds. 0.",
     Number64<RhythmOf, &Report::Rhythm::set_period_ns, kNsPerSecond>},
    {"jitter", kFlow, "Percent by which they differ from it. 0.", SetJitter},
    {"reach_addresses", kFlow, "Remote addresses of the program within a minute. 0.",
     Number32<ReachOf, &Report::Reach::set_addresses>},
    {"reach_ports", kFlow, "Remote ports of the program within a minute. 0.",
     Number32<ReachOf, &Report::Reach::set_ports>},
    {"reach_peer_ports", kFlow, "Of them at this address. 0.",
     Number32<ReachOf, &Report::Reach::set_ports_of_peer>},
    {"reach_port_addresses", kFlow, "Addresses with this port. 0.",
     Number32<ReachOf, &Report::Reach::set_addresses_of_port>},
    {"reach_folded", kFlow, "Connections whose flows found no room. 0.",
     Number64<ReachOf, &Report::Reach::set_folded>},
    {"reach_unanswered", kFlow, "Connections refused or timed out. 0.",
     Number64<ReachOf, &Report::Reach::set_unanswered>},
    {"segment", kFlow, "Declared segment of the process. None.",
     FlowText<ReportOf, &Report::mutable_segment>},
    {"remote_segment", kFlow, "Declared segment of the remote side. None.",
     FlowText<ReportOf, &Report::mutable_remote_segment>},
    {"apart", kFlow, "The segments are declared apart. false.",
     FlowFlag<ReportOf, &Report::set_segments_apart>},
    {"name", kDns, "Name that was asked for.", FlowText<DnsOf, &v1::NetworkDns::mutable_name>},
    {"question", kDns, "Number of the type that was asked for, 16 for TXT. 1, for A.",
     Number32<DnsOf, &v1::NetworkDns::set_type>},
    {"rcode", kDns, "Number of the outcome, 3 for no such name. 0.",
     Number32<DnsOf, &v1::NetworkDns::set_rcode>},
    {"server", kDns, "The name server's address:port. 10.96.0.10:53.", SetServer},
    {"addresses", kDns, "Addresses of the answer. None.", SetAddresses},
    {"aliases", kDns, "Names that the asked one stands for. None.", SetAliases},
    {"answers", kDns, "Records of the answer. As many as addresses and aliases.",
     Number32<DnsOf, &v1::NetworkDns::set_answers>},
    {"ttl", kDns, "Seconds for which it holds. 0.",
     Number32<DnsOf, &v1::NetworkDns::set_ttl_seconds>},
    {"size", kDns, "Bytes of the answer. 0.", Number32<DnsOf, &v1::NetworkDns::set_size_bytes>},
    {"truncated", kDns, "There was more. false.", FlowFlag<DnsOf, &v1::NetworkDns::set_truncated>},
};

}  // namespace

absl::Span<const ScriptKeyRow> FlowScriptKeys() { return kKeys; }

}  // namespace vakt
