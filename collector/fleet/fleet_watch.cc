// SPDX-License-Identifier: Apache-2.0
#include "collector/fleet/fleet_watch.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/synchronization/blocking_counter.h"
#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/sha256.h"
#include "common/base/status.h"
#include "common/base/strings.h"
#include "common/base/text.h"
#include "common/time/wall_time.h"

namespace vakt {
namespace {

constexpr absl::Duration kMinHeartbeat = absl::Milliseconds(100);
constexpr absl::Duration kMaxHeartbeat = absl::Minutes(10);
constexpr size_t kNamedProbes = 5;
constexpr size_t kMaxNameBytes = 64;
constexpr size_t kMaxReasonBytes = 256;

// What the agent had to drop (common/metrics/metric_table.h).
constexpr const char* kLossCounters[] = {"events_lost_total", "alerts_shed_total",
                                         "programs_skipped_total"};

std::string KeyText(const NodeKey& key) { return StrCat(key.cluster, "/", key.node); }

template <typename Probes>
void TakeProbes(const Probes& probes, NodeState* state) {
  if (probes.empty()) return;  // not told
  state->attached_probes = state->failed_probes = 0;
  state->failed_names.clear();
  for (const v1::ProbeStatus& probe : probes) {
    state->attached_probes += probe.state() == "attached" ? 1 : 0;
    if (probe.state() != "failed") continue;
    if (++state->failed_probes > static_cast<int>(kNamedProbes)) continue;
    state->failed_names += StrCat(state->failed_names.empty() ? "" : ", ",
                                  EscapeUtf8(probe.name().substr(0, kMaxNameBytes)));
  }
}

void TakeLoss(const v1::Heartbeat& heartbeat, absl::Time now, NodeState* state) {
  uint64_t total = 0;
  for (const char* name : kLossCounters) {
    const auto counter = heartbeat.counters().find(name);
    if (counter != heartbeat.counters().end()) total += counter->second;
  }
  // Less than before: another run of the agent, whose losses begin at nothing.
  const uint64_t before = state->lost_total.value_or(total);
  const uint64_t lost = total < before ? total : total - before;
  state->lost_total = total;
  if (lost == 0) return;
  if (now - state->last_loss > kQuietHeartbeats * state->heartbeat) state->lost_lately = 0;
  state->lost_lately += lost;
  state->last_loss = now;
}

// Which of a value that nodes have is the most frequent one, group by group. What is not known
// (empty) neither counts nor differs.
class Majority {
 public:
  void Add(const std::string& group, const std::string& value) {
    if (!value.empty()) ++counts_[group][value];
  }
  bool Differs(const std::string& group, const std::string& value) const {
    const auto counts = counts_.find(group);
    if (value.empty() || counts == counts_.end()) return false;
    size_t most = 0, own = 0;
    for (const auto& [other, count] : counts->second) {
      most = std::max(most, count);
      if (other == value) own = count;
    }
    return own != most;
  }

 private:
  std::map<std::string, std::map<std::string, size_t>> counts_;
};

std::string DigestText(const std::string& digest) {
  return digest.size() == kSha256Bytes ? absl::BytesToHexString(ToAbsl(digest)) : std::string();
}

// A version whose program changes: what an upgrade does not do.
void TakeProgram(const v1::Hello& hello, NodeState* state) {
  const std::string version = EscapeUtf8(hello.agent_version().substr(0, kMaxNameBytes));
  std::string digest = DigestText(hello.program_digest());
  const bool is_back = !digest.empty() && digest == state->program_before;
  if (version != state->agent_version || is_back) {
    state->program_before.clear();
    state->program_changed.clear();
  } else if (digest != state->program_digest && !state->program_digest.empty()) {
    if (state->program_changed.empty()) state->program_before = state->program_digest;
    state->program_changed =
        StrCat("its program is now ", digest.empty() ? "one that does not say which" : digest,
               ", it was ", state->program_digest, ", both of version ", version);
  }
  state->agent_version = version;
  state->program_digest = std::move(digest);
}

}  // namespace

absl::StatusOr<std::unique_ptr<FleetWatch>> FleetWatch::Start(Store* store, FleetOptions options) {
  std::unique_ptr<FleetWatch> watch(new FleetWatch(store, options));
  VAKT_RETURN_IF_ERROR(watch->Load());
  watch->thread_ = std::thread([watch = watch.get()] { watch->Run(); });
  return watch;
}

FleetWatch::~FleetWatch() {
  stop_.Notify();
  if (thread_.joinable()) thread_.join();
}

absl::Status FleetWatch::Load() {
  VAKT_ASSIGN_OR_RETURN(const std::vector<v1::Node> known, store_.ListNodes());
  VAKT_ASSIGN_OR_RETURN(const std::vector<ConditionRow> open, store_.ListConditions());
  absl::MutexLock lock(&mutex_);
  for (const v1::Node& node : known) {
    NodeState& state = Of({node.cluster(), node.node()}).state;
    state.heard += options_.start_grace;
    if (node.hello().heartbeat_ms() != 0) {
      state.heartbeat =
          std::clamp(absl::Milliseconds(node.hello().heartbeat_ms()), kMinHeartbeat, kMaxHeartbeat);
    }
    // As it was when the agent was last heard; losses and the clock only from here on.
    TakeProbes(node.hello().probes(), &state);
    TakeProbes(node.heartbeat().probes(), &state);
    state.rules = std::max(node.hello().rules(), node.heartbeat().rules());
    state.rule_set_hash = node.hello().rule_set_hash();
    TakeProgram(node.hello(), &state);
  }
  for (const ConditionRow& row : open) {
    // One that a newer collector knew is left to it.
    if (const ConditionTableRow* found = FindCondition(row.name)) {
      Node& node = Of(row.about);
      node.open[found->id] = row;
      if (found->id == ConditionId::kLosing) node.state.last_loss = SteadyNow();
      if (found->id == ConditionId::kOverShare) node.state.last_over_share = SteadyNow();
      if (found->id == ConditionId::kProgram) node.state.program_changed = row.detail;
      if (found->id == ConditionId::kMalformed) node.state.last_malformed = SteadyNow();
    }
  }
  return absl::OkStatus();
}

FleetWatch::Node& FleetWatch::Of(const NodeKey& key) {
  const auto [at, is_new] = nodes_.try_emplace(KeyText(key));
  if (is_new) {
    at->second.key = key;
    at->second.state.heard = SteadyNow();
  }
  return at->second;
}

void FleetWatch::OnHello(const NodeKey& node, const v1::Hello& hello,
                         const std::optional<CertificateLife>& certificate) {
  absl::MutexLock lock(&mutex_);
  NodeState& state = Of(node).state;
  state.heard = SteadyNow();
  state.has_spoken = true;
  if (hello.heartbeat_ms() != 0) {
    state.heartbeat =
        std::clamp(absl::Milliseconds(hello.heartbeat_ms()), kMinHeartbeat, kMaxHeartbeat);
  }
  TakeProbes(hello.probes(), &state);
  state.rules = hello.rules();
  state.rule_set_hash = EscapeUtf8(hello.rule_set_hash().substr(0, kMaxNameBytes));
  TakeProgram(hello, &state);
  if (certificate.has_value()) state.certificate = certificate;
}

void FleetWatch::OnHeartbeat(const NodeKey& node, const v1::Heartbeat& heartbeat) {
  const int64_t wall_ns = RealClock().WallNs();
  absl::MutexLock lock(&mutex_);
  NodeState& state = Of(node).state;
  state.heard = SteadyNow();
  state.has_spoken = state.has_beaten = true;
  TakeProbes(heartbeat.probes(), &state);
  TakeLoss(heartbeat, state.heard, &state);
  if (heartbeat.has_time()) {
    state.clock_ahead =
        absl::FromUnixNanos(ToWallNs(heartbeat.time())) - absl::FromUnixNanos(wall_ns);
  }
  if (!heartbeat.rule_set_hash().empty()) {
    state.rules = heartbeat.rules();
    state.rule_set_hash = EscapeUtf8(heartbeat.rule_set_hash().substr(0, kMaxNameBytes));
  }
  if (heartbeat.has_certificate_ends()) {
    state.certificate = {ToWallNs(heartbeat.certificate_begins()),
                         ToWallNs(heartbeat.certificate_ends())};
  }
}

void FleetWatch::OnMalformed(const NodeKey& node, uint64_t records, const std::string& reason) {
  absl::MutexLock lock(&mutex_);
  NodeState& state = Of(node).state;
  const absl::Time now = SteadyNow();
  if (now - state.last_malformed > kQuietHeartbeats * state.heartbeat) state.malformed_lately = 0;
  state.malformed_lately += records;
  state.malformed_reason = EscapeUtf8(reason.substr(0, kMaxReasonBytes));
  state.last_malformed = now;
}

void FleetWatch::OnShareUsedUp(const NodeKey& node) {
  absl::MutexLock lock(&mutex_);
  NodeState& state = Of(node).state;
  state.last_over_share = SteadyNow();
  state.heard = state.last_over_share;  // it is we who do not listen
}

void FleetWatch::OnMessage(const NodeKey& node) {
  absl::MutexLock lock(&mutex_);
  NodeState& state = Of(node).state;
  state.heard = SteadyNow();
  state.has_spoken = true;
}

void FleetWatch::Run() {
  while (!stop_.WaitPast(0, options_.tick)) {
    absl::MutexLock changing(&changing_);
    Announce(Look({SteadyNow(), RealClock().WallNs()}));
  }
}

void FleetWatch::Forget(const NodeKey& node) {
  absl::MutexLock changing(&changing_);
  std::vector<Change> changes;
  {
    absl::MutexLock lock(&mutex_);
    const auto known = nodes_.find(KeyText(node));
    if (known == nodes_.end()) return;
    for (const auto& [id, condition] : known->second.open) {
      changes.push_back(
          {condition, MakeConditionAlert(*FindCondition(condition.name), condition,
                                         v1::Condition::STATE_RESOLVED, RealClock().WallNs())});
    }
    nodes_.erase(known);
  }
  Announce(std::move(changes));
}

void FleetWatch::Announce(std::vector<Change> changes) {
  std::vector<absl::Status> outcomes(changes.size());
  absl::BlockingCounter left(static_cast<int>(changes.size()));
  for (size_t i = 0; i < changes.size(); ++i) {
    store_.ChangeCondition(changes[i].condition.about, changes[i].alert,
                           changes[i].condition.detail, [&, i](const absl::Status& status) {
                             outcomes[i] = status;
                             left.DecrementCount();
                           });
  }
  left.Wait();
  absl::MutexLock lock(&mutex_);
  for (size_t i = 0; i < changes.size(); ++i) {
    const ConditionRow& condition = changes[i].condition;
    if (outcomes[i].ok()) {
      LogWarning(StrCat("node ", KeyText(condition.about), ": ", changes[i].alert.output()));
      continue;
    }
    if (LogEvery("fleet.store", absl::Seconds(10))) {
      LogError(StrCat("cannot store the condition of a node: ", Message(outcomes[i])));
    }
    auto& open = Of(condition.about).open;
    const ConditionId id = FindCondition(condition.name)->id;
    if (changes[i].alert.condition().state() == v1::Condition::STATE_OPENED) {
      open.erase(id);
    } else {
      open[id] = condition;
    }
  }
}

void FleetWatch::Compare(absl::Time now) {
  Majority rules, programs;
  for (const auto& [key, node] : nodes_) {
    if (node.open.contains(ConditionId::kSilent)) continue;
    rules.Add(node.key.cluster, node.state.rule_set_hash);
    programs.Add(StrCat(node.key.cluster, "/", node.state.agent_version),
                 node.state.program_digest);
  }
  const auto note = [now](bool differs, absl::Time* since) {
    *since = differs ? std::min(*since, now) : absl::InfiniteFuture();
  };
  for (auto& [key, node] : nodes_) {
    NodeState& state = node.state;
    note(rules.Differs(node.key.cluster, state.rule_set_hash), &state.rules_differ_since);
    note(programs.Differs(StrCat(node.key.cluster, "/", state.agent_version), state.program_digest),
         &state.program_differs_since);
  }
}

std::vector<FleetWatch::Change> FleetWatch::Look(const Moment& now) {
  std::vector<Change> changes;
  absl::MutexLock lock(&mutex_);
  Compare(now.steady);
  for (auto& [key, node] : nodes_) {
    for (const ConditionTableRow& row : AllConditions()) {
      const auto open = node.open.find(row.id);
      const bool was_open = open != node.open.end();
      std::string detail = CheckCondition(row.id, node.state, now, was_open);
      if (was_open == !detail.empty()) continue;
      // What was open before the collector's start is over when the node says so.
      const NodeState& state = node.state;
      const bool is_known = row.id == ConditionId::kSilent ? state.has_spoken : state.has_beaten;
      if (was_open && !is_known) continue;
      if (was_open) {
        changes.push_back(
            {open->second,
             MakeConditionAlert(row, open->second, v1::Condition::STATE_RESOLVED, now.wall_ns)});
        node.open.erase(open);
      } else {
        const ConditionRow opened = {node.key, std::string(row.name), now.wall_ns,
                                     std::move(detail)};
        changes.push_back(
            {opened, MakeConditionAlert(row, opened, v1::Condition::STATE_OPENED, now.wall_ns)});
        node.open[row.id] = opened;
      }
    }
  }
  return changes;
}

std::vector<v1::OpenCondition> FleetWatch::OpenConditionsOf(const NodeKey& node) const {
  std::vector<v1::OpenCondition> conditions;
  absl::MutexLock lock(&mutex_);
  const auto known = nodes_.find(KeyText(node));
  if (known == nodes_.end()) return conditions;
  for (const auto& [id, row] : known->second.open) {
    v1::OpenCondition& condition = conditions.emplace_back();
    condition.set_name(row.name);
    condition.set_detail(row.detail);
    FromWallNs(row.opened_ns, condition.mutable_opened());
  }
  return conditions;
}

FleetWatch::Totals FleetWatch::totals() const {
  Totals totals;
  for (const ConditionTableRow& row : AllConditions()) totals.open[row.name] = 0;
  absl::MutexLock lock(&mutex_);
  totals.nodes = nodes_.size();
  for (const auto& [key, node] : nodes_) {
    for (const auto& [id, row] : node.open)
      ++totals.open[AllConditions()[static_cast<size_t>(id)].name];
  }
  return totals;
}

}  // namespace vakt
