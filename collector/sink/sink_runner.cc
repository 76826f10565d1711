// SPDX-License-Identifier: Apache-2.0
#include "collector/sink/sink_runner.h"

#include <signal.h>

#include <algorithm>
#include <utility>

#include "absl/time/clock.h"
#include "collector/store/own_alert.h"
#include "common/alert/priority.h"
#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/status.h"
#include "common/base/strings.h"
#include "common/time/wall_time.h"

namespace vakt {
namespace {

constexpr absl::Duration kStoreRetry = absl::Seconds(1);
constexpr size_t kMaxBatchBytes = 1 << 20;  // of memory per sink, and one record more
constexpr absl::Duration kTurn = absl::Milliseconds(50);
constexpr absl::Duration kRaiseInterval = absl::Minutes(1);

v1::Filter FilterOf(const SinkConfig& config) {
  v1::Filter filter;
  filter.set_min_priority(ParsePriority(config.Str("min_priority")).value_or(v1::PRIORITY_DEBUG));
  for (const std::string& rule : config.List("rules")) filter.add_rules(rule);
  for (const std::string& node : config.List("nodes")) filter.add_nodes(node);
  filter.set_condition(config.Str("condition"));
  return filter;
}

// Node and cluster as the certificate said, for formats that have no other place for them.
void AddOrigin(v1::StoredRecord* record) {
  v1::Alert* alert = record->mutable_record()->mutable_alert();
  for (const auto& [name, value] :
       {std::pair{"vakt.node", &record->node()}, std::pair{"vakt.cluster", &record->cluster()}}) {
    const bool known =
        std::any_of(alert->output_fields().begin(), alert->output_fields().end(),
                    [name = name](const v1::OutputField& field) { return field.name() == name; });
    if (known) continue;  // the collector's own alerts have them
    v1::OutputField* field = alert->add_output_fields();
    field->set_name(name);
    field->set_string_value(*value);
  }
}

}  // namespace

SinkRunner::SinkRunner(SinkConfig config, Store* store, const std::string& directory,
                       std::unique_ptr<Destination> destination)
    : config_(std::move(config)),
      store_(*store),
      destination_(std::move(destination)),
      cursor_(store, directory, config_.name),
      quarantine_(directory, config_.name),
      outbox_(config_.Dur("retry_max")) {}

absl::StatusOr<std::unique_ptr<SinkRunner>> SinkRunner::Create(const SinkConfig& config,
                                                               Store* store,
                                                               const std::string& directory) {
  absl::StatusOr<std::unique_ptr<Destination>> destination = MakeDestination(config);
  absl::Status status = destination.status();
  std::unique_ptr<SinkRunner> runner;
  if (status.ok()) {
    runner.reset(new SinkRunner(config, store, directory, *std::move(destination)));
    status = runner->Prepare();
  }
  if (status.ok()) return runner;
  return absl::Status(status.code(), StrCat("sink ", config.name, ": ", Message(status)));
}

absl::Status SinkRunner::Prepare() {
  VAKT_ASSIGN_OR_RETURN(filter_, RecordFilter::Create(FilterOf(config_)));
  const int64_t first = config_.Str("start") == "beginning" ? 0 : store_.last_id();
  VAKT_ASSIGN_OR_RETURN(saved_, cursor_.Load(first));
  position_ = settled_ = saved_;
  return destination_->remembers() ? Recall() : absl::OkStatus();
}

absl::Status SinkRunner::Recall() {
  ScanRequest request{.max_records = 1000, .budget = absl::Seconds(1)};
  while (request.after_id < saved_) {
    VAKT_ASSIGN_OR_RETURN(const ScanResult result, store_.Scan(filter_, request));
    for (const v1::StoredRecord& record : result.records) {
      if (IdOf(record) <= saved_) destination_->Remember(record);
    }
    request.after_id = result.position;
    if (result.at_end) break;
  }
  return absl::OkStatus();
}

void SinkRunner::Start() {
  {
    absl::MutexLock lock(&mutex_);
    last_id_ = store_.last_id();
  }
  thread_ = std::thread([this] { Run(); });
}

SinkRunner::~SinkRunner() {
  {
    absl::MutexLock lock(&mutex_);
    stopping_ = true;
  }
  stop_.Notify();
  news_.Notify();
  destination_->Cancel();
  if (thread_.joinable()) thread_.join();
}

void SinkRunner::OnCommit(int64_t last_id) {
  {
    absl::MutexLock lock(&mutex_);
    last_id_ = last_id;
  }
  news_.Notify();
}

void SinkRunner::Run() {
  // TLS libraries write to sockets that the other side has closed.
  sigset_t broken_pipe;
  sigemptyset(&broken_pipe);
  sigaddset(&broken_pipe, SIGPIPE);
  pthread_sigmask(SIG_BLOCK, &broken_pipe, nullptr);
  while (Sleep(absl::ZeroDuration())) {
    const bool more = Refill();
    const bool tried = Attempt();
    Settle();
    if (!more && !tried) Await();
    if (destination_->UntilTick() <= absl::ZeroDuration()) destination_->Tick();
  }
}

bool SinkRunner::Refill() {
  if (!outbox_.wants_records()) return false;
  CountExpired();
  absl::StatusOr<ScanResult> result =
      store_.Scan(filter_, {.after_id = position_,
                            .max_records = outbox_.wants_many() ? destination_->batch_records() : 1,
                            .max_bytes = kMaxBatchBytes,
                            .budget = kTurn});
  if (!result.ok()) {
    if (LogEvery("sink.scan", absl::Seconds(10))) {
      LogError(StrCat("sink ", name(), " cannot read the store: ", Message(result.status())));
    }
    return Sleep(kStoreRetry);
  }
  for (v1::StoredRecord& record : result->records) AddOrigin(&record);
  outbox_.Add(std::move(result->records));
  position_ = result->position;
  return !result->at_end;
}

bool SinkRunner::Attempt() {
  const absl::Span<const v1::StoredRecord> records = outbox_.Next(SteadyNow());
  if (records.empty()) return false;
  oldest_received_ns_ = ToWallNs(outbox_.oldest()->received());
  const std::vector<Delivery> deliveries = destination_->Deliver(records);
  const AttemptResult result = outbox_.Take(
      deliveries, SteadyNow(), [this](const v1::StoredRecord& record, const std::string& why) {
        return SetAside(record, why);
      });
  delivered_ += result.delivered;
  retried_ += result.retried;
  refused_ += result.set_aside;
  deferred_ = outbox_.deferred();
  if (result.of_queue) SetFailure(result.failure);
  return true;
}

bool SinkRunner::SetAside(const v1::StoredRecord& record, const std::string& reason) {
  const absl::Status kept = quarantine_.Add(record, reason);
  if (!kept.ok()) {
    if (LogEvery("sink.quarantine", absl::Seconds(10))) {
      LogError(StrCat("sink ", name(), " cannot set aside what is refused: ", Message(kept)));
    }
    return false;
  }
  if (LogEvery("sink.refused", absl::Seconds(10))) {
    LogWarning(StrCat("sink ", name(), " refused alert ", record.record().alert().uid(),
                      ", kept in ", quarantine_.path(), ": ", reason));
  }
  RaiseSetAside(record, reason);
  return true;
}

void SinkRunner::RaiseSetAside(const v1::StoredRecord& record, const std::string& reason) {
  // Not about itself: a sink that takes none of these would never come to an end.
  if (record.record().alert().rule() == RowOf(OwnAlert::kSetAside).rule) return;
  ++set_aside_since_;
  const absl::Time now = SteadyNow();
  if (now - raised_ < kRaiseInterval) return;
  raised_ = now;
  const std::string detail = StrCat("sink=", name(), " count=", std::exchange(set_aside_since_, 0),
                                    " uid=", record.record().alert().uid(), " reason=", reason);
  store_.Raise({}, MakeOwnAlert(OwnAlert::kSetAside, {}, detail, RealClock().WallNs()),
               [](const absl::Status& status) {
                 if (!status.ok() && LogEvery("sink.raise", absl::Seconds(10))) {
                   LogError(StrCat("cannot store an alert of our own: ", Message(status)));
                 }
               });
}

void SinkRunner::CountExpired() {
  const absl::StatusOr<int64_t> oldest = store_.OldestId();
  const int64_t position = position_;
  if (!oldest.ok() || position + 1 >= *oldest) return;
  expired_ += static_cast<uint64_t>(*oldest - position - 1);
  if (LogEvery("sink.expired", absl::Minutes(1))) {
    LogWarning(StrCat("sink ", name(), ": retention deleted up to ", *oldest - position - 1,
                      " records that had not been sent yet"));
  }
  position_ = *oldest - 1;
}

void SinkRunner::SetFailure(const std::string& reason) {
  absl::MutexLock lock(&mutex_);
  if (stopping_) return;  // it was we who broke off
  if (error_.empty() && !reason.empty()) {
    LogWarning(StrCat("sink ", name(), " fails: ", reason, "; alerts wait in the store"));
  } else if (!error_.empty() && reason.empty()) {
    LogInfo(StrCat("sink ", name(), " works again"));
  }
  error_ = reason;
}

void SinkRunner::Settle() {
  const v1::StoredRecord* const oldest = outbox_.oldest();
  if (oldest == nullptr) oldest_received_ns_ = 0;
  const int64_t settled = oldest == nullptr ? position_.load() : IdOf(*oldest) - 1;
  settled_ = settled;
  if (settled <= saved_) return;
  const absl::Status status = cursor_.Save(settled);
  if (status.ok()) {
    saved_ = settled;
  } else if (LogEvery("sink.cursor", absl::Seconds(10))) {
    LogWarning(StrCat("sink ", name(), ": ", Message(status),
                      "; after a restart some alerts will be sent again"));
  }
}

void SinkRunner::Await() {
  const absl::Duration until_due = outbox_.due() - SteadyNow();
  const absl::Duration time =
      std::max(absl::ZeroDuration(), std::min(destination_->UntilTick(), until_due));
  const bool wants_records = outbox_.wants_records();
  const absl::Time until = SteadyNow() + time;
  for (;;) {
    const uint64_t seen = news_.count();
    {
      absl::MutexLock lock(&mutex_);
      if (stopping_) return;
      if (wants_records && last_id_ > position_) break;
    }
    if (!news_.WaitPast(seen, until - SteadyNow())) return;
  }
  if (outbox_.wants_many()) Sleep(destination_->gather());
}

bool SinkRunner::Sleep(absl::Duration time) { return !stop_.WaitPast(0, time); }

int64_t SinkRunner::IdOf(const v1::StoredRecord& record) const {
  return store_.IdOf(record.cursor()).value_or(0);
}

SinkStats SinkRunner::stats() const {
  SinkStats stats{.delivered = delivered_,
                  .retried = retried_,
                  .refused = refused_,
                  .expired = expired_,
                  .deferred = deferred_,
                  .lag_records = std::max<int64_t>(0, store_.last_id() - settled_)};
  const int64_t oldest = oldest_received_ns_;
  if (oldest != 0) stats.lag_ns = std::max<int64_t>(0, RealClock().WallNs() - oldest);
  absl::MutexLock lock(&mutex_);
  stats.error = error_;
  stats.failing = !error_.empty();
  return stats;
}

}  // namespace vakt
