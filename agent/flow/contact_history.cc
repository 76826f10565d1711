// SPDX-License-Identifier: Apache-2.0
#include "agent/flow/contact_history.h"

#include <netinet/in.h>

#include <algorithm>
#include <vector>

#include "absl/hash/hash.h"
#include "absl/strings/string_view.h"

namespace vakt {
namespace {

constexpr uint64_t kSecondNs = 1'000'000'000;
constexpr uint64_t kMinuteNs = 60 * kSecondNs;
constexpr uint64_t kDayNs = 24 * 60 * kMinuteNs;
// Connections that begin so close to each other are one contact.
constexpr uint64_t kOneContactNs = kSecondNs;
// So many distances say something of a rhythm.
constexpr uint32_t kMinContacts = 4;
constexpr uint64_t kMsNs = 1'000'000;

uint64_t AddressHash(const vakt_flow_key& key) {
  const std::string_view bytes(reinterpret_cast<const char*>(key.remote_addr),
                               sizeof(key.remote_addr));
  return absl::HashOf(absl::string_view(bytes.data(), bytes.size()));
}

// The upper 48 bits of the address's hash, and the port.
uint64_t PairOf(uint64_t address, uint16_t port) { return (address & ~uint64_t{0xffff}) | port; }

uint64_t Median(std::vector<uint64_t>* values) {
  const auto middle = values->begin() + static_cast<ptrdiff_t>(values->size() / 2);
  std::nth_element(values->begin(), middle, values->end());
  return *middle;
}

template <typename Key, typename Map>
void Decrement(const Key& key, Map* counts) {
  const auto found = counts->find(key);
  if (found != counts->end() && --found->second == 0) counts->erase(found);
}

}  // namespace

void MinuteSum::Turn(uint64_t boot_ns) {
  const uint64_t minute = boot_ns / kMinuteNs;
  if (minute <= minute_) return;
  before_ = minute == minute_ + 1 ? now_ : 0;
  now_ = 0;
  minute_ = minute;
}

void MinuteSum::Add(uint64_t count, uint64_t boot_ns) {
  Turn(boot_ns);
  now_ += count;
}

uint64_t MinuteSum::At(uint64_t boot_ns) const {
  MinuteSum turned = *this;
  turned.Turn(boot_ns);
  const uint64_t left_s = 60 - boot_ns % kMinuteNs / kSecondNs;
  return turned.now_ + turned.before_ * left_s / 60;
}

void ContactHistory::Expire(Program* program, uint64_t boot_ns) {
  while (!program->by_age.empty()) {
    const auto oldest = program->pairs.find(program->by_age.front());
    if (oldest->second + kMinuteNs > boot_ns) return;
    const uint64_t pair = oldest->first;
    Decrement(pair & ~uint64_t{0xffff}, &program->ports_of_address);
    Decrement(static_cast<uint16_t>(pair), &program->addresses_of_port);
    program->pairs.erase(oldest);
    program->by_age.pop_front();
  }
}

void ContactHistory::Reach(Program* program, const vakt_flow_key& key, uint64_t boot_ns) {
  const uint64_t pair = PairOf(AddressHash(key), key.remote_port);
  if (program->pairs.contains(pair)) return;
  if (program->pairs.size() >= kMaxReach) return program->folded.Add(1, boot_ns);
  program->pairs.emplace(pair, boot_ns);
  program->by_age.push_back(pair);
  ++program->ports_of_address[pair & ~uint64_t{0xffff}];
  ++program->addresses_of_port[key.remote_port];
}

void ContactHistory::See(uint64_t program_id, uint64_t peer_id, const vakt_flow_key& key,
                         const vakt_flow_counts& counts, bool folded, uint64_t boot_ns) {
  if (key.direction == VAKT_FLOW_LISTEN || key.direction == VAKT_FLOW_IN) return;
  if (counts.last_boot_ns == 0) return;  // nothing happened: it is open
  Program& program = programs_.Make(program_id);
  Expire(&program, boot_ns);
  program.begun.Add(counts.connections, boot_ns);
  program.established.Add(counts.established, boot_ns);
  if (folded) return program.folded.Add(counts.folded, boot_ns);
  Reach(&program, key, boot_ns);
  Peer& peer = peers_.Make({program_id, peer_id});
  if (peer.day_began_ns == 0) peer.day_began_ns = boot_ns;
  const uint64_t day_ns = boot_ns - std::min(boot_ns, peer.day_began_ns);
  if (day_ns >= kDayNs) {
    peer.day_before_bytes = day_ns < 2 * kDayNs ? peer.day_bytes : 0;
    peer.day_bytes = 0;
    peer.day_began_ns = boot_ns;
  }
  peer.day_bytes += counts.bytes_out;
  // Datagrams have no connections: each reading with something in it is one.
  const bool begins = counts.connections != 0 || key.protocol != IPPROTO_TCP;
  if (!begins || (peer.contacts != 0 && counts.first_boot_ns < peer.last_ns + kOneContactNs)) {
    return;
  }
  if (peer.contacts == 0) peer.base_ns = counts.first_boot_ns;
  peer.last_ns = counts.first_boot_ns;
  peer.contact_ms[peer.contacts++ % kContacts] =
      static_cast<uint32_t>((counts.first_boot_ns - peer.base_ns) / kMsNs);
}

// Median of the distances, and of what each differs from it: a few that were missed or delayed do
// not hide the rhythm.
void ContactHistory::FillRhythm(const Peer& peer, FlowReport* flow) {
  const uint32_t known = std::min<uint32_t>(peer.contacts, kContacts);
  if (known < kMinContacts) return;
  std::vector<uint64_t> distances;
  for (uint32_t i = 1; i < known; ++i) {
    const uint32_t at = peer.contacts - i;
    // Wraps with the 49 days that 32 bits of milliseconds hold.
    distances.push_back(static_cast<uint32_t>(peer.contact_ms[at % kContacts] -
                                              peer.contact_ms[(at - 1) % kContacts]));
  }
  const uint64_t period_ms = std::max<uint64_t>(Median(&distances), 1);
  for (uint64_t& distance : distances) {
    distance = distance > period_ms ? distance - period_ms : period_ms - distance;
  }
  flow->rhythm_contacts = known;
  flow->rhythm_period_ns = period_ms * kMsNs;
  flow->rhythm_jitter_permille = static_cast<uint32_t>(Median(&distances) * 1000 / period_ms);
}

void ContactHistory::Fill(uint64_t program_id, uint64_t peer_id, const vakt_flow_key& key,
                          uint64_t boot_ns, FlowReport* flow) {
  const Peer* peer = peers_.Find({program_id, peer_id});
  if (peer != nullptr && key.family != 0) {
    FillRhythm(*peer, flow);
    const uint64_t day_ns = boot_ns - std::min(boot_ns, peer->day_began_ns);
    flow->day_bytes_out = peer->day_bytes;
    if (day_ns < kDayNs) {  // the part of the day before that is less than a day ago
      flow->day_bytes_out +=
          static_cast<uint64_t>(static_cast<double>(peer->day_before_bytes) *
                                (1.0 - static_cast<double>(day_ns) / static_cast<double>(kDayNs)));
    }
  }
  Program* found = programs_.Find(program_id);
  if (found == nullptr) return;
  Program& program = *found;
  Expire(&program, boot_ns);
  flow->reach_addresses = static_cast<uint32_t>(program.ports_of_address.size());
  flow->reach_ports = static_cast<uint32_t>(program.addresses_of_port.size());
  flow->reach_folded = program.folded.At(boot_ns);
  const uint64_t begun = program.begun.At(boot_ns), established = program.established.At(boot_ns);
  flow->reach_unanswered = begun - std::min(begun, established);
  if (key.family == 0 || key.direction != VAKT_FLOW_OUT) return;
  const auto ports = program.ports_of_address.find(AddressHash(key) & ~uint64_t{0xffff});
  if (ports != program.ports_of_address.end()) flow->reach_ports_of_peer = ports->second;
  const auto addresses = program.addresses_of_port.find(key.remote_port);
  if (addresses != program.addresses_of_port.end()) {
    flow->reach_addresses_of_port = addresses->second;
  }
}

}  // namespace vakt
