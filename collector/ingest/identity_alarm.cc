// SPDX-License-Identifier: Apache-2.0
#include "collector/ingest/identity_alarm.h"

#include <utility>

#include "collector/store/own_alert.h"
#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/status.h"

namespace vakt {
namespace {

constexpr absl::Duration kInterval = absl::Minutes(1);
constexpr size_t kMaxEntries = 10'000;
constexpr size_t kMaxNameBytes = 253;  // as an identity's (access/identity.cc)

}  // namespace

void IdentityAlarm::Report(const AgentIdentity& agent, std::string_view claimed,
                           const std::string& peer, absl::Time now) {
  uint64_t held_back = 0;
  {
    absl::MutexLock lock(&mutex_);
    if (entries_.size() >= kMaxEntries) entries_.clear();
    Entry& entry = entries_[StrCat(agent.cluster, "/", agent.node)];
    if (now - entry.last < kInterval && entry.last <= now) {
      ++entry.held_back;
      return;
    }
    held_back = std::exchange(entry.held_back, 0);
    entry.last = now;
  }
  const NodeKey about = {agent.cluster, agent.node};
  const std::string detail = StrCat("claimed=", claimed.substr(0, kMaxNameBytes), " peer=", peer,
                                    held_back == 0 ? "" : StrCat(" held_back=", held_back));
  store_.Raise(about, MakeOwnAlert(OwnAlert::kForgedIdentity, about, detail, RealClock().WallNs()),
               [](const absl::Status& status) {
                 if (!status.ok() && LogEvery("ingest.raise", absl::Seconds(10))) {
                   LogError(StrCat("cannot store an alert of our own: ", Message(status)));
                 }
               });
}

}  // namespace vakt
