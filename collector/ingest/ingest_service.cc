// SPDX-License-Identifier: Apache-2.0
#include "collector/ingest/ingest_service.h"

#include <utility>

#include "collector/access/gate.h"
#include "common/base/log.h"
#include "common/base/status.h"
#include "common/base/strings.h"

namespace vakt {
namespace {

// Says why, and ends. Owns itself until gRPC is done with it.
class RefusedStream final : public grpc::ServerBidiReactor<v1::AgentMessage, v1::CollectorMessage> {
 public:
  explicit RefusedStream(const absl::Status& status) { Finish(ToGrpcStatus(status)); }
  void OnDone() override { delete this; }
};

// How late a session may notice that its rate allows more; how much later that its time is over,
// for which all of them are looked at.
constexpr absl::Duration kTick = absl::Milliseconds(100);
constexpr int kTicksToLookAtAll = 10;

}  // namespace

IngestService::IngestService(Store* store, IngestLimits limits, IngestObserver* observer)
    : store_(*store),
      limits_(limits),
      identity_alarm_(store),
      shares_(limits.node_bytes_per_day),
      observer_(observer == nullptr ? no_observer_ : *observer),
      watch_([this] { Watch(); }) {}

IngestService::~IngestService() {
  stop_.Notify();
  watch_.join();
}

void IngestService::Watch() {
  for (int tick = 1; !stop_.WaitPast(0, kTick); ++tick) {
    const absl::Time now = SteadyNow();
    const bool all = tick % kTicksToLookAtAll == 0;
    for (const auto& session : all ? registry_.Sessions() : registry_.TakeWaiting()) {
      session->CheckTime(now);
    }
  }
}

grpc::ServerBidiReactor<v1::AgentMessage, v1::CollectorMessage>* IngestService::Connect(
    grpc::CallbackServerContext* call) {
  absl::StatusOr<AgentIdentity> agent = Gate::AdmitAgent(*call);
  if (!agent.ok()) {
    ++stats_.refused;
    if (LogEvery("ingest.identity", absl::Seconds(10))) {
      LogWarning(StrCat("refused ", call->peer(), " as an agent: ", Message(agent.status())));
    }
    return new RefusedStream(agent.status());
  }
  if (draining_) return new RefusedStream(absl::UnavailableError("the collector is stopping"));
  if (!registry_.HasRoom(SessionRegistry::Key(agent->cluster, agent->node), limits_.max_agents)) {
    ++stats_.over_limit;
    return new RefusedStream(absl::ResourceExhaustedError(
        StrCat("there are ", limits_.max_agents, " agents connected already: --max-agents")));
  }
  return IngestSession::Start(
      {store_, registry_, stats_, identity_alarm_, observer_, shares_, limits_}, call,
      *std::move(agent));
}

void IngestService::Drain() {
  draining_ = true;
  for (const auto& session : registry_.Sessions()) session->Drain();
}

}  // namespace vakt
