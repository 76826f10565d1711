// SPDX-License-Identifier: Apache-2.0
#include "agent/flow/flow_table.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "common/base/strings.h"
#include "common/event/container.h"

namespace vakt {
namespace {

// Room for the records that stand for flows without room: per program, direction and protocol.
constexpr size_t kFoldRoom = 1024;

std::string_view BytesOf(const vakt_flow_key& key) {
  return {reinterpret_cast<const char*>(&key), sizeof(key)};
}

bool HasNews(const vakt_flow_counts& sums) { return sums.last_boot_ns != 0; }

void AddCounts(const vakt_flow_counts& from, vakt_flow_counts* to) {
  if (from.first_boot_ns != 0 &&
      (to->first_boot_ns == 0 || from.first_boot_ns < to->first_boot_ns)) {
    to->first_boot_ns = from.first_boot_ns;
  }
  to->last_boot_ns = std::max(to->last_boot_ns, from.last_boot_ns);
  to->connections += from.connections;
  to->established += from.established;
  to->refused += from.refused;
  to->timed_out += from.timed_out;
  to->reset += from.reset;
  to->bytes_out += from.bytes_out;
  to->bytes_in += from.bytes_in;
  to->packets_out += from.packets_out;
  to->packets_in += from.packets_in;
  to->retransmits += from.retransmits;
  to->open += from.open;
  to->folded += from.folded;
}

uint64_t AsNs(absl::Duration duration) {
  return static_cast<uint64_t>(absl::ToInt64Nanoseconds(duration));
}

// Keys of records that stand for several flows: without addresses and ports.
bool IsFolded(const vakt_flow_key& key) { return key.family == 0; }

vakt_flow_key Folded(const vakt_flow_key& key) {
  vakt_flow_key folded = {};
  folded.cookie = key.cookie;
  folded.protocol = key.protocol;
  folded.direction = key.direction;
  return folded;
}

uint64_t ListenerPlace(const vakt_flow_key& key) {
  return static_cast<uint64_t>(key.net_ns) << 16 | key.local_port;
}

bool IsListener(const FlowSum& sum) { return sum.key.direction == VAKT_FLOW_LISTEN && !sum.folded; }

std::string ProgramKey(const FlowProcess& process) {
  if (process.exe_path.empty()) return StrCat("?", process.cookie);
  const std::string_view container = process.container == nullptr ? "" : process.container->id;
  return StrCat(process.exe_path.view(), std::string_view("\0", 1), container,
                std::string_view("\0", 1), process.uid);
}

uint64_t NumberOf(std::string_view program_key) { return absl::HashOf(ToAbsl(program_key)); }

}  // namespace

size_t FlowTable::KeyHash::operator()(const vakt_flow_key& key) const {
  return absl::Hash<std::string_view>()(BytesOf(key));
}

bool FlowTable::KeyEqual::operator()(const vakt_flow_key& a, const vakt_flow_key& b) const {
  return BytesOf(a) == BytesOf(b);
}

FlowTable::FlowTable(const FlowOptions& options, FindProcess find_process)
    : options_(options), find_process_(std::move(find_process)) {}

// Of a connection that was never touched: who listens where it came in.
uint64_t FlowTable::OwnerOf(const FlowSum& sum) const {
  if (sum.key.cookie != 0 || sum.key.direction != VAKT_FLOW_IN) return sum.key.cookie;
  const auto listener = listeners_.find(ListenerPlace(sum.key));
  return listener == listeners_.end() ? 0 : listener->second;
}

FlowProcess FlowTable::ProcessOf(uint64_t cookie, bool* is_known) const {
  FlowProcess process{.cookie = cookie, .pid = static_cast<uint32_t>(cookie & 0x3fffff)};
  const Process* known = cookie == 0 ? nullptr : find_process_(cookie);
  *is_known = known != nullptr;
  if (known == nullptr) return process;
  process.pid = known->pid;
  process.uid = known->uid;
  process.comm = known->comm;
  process.exe_path = known->exe_path;
  process.cmdline = known->cmdline;
  process.container = known->container;
  return process;
}

// What all sums of one record have in common. Of datagrams the direction is that of the flow as it
// is known, else of its first datagram.
vakt_flow_key FlowTable::KeyOf(const FlowSum& sum, uint64_t program_id) const {
  vakt_flow_key key = sum.key;
  key.cookie = program_id;
  key.net_ns = 0;
  if (key.direction == VAKT_FLOW_EITHER) {
    vakt_flow_key out = key, in = key;
    out.direction = VAKT_FLOW_OUT;
    in.direction = VAKT_FLOW_IN;
    out = KeyOf({.key = out, .folded = sum.folded}, program_id);
    in = KeyOf({.key = in, .folded = sum.folded}, program_id);
    if (flows_.contains(out)) return out;
    if (flows_.contains(in)) return in;
    return sum.counts.first_sent != 0 ? out : in;
  }
  if (sum.folded) return Folded(key);
  if (key.direction != VAKT_FLOW_LISTEN) std::memset(key.local_addr, 0, sizeof(key.local_addr));
  if (key.direction == VAKT_FLOW_OUT) key.local_port = 0;
  if (key.direction == VAKT_FLOW_IN) key.remote_port = 0;
  return key;
}

uint64_t FlowTable::ProgramNumber(uint64_t cookie) const {
  bool is_known = false;
  return NumberOf(ProgramKey(ProcessOf(cookie, &is_known)));
}

FlowTable::Program* FlowTable::ProgramOf(const FlowProcess& process) {
  const auto [found, is_new] = programs_.try_emplace(ProgramKey(process));
  Program& program = found->second;
  if (is_new) {
    program.id = ++last_program_;
    program.key = &found->first;
    program.number = NumberOf(found->first);
  }
  return &program;
}

FlowTable::Flows::iterator FlowTable::Place(const FlowSum& sum, Program* program,
                                            uint64_t boot_ns) {
  vakt_flow_key key = KeyOf(sum, program->id);
  auto found = flows_.find(key);
  if (found == flows_.end() &&
      (program->flows >= options_.max_flows_of_program || flows_.size() >= options_.max_flows)) {
    key = Folded(key);
    if (flows_.size() >= options_.max_flows + kFoldRoom) key.cookie = 0;
    found = flows_.find(key);
  }
  if (found != flows_.end()) return found;
  Flow flow{.first_seen_ns = boot_ns, .record_begin_ns = boot_ns};
  if (key.cookie != 0) {
    flow.program = program;
    ++program->flows;
  }
  ++new_flows_;
  return flows_.emplace(key, std::move(flow)).first;
}

void FlowTable::AddOne(const FlowSum& sum, uint64_t boot_ns, const SeeSum& see) {
  bool is_known = false;
  FlowProcess process = ProcessOf(OwnerOf(sum), &is_known);
  if (!is_known) ++counters_.unknown_processes;
  Program* program = ProgramOf(process);
  const auto place = Place(sum, program, boot_ns);
  const bool is_folded = IsFolded(place->first);
  Flow& flow = place->second;
  if (see) {
    FlowSum seen = sum;
    seen.key.direction = place->first.direction;
    see(seen, program->number);
  }
  if (flow.program == nullptr) {
    process = {};
    if (program->flows == 0) programs_.erase(*program->key);
  }
  const bool is_newest = HasNews(sum.counts) && sum.counts.last_boot_ns >= flow.last_ns;
  if (is_newest || flow.process.cookie == 0) {
    flow.process = std::move(process);
    flow.net_ns = sum.key.net_ns;
    if (!is_folded) {
      std::memcpy(flow.local_addr.data(), sum.key.local_addr, flow.local_addr.size());
    }
  }
  AddCounts(sum.counts, &flow.sums);
  flow.total_connections += sum.counts.connections;
  flow.total_bytes_out += sum.counts.bytes_out;
  flow.total_bytes_in += sum.counts.bytes_in;
  flow.last_ns = std::max<uint64_t>(flow.last_ns, sum.counts.last_boot_ns);
  if (sum.counts.first_boot_ns != 0) {
    flow.first_seen_ns = std::min<uint64_t>(flow.first_seen_ns, sum.counts.first_boot_ns);
  }
  // A sum that finds its room here and not in the kernel stands for one flow.
  const uint64_t folded =
      sum.folded ? sum.counts.folded : (is_folded && HasNews(sum.counts) ? 1 : 0);
  flow.sums.folded += static_cast<__u32>(folded - sum.counts.folded);
  counters_.folded += folded;
}

void FlowTable::LearnListeners(absl::Span<const FlowSum> sums) {
  for (const FlowSum& sum : sums) {
    if (!IsListener(sum)) continue;
    const auto found = listeners_.find(ListenerPlace(sum.key));
    if (found == listeners_.end() && listeners_.size() < options_.max_flows) {
      listeners_.emplace(ListenerPlace(sum.key), sum.key.cookie);
    } else if (found != listeners_.end() && sum.counts.open != 0) {
      found->second = sum.key.cookie;
    }
  }
}

// One that also listens elsewhere, at the same port, is learnt anew with the next sums.
void FlowTable::ForgetListeners(absl::Span<const FlowSum> sums) {
  for (const FlowSum& sum : sums) {
    if (!IsListener(sum) || sum.counts.open != 0) continue;
    const auto found = listeners_.find(ListenerPlace(sum.key));
    if (found != listeners_.end() && found->second == sum.key.cookie) listeners_.erase(found);
  }
}

void FlowTable::Add(absl::Span<const FlowSum> sums, uint64_t boot_ns, const SeeSum& see) {
  for (auto& [key, flow] : flows_) flow.sums.open = 0;  // the kernel tells anew what is open
  LearnListeners(sums);
  for (const FlowSum& sum : sums) AddOne(sum, boot_ns, see);
  ForgetListeners(sums);  // only now: what came in at the end was theirs
}

bool FlowTable::IsDue(const vakt_flow_key& key, const Flow& flow, uint64_t boot_ns) const {
  const bool is_open = flow.sums.open != 0;
  if (key.direction == VAKT_FLOW_LISTEN) return flow.told_open != is_open;
  if (!is_open && boot_ns - std::min(boot_ns, flow.last_ns) >= AsNs(options_.afterglow)) {
    return HasNews(flow.sums) || flow.told_open;
  }
  return HasNews(flow.sums) && boot_ns - flow.record_begin_ns >= AsNs(options_.interval);
}

FlowRecord FlowTable::RecordOf(const vakt_flow_key& key, const Flow& flow, FlowState state) const {
  FlowRecord record{.process = &flow.process,
                    .live = find_process_(flow.process.cookie),
                    .where = key,
                    .sums = flow.sums,
                    .first_seen_ns = flow.first_seen_ns,
                    .state = state,
                    .program = flow.program == nullptr ? 0 : flow.program->number,
                    .total_connections = flow.total_connections,
                    .total_bytes_out = flow.total_bytes_out,
                    .total_bytes_in = flow.total_bytes_in};
  record.where.cookie = flow.process.cookie;
  record.where.net_ns = flow.net_ns;
  if (!IsFolded(key)) {
    std::memcpy(record.where.local_addr, flow.local_addr.data(), flow.local_addr.size());
  }
  if (!HasNews(flow.sums)) record.sums.first_boot_ns = record.sums.last_boot_ns = flow.last_ns;
  return record;
}

void FlowTable::TakeNew(const TakeNewRecord& take) {
  if (new_flows_ == 0) return;
  for (auto& [key, flow] : flows_) {
    // What only turned out to be open is older than the agent.
    const bool has_begun = HasNews(flow.sums) || key.direction == VAKT_FLOW_LISTEN;
    if (!flow.is_new || !has_begun || !take(RecordOf(key, flow, FlowState::kBegin))) continue;
    flow.is_new = false;
    --new_flows_;
  }
}

void FlowTable::Tell(const vakt_flow_key& key, Flow* flow, FlowState state,
                     const TakeRecord& take) {
  ++counters_.records;
  take(RecordOf(key, *flow, state));
  flow->told_open = flow->sums.open != 0;
  flow->sums = {.open = flow->sums.open};
}

void FlowTable::Forget(Flows::iterator flow) {
  if (flow->second.is_new) --new_flows_;
  Program* program = flow->second.program;
  if (program != nullptr && --program->flows == 0) programs_.erase(*program->key);
  flows_.erase(flow);
}

void FlowTable::TakeDue(uint64_t boot_ns, const TakeRecord& take) {
  for (auto next = flows_.begin(); next != flows_.end();) {
    const auto one = next++;
    Flow& flow = one->second;
    const bool is_idle = flow.sums.open == 0 &&
                         boot_ns - std::min(boot_ns, flow.last_ns) >= AsNs(options_.afterglow);
    if (IsDue(one->first, flow, boot_ns)) {
      Tell(one->first, &flow, is_idle ? FlowState::kEnd : FlowState::kOngoing, take);
    }
    // An interval in which nothing happened is not told; the next one begins with the next news.
    if (boot_ns - flow.record_begin_ns >= AsNs(options_.interval)) flow.record_begin_ns = boot_ns;
    if (is_idle && !HasNews(flow.sums)) Forget(one);
  }
}

void FlowTable::TakeAll(const TakeRecord& take) {
  for (auto& [key, flow] : flows_) {
    if (HasNews(flow.sums)) Tell(key, &flow, FlowState::kOngoing, take);
  }
}

}  // namespace vakt
