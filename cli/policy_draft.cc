// SPDX-License-Identifier: Apache-2.0
#include "cli/policy_draft.h"

#include <netinet/in.h>

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "cli/flow_text.h"
#include "cli/time_text.h"
#include "common/base/address.h"
#include "common/base/strings.h"

namespace vakt {
namespace {

constexpr size_t kMaxListed = 20;
constexpr size_t kMaxNameBytes = 253;
constexpr uint32_t kDnsPort = 53;

// All but what has no place outside of a cluster and a site.
const PolicyPeer kAnywhere[] = {
    {.cidr = "0.0.0.0/0",
     .except = {"10.0.0.0/8", "100.64.0.0/10", "169.254.0.0/16", "172.16.0.0/12",
                "192.168.0.0/16"}},
    {.cidr = "::/0", .except = {"fc00::/7", "fe80::/10"}},
};

PolicyPeer KubeDns() { return {.name_space = "kube-system", .labels = {{"k8s-app", "kube-dns"}}}; }

std::string TitleOf(const WorkloadKey& key) {
  return StrCat(key.kind, " ", key.name_space, "/", key.name);
}

PolicyPeer BlockOf(std::string_view address, size_t bits) {
  std::string network(address);
  std::fill(network.begin() + static_cast<std::ptrdiff_t>(bits / 8), network.end(), '\0');
  return {.cidr = StrCat(AddressText(network), "/", bits)};
}

PolicyPeer BlockOf(std::string_view address) { return BlockOf(address, 8 * address.size()); }

std::string ProtocolOf(const v1::Flow& flow) {
  return flow.protocol() == IPPROTO_TCP ? "TCP" : flow.protocol() == IPPROTO_UDP ? "UDP" : "";
}

// Nothing came of it: a port that nobody listens at, a scan.
bool IsVain(const v1::Flow& flow) {
  return flow.protocol() == IPPROTO_TCP && flow.established() == 0 && flow.bytes_in() == 0 &&
         flow.bytes_out() == 0 && flow.open_connections() == 0;
}

// The node itself: of a pod on it the agent tells the name.
bool IsOwnNode(const v1::Flow& flow) {
  return flow.class_() == v1::Flow::CLASS_SAME_NODE && flow.remote_pod().empty();
}

std::string NameFor(const WorkloadKey& key) {
  std::string name = absl::AsciiStrToLower(StrCat(key.name, "-", key.kind));
  for (char& c : name) {
    const bool is_fit = absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '.';
    if (!is_fit) c = '-';
  }
  // The kind at its end stays.
  if (name.size() > kMaxNameBytes) name.erase(0, name.size() - kMaxNameBytes);
  const size_t first = name.find_first_not_of("-.");
  return first == name.npos ? "workload" : name.substr(first);
}

std::string Listed(const std::set<std::string>& items) {
  std::string text;
  size_t count = 0;
  for (const std::string& item : items) {
    if (++count > kMaxListed) return StrCat(text, " and ", items.size() - kMaxListed, " more");
    text += StrCat(text.empty() ? "" : ", ", item);
  }
  return text;
}

// Peers with the same ports in one rule.
std::vector<PolicyRule> RulesOf(
    const std::map<PolicyPeer, std::pair<std::set<PolicyPort>, std::set<std::string>>>& side) {
  std::map<std::set<PolicyPort>, PolicyRule> by_ports;
  for (const auto& [peer, reach] : side) {
    PolicyRule& rule = by_ports[reach.first];
    rule.ports.assign(reach.first.begin(), reach.first.end());
    rule.peers.emplace_back(peer, reach.second);
  }
  std::vector<PolicyRule> rules;
  for (auto& [ports, rule] : by_ports) rules.push_back(std::move(rule));
  return rules;
}

bool Has(const std::vector<std::string>& wanted, const std::string& name) {
  return wanted.empty() || std::find(wanted.begin(), wanted.end(), name) != wanted.end();
}

}  // namespace

bool PolicyDrafts::Wants(const Workload& workload) const {
  return Has(options_.namespaces, workload.key.name_space) &&
         Has(options_.workloads, workload.key.name);
}

PolicyDrafts::Work& PolicyDrafts::WorkOf(const Workload& who, const v1::Flow& flow, bool own) {
  Work& work = work_[who.key];
  ++(own ? work.records : work.peer_records);
  work.begin = std::min(work.begin, FromTimestamp(flow.begin()));
  work.end = std::max(work.end, FromTimestamp(flow.end()));
  return work;
}

std::string PolicyDrafts::Obstacle(const v1::Flow& flow) {
  if (flow.folded_flows() > 0) return "stand for flows that found no room in the kernel's tables";
  if (flow.remote().address().empty()) return "do not tell the remote side";
  if (flow.class_() == v1::Flow::CLASS_MULTICAST) return "are of multicast or broadcast";
  if (ProtocolOf(flow).empty()) return "are neither of TCP nor of UDP";
  if (PortOf(flow).port == 0) return "do not tell the port";
  if (IsVain(flow)) return "are of connections that never came about";
  return "";
}

PolicyPort PolicyDrafts::PortOf(const v1::Flow& flow) {
  const bool out = flow.direction() == v1::Flow::DIRECTION_OUT;
  return {.protocol = ProtocolOf(flow), .port = out ? flow.remote().port() : flow.local().port()};
}

const Workload* PolicyDrafts::PeerOf(const v1::StoredRecord& stored) const {
  const v1::Flow& flow = stored.record().flow();
  if (!flow.remote_pod().empty()) {
    const Workload* peer =
        pods_.Named(stored.cluster(), flow.remote_namespace(), flow.remote_pod());
    if (peer != nullptr) return peer;
  }
  return pods_.At(stored.cluster(), flow.remote().address(), FromTimestamp(flow.begin()),
                  FromTimestamp(flow.end()));
}

void PolicyDrafts::Add(const v1::StoredRecord& stored) {
  const v1::Flow& flow = stored.record().flow();
  const bool out = flow.direction() == v1::Flow::DIRECTION_OUT;
  const bool is_between = (out || flow.direction() == v1::Flow::DIRECTION_IN) &&
                          flow.class_() != v1::Flow::CLASS_LOOPBACK &&
                          flow.class_() != v1::Flow::CLASS_SAME_POD;
  const Workload* who = pods_.Of(stored);
  if (!is_between || who == nullptr) return;
  const std::string obstacle = Obstacle(flow);
  const Workload* peer = obstacle.empty() ? PeerOf(stored) : nullptr;
  if (Wants(*who)) {
    Work& work = WorkOf(*who, flow, true);
    if (!obstacle.empty()) {
      ++work.notes[obstacle];
    } else if (peer != nullptr) {
      AddWorkload(*peer, flow.remote().address(), PortOf(flow), out ? &work.egress : &work.ingress);
    } else if (!out && IsOwnNode(flow)) {
      ++work.notes["came from the pod's own node, such as probes, which plugins let through"];
    } else {
      AddAddress(stored, out, &work);
    }
  }
  if (peer == nullptr || who->host_network || !Wants(*peer)) return;
  Work& theirs = peer == who ? work_[peer->key] : WorkOf(*peer, flow, false);
  AddWorkload(*who, flow.local().address(), PortOf(flow), out ? &theirs.ingress : &theirs.egress);
}

void PolicyDrafts::AddWorkload(const Workload& peer, const std::string& address,
                               const PolicyPort& port, Side* side) {
  if (!peer.labels.empty() && !peer.host_network) {
    auto& [ports, remarks] = (*side)[{.name_space = peer.key.name_space, .labels = peer.labels}];
    ports.insert(port);
    remarks.insert(TitleOf(peer.key));
    return;
  }
  auto& [ports, remarks] = (*side)[BlockOf(address)];
  ports.insert(port);
  remarks.insert(StrCat(TitleOf(peer.key), ", which no selector can name"));
}

void PolicyDrafts::AddAddress(const v1::StoredRecord& stored, bool out, Work* work) const {
  const v1::Flow& flow = stored.record().flow();
  const std::string& address = flow.remote().address();
  Side& side = out ? work->egress : work->ingress;
  const PolicyPort port = PortOf(flow);
  std::set<std::string> remarks;
  for (const v1::RemoteName& name : flow.names()) remarks.insert(name.name());
  const auto add = [&](const PolicyPeer& peer) {
    auto& [ports, known] = side[peer];
    ports.insert(port);
    known.insert(remarks.begin(), remarks.end());
  };
  if (flow.class_() == v1::Flow::CLASS_EXTERNAL && options_.external == ExternalAs::kAny) {
    return add(kAnywhere[address.size() == 16 ? 1 : 0]);
  }
  if (flow.class_() == v1::Flow::CLASS_EXTERNAL && options_.external == ExternalAs::kBlock) {
    return add(BlockOf(address, address.size() == 16 ? 48 : 24));
  }
  const bool is_node = IsOwnNode(flow) || pods_.IsNode(stored.cluster(), address);
  const bool is_inside =
      flow.class_() == v1::Flow::CLASS_CLUSTER || flow.class_() == v1::Flow::CLASS_PRIVATE;
  if (is_node) remarks.insert("a node");
  if (flow.class_() == v1::Flow::CLASS_METADATA) remarks.insert("the cloud's metadata service");
  if (!flow.remote_pod().empty()) {
    remarks.insert(StrCat("pod ", flow.remote_namespace(), "/", flow.remote_pod(),
                          ", of which no records tell the labels"));
  }
  if (out && is_inside && !is_node && port.port == kDnsPort) {
    auto& [ports, known] = side[KubeDns()];
    ports.insert({{.protocol = "TCP", .port = kDnsPort}, {.protocol = "UDP", .port = kDnsPort}});
    known.insert(StrCat("if ", AddressText(address), " is the cluster's own name service"));
  }
  if (flow.class_() == v1::Flow::CLASS_CLUSTER && !is_node) {
    remarks.insert("no pod is known to have had this address");
    work->unresolved.insert(StrCat(AddressText(address), " ", ServiceText(flow)));
  }
  add(BlockOf(address));
}

PolicyDraft PolicyDrafts::Finish(const Workload& workload, const Work& work) const {
  PolicyDraft draft = {.workload = workload, .name = NameFor(workload.key)};
  draft.ingress = RulesOf(work.ingress);
  draft.egress = RulesOf(work.egress);
  draft.records = work.records;
  draft.peer_records = work.peer_records;
  draft.begin = work.begin;
  draft.end = work.end;
  std::vector<std::string>& notes = draft.notes;
  if (workload.host_network) {
    draft.has_policy = false;
    notes.push_back("its pods have the node's network, where policies do not apply to them");
  } else if (workload.labels.empty()) {
    draft.has_policy = false;
    notes.push_back("its pods have no labels in common (or none are known) to select them by");
  }
  if (workload.guessed) notes.push_back("the workload was guessed from the names of its pods");
  for (const auto& [what, count] : work.notes) {
    notes.push_back(StrCat("of its records ", count, " ", what));
  }
  if (!work.unresolved.empty()) {
    notes.push_back(StrCat(
        "no pod is known to have had these addresses of the cluster: ", Listed(work.unresolved),
        "; if they are services', the pods behind them are selected below only where records "
        "of theirs told of this workload"));
  }
  if (!draft.has_policy) return draft;
  for (const Workload* other : pods_.AlsoSelectedBy(workload)) {
    notes.push_back(StrCat("the selector also selects the pods of ", TitleOf(other->key)));
  }
  if (draft.ingress.empty()) notes.push_back("nothing was seen to come in: all of it is denied");
  if (draft.egress.empty()) notes.push_back("nothing was seen to go out: all of it is denied");
  return draft;
}

std::vector<PolicyDraft> PolicyDrafts::Take() {
  std::vector<PolicyDraft> drafts;
  for (const auto& [key, work] : std::exchange(work_, {})) {
    drafts.push_back(Finish(pods_.workloads().at(key), work));
  }
  return drafts;
}

}  // namespace vakt
