// SPDX-License-Identifier: Apache-2.0
#include "collector/door/callers.h"

#include <algorithm>

namespace vakt {
namespace {

constexpr uint64_t kAgentBurst = 10, kUserBurst = 2;  // in seconds of the rate
// Connections of an identity that cost its source nothing: an agent that was started again, a
// program that makes one for each query.
constexpr uint64_t kAgentConnects = 1, kUserConnects = 20;
constexpr uint64_t kConnectsBurst = 10;
constexpr size_t kMinSweep = 1024;

}  // namespace

Callers::Caller::Caller(const DoorLimits& limits, bool is_agent)
    : calls(is_agent ? limits.agent_calls_per_second : limits.user_calls_per_second,
            is_agent ? kAgentBurst * limits.agent_calls_per_second
                     : kUserBurst * limits.user_calls_per_second),
      misuse((limits.seconds_for_misuse + (is_agent ? kAgentBurst : kUserBurst)) *
             (is_agent ? limits.agent_calls_per_second : limits.user_calls_per_second)),
      connects(is_agent ? kAgentConnects : kUserConnects,
               kConnectsBurst * (is_agent ? kAgentConnects : kUserConnects)) {}

Callers::Caller& Callers::Of(const CallerName& caller, absl::Time now) {
  if (callers_.size() >= sweep_at_) {
    absl::erase_if(callers_, [now](auto& entry) {
      return entry.second.connections == 0 && entry.second.calls.IsFull(now) &&
             entry.second.connects.IsFull(now);
    });
    sweep_at_ = std::max(kMinSweep, 2 * callers_.size());
  }
  return callers_.try_emplace(caller.identity, limits_, caller.is_agent).first->second;
}

bool Callers::Connected(const CallerName& caller, absl::Time now, bool* trusted) {
  Caller& entry = Of(caller, now);
  entry.connects.Take(1, now);
  *trusted = !caller.is_anonymous && entry.connects.IsReady(now);
  ++entry.connections;
  return HasRoom(caller);
}

bool Callers::HasRoom(const CallerName& caller) const {
  if (caller.is_anonymous) return true;
  const auto entry = callers_.find(caller.identity);
  return entry == callers_.end() || entry->second.connections <= limits_.connections_of_identity;
}

void Callers::Disconnected(const std::string& identity) {
  const auto entry = callers_.find(identity);
  if (entry != callers_.end() && entry->second.connections > 0) --entry->second.connections;
}

bool Callers::MayCall(const CallerName& caller, absl::Time now) {
  Caller& entry = Of(caller, now);
  if (!entry.calls.IsReady(now)) return false;
  entry.calls.Take(1, now);
  return true;
}

void Callers::Refused(const std::string& identity, absl::Time now) {
  const auto entry = callers_.find(identity);
  if (entry != callers_.end()) entry->second.calls.Take(limits_.calls_for_refusal, now);
}

void Callers::Misused(const std::string& identity, absl::Time now) {
  const auto entry = callers_.find(identity);
  if (entry != callers_.end()) entry->second.calls.Take(entry->second.misuse, now);
}

}  // namespace vakt
