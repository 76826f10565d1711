// SPDX-License-Identifier: Apache-2.0
#include "agent/flow/flow_knowledge.h"

#include <netinet/in.h>

#include <algorithm>
#include <optional>

#include "absl/hash/hash.h"
#include "common/base/address.h"
#include "common/base/strings.h"
#include "common/event/container.h"

namespace vakt {
namespace {

constexpr size_t kMaxPods = 4096;

std::string_view RemoteOf(const vakt_flow_key& key) {
  if (key.family == 0) return {};
  return {reinterpret_cast<const char*>(key.remote_addr),
          key.family == AF_INET6 ? size_t{16} : size_t{4}};
}

std::string_view BytesOf(const Endpoint& end, bool ipv6) {
  return {reinterpret_cast<const char*>(end.address.data()), ipv6 ? size_t{16} : size_t{4}};
}

// A remote side without a name: its network. Servers of a service are exchanged for their
// neighbours.
std::string NetworkOf(const FlowReport& flow) {
  constexpr size_t kV4Bytes = 3, kV6Bytes = 6;
  std::string bytes(BytesOf(flow.remote, flow.ipv6));
  std::fill(bytes.begin() + (flow.ipv6 ? kV6Bytes : kV4Bytes), bytes.end(), '\0');
  return AddressText(bytes);
}

// What the workload is remembered to have met. Not what its program said of itself: that could be
// the name of one it has met before.
std::string PeerName(const FlowReport& flow) {
  const bool was_told = flow.name_count != 0 && flow.names[0].source == NameSource::kDns;
  return was_told ? std::string(flow.names[0].text) : NetworkOf(flow);
}

// Where it is worth to remember whom a workload met.
bool IsElsewhere(FlowClass of) {
  return of != FlowClass::kLoopback && of != FlowClass::kSamePod && of != FlowClass::kMulticast &&
         of != FlowClass::kUnknown;
}

}  // namespace

std::string WorkloadOf(const FlowProcess& process) {
  const Container* container = process.container.get();
  if (container == nullptr) {
    return process.exe_path.empty() ? std::string() : StrCat("exe ", process.exe_path.view());
  }
  if (!container->image_digest.empty()) return StrCat("image ", container->image_digest);
  if (!container->image.empty()) return StrCat("image ", container->image);
  return StrCat("container ", container->id);
}

void FlowKnowledge::LearnPod(const Pod& pod) {
  for (const std::string& text : pod.addresses) {
    const std::optional<AddressBlock> block = ParseAddressBlock(text);
    if (!block.has_value() || pods_.size() >= kMaxPods) continue;
    pods_[block->address] = {pod.name_space, pod.name};
  }
}

std::vector<SharedString> FlowKnowledge::NamesAt(uint32_t net_ns, const vakt_flow_key& key,
                                                 uint64_t begin_ns, uint64_t end_ns) const {
  if (key.family == 0) return {};
  return names_.Find(net_ns, RemoteOf(key), begin_ns, end_ns);
}

RemoteNames FlowKnowledge::NamesOf(const FlowRecord& record) {
  const vakt_flow_key& where = record.where;
  const uint64_t begin_ns = record.first_seen_ns, end_ns = record.sums.last_boot_ns;
  RemoteNames names{.dns = NamesAt(where.net_ns, where, begin_ns, end_ns)};
  if (where.direction != VAKT_FLOW_OUT || where.protocol != IPPROTO_TCP || where.family == 0) {
    return names;
  }
  HelloTable::Found said = hellos_.Find(
      {record.program, std::string(RemoteOf(where)), where.remote_port}, begin_ns, end_ns);
  names.sni = std::move(said.names);
  names.clients = std::move(said.clients);
  return names;
}

// By name, where the newest is known: the addresses behind it change.
uint64_t FlowKnowledge::PeerOf(const vakt_flow_key& key, uint64_t boot_ns) const {
  const std::vector<SharedString> names = NamesAt(key.net_ns, key, boot_ns, boot_ns);
  const std::string_view peer = names.empty() ? RemoteOf(key) : names.front().view();
  return absl::HashOf(ToAbsl(peer), key.remote_port, key.protocol);
}

void FlowKnowledge::See(const FlowSum& sum, uint64_t program, uint64_t boot_ns) {
  const uint64_t peer = sum.folded ? 0 : PeerOf(sum.key, boot_ns);
  history_.See(program, peer, sum.key, sum.counts, sum.folded, boot_ns);
}

// Addresses of other classes are nobody's in these databases, whatever they say.
void FlowKnowledge::FillOwner(FlowReport* flow) const {
  if (flow->remote_class != FlowClass::kExternal) return;
  const std::string_view address = BytesOf(flow->remote, flow->ipv6);
  if (countries_ != nullptr) flow->country = countries_->CountryOf(address);
  if (systems_ != nullptr) flow->as_number = systems_->SystemOf(address);
}

void FlowKnowledge::FillRemote(FlowReport* flow) const {
  if (!flow->has_addresses || flow->direction == FlowDirection::kListen) return;
  FillOwner(flow);
  const auto pod = pods_.find(std::string(BytesOf(flow->remote, flow->ipv6)));
  if (pod == pods_.end()) return;
  flow->remote_namespace = pod->second.name_space;
  flow->remote_pod = pod->second.name;
}

void FlowKnowledge::Meet(const FlowProcess& process, Event* event) {
  FlowReport& flow = event->flow;
  const std::string workload = WorkloadOf(process);
  if (workload.empty() || !flow.has_addresses) return;
  std::string peer;
  if (flow.direction == FlowDirection::kListen) {
    peer = StrCat("listen ", flow.protocol, " ", flow.local.port);
  } else if (flow.direction == FlowDirection::kOut && IsElsewhere(flow.remote_class)) {
    peer = PeerName(flow);
  } else {
    return;
  }
  const WorkloadMemory::Answer answer =
      memory_.Meet(workload, peer, flow.remote_class == FlowClass::kExternal, event->wall_ns);
  flow.known_ns = answer.known_ns;
  flow.new_peer = answer.new_peer;
  flow.new_external = answer.new_external;
  flow.memory_full = answer.full;
}

void FlowKnowledge::Fill(const FlowRecord& record, uint64_t boot_ns, Event* event) {
  FlowReport& flow = event->flow;
  Meet(*record.process, event);
  const uint64_t peer = record.where.family == 0 ? 0 : PeerOf(record.where, boot_ns);
  if (flow.direction == FlowDirection::kOut) {
    history_.Fill(record.program, peer, record.where, boot_ns, &flow);
  }
  if (segments_ == nullptr || segments_->empty() || flow.direction == FlowDirection::kListen)
    return;
  const Container* container = record.process->container.get();
  const std::string_view name_space =
      container != nullptr && container->pod.has_value() ? container->pod->name_space : "";
  flow.segment = segments_->Find(name_space, BytesOf(flow.local, flow.ipv6));
  flow.remote_segment = segments_->Find(flow.remote_namespace, BytesOf(flow.remote, flow.ipv6));
  flow.segments_apart = segments_->Apart(flow.segment, flow.remote_segment);
}

}  // namespace vakt
