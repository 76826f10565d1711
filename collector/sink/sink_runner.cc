// SPDX-License-Identifier: Apache-2.0
#include "collector/sink/sink_runner.h"

#include <signal.h>

#include <algorithm>
#include <utility>

#include "absl/time/clock.h"
#include "common/alert/priority.h"
#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/status.h"
#include "common/base/strings.h"
#include "common/time/wall_time.h"

namespace vakt {
namespace {

constexpr absl::Duration kRetryMin = absl::Milliseconds(100);
constexpr absl::Duration kStoreRetry = absl::Seconds(1);
constexpr size_t kMaxBatchBytes = 1 << 20;  // of memory per sink, and one record more
constexpr absl::Duration kTurn = absl::Milliseconds(50);

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
      backoff_(std::min(kRetryMin, config_.Dur("retry_max")), config_.Dur("retry_max")) {}

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
  position_ = saved_;
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
  destination_->Cancel();
  if (thread_.joinable()) thread_.join();
}

void SinkRunner::OnCommit(int64_t last_id) {
  absl::MutexLock lock(&mutex_);
  last_id_ = last_id;
}

void SinkRunner::Run() {
  // TLS libraries write to sockets that the other side has closed.
  sigset_t broken_pipe;
  sigemptyset(&broken_pipe);
  sigaddset(&broken_pipe, SIGPIPE);
  pthread_sigmask(SIG_BLOCK, &broken_pipe, nullptr);
  while (true) {
    if (!Step()) {
      MoveTo(position_);
      AwaitNews();
      if (!Sleep(destination_->gather())) return;
    } else if (!Sleep(absl::ZeroDuration())) {
      return;
    }
    if (destination_->UntilTick() <= absl::ZeroDuration()) destination_->Tick();
  }
}

bool SinkRunner::Step() {
  CountExpired();
  absl::StatusOr<ScanResult> result =
      store_.Scan(filter_, {.after_id = position_,
                            .max_records = destination_->batch_records(),
                            .max_bytes = kMaxBatchBytes,
                            .budget = kTurn});
  if (!result.ok()) {
    if (LogEvery("sink.scan", absl::Seconds(10))) {
      LogError(StrCat("sink ", name(), " cannot read the store: ", Message(result.status())));
    }
    return Sleep(kStoreRetry);
  }
  const bool any = !result->records.empty();
  if (any && !DeliverAll(std::move(result->records))) return false;
  position_ = result->position;
  if (any) MoveTo(result->position);
  return !result->at_end;
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

bool SinkRunner::DeliverAll(std::vector<v1::StoredRecord> batch) {
  for (v1::StoredRecord& record : batch) AddOrigin(&record);
  while (!batch.empty()) {
    oldest_received_ns_ = ToWallNs(batch.front().received());
    absl::Duration wait = absl::ZeroDuration();
    const size_t before = batch.size();
    Settle(destination_->Deliver(batch), &batch, &wait);
    if (batch.empty()) break;
    if (batch.size() < before) backoff_.Reset();
    MoveTo(IdOf(batch.front()) - 1);
    if (!Sleep(std::max(wait, backoff_.Next()))) return false;
  }
  oldest_received_ns_ = 0;
  backoff_.Reset();
  SetFailure("");
  return true;
}

void SinkRunner::Settle(const std::vector<Delivery>& deliveries,
                        std::vector<v1::StoredRecord>* batch, absl::Duration* wait) {
  std::vector<v1::StoredRecord> left;
  for (size_t i = 0; i < batch->size(); ++i) {
    v1::StoredRecord& record = (*batch)[i];
    const Delivery& delivery = deliveries[i];
    std::string reason = delivery.reason;
    if (delivery.result == Delivery::Result::kDelivered) {
      ++delivered_;
      continue;
    }
    if (delivery.result == Delivery::Result::kRefused) {
      const absl::Status kept = quarantine_.Add(record, reason);
      if (kept.ok()) {
        ++refused_;
        if (LogEvery("sink.refused", absl::Seconds(10))) {
          LogWarning(StrCat("sink ", name(), " refused alert ", record.record().alert().uid(),
                            ", kept in ", quarantine_.path(), ": ", reason));
        }
        continue;
      }
      reason = StrCat("cannot set aside what was refused: ", Message(kept));
    }
    ++retried_;
    *wait = std::max(*wait, delivery.wait_at_least);
    SetFailure(reason);
    left.push_back(std::move(record));
  }
  *batch = std::move(left);
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

void SinkRunner::MoveTo(int64_t position) {
  if (position <= saved_) return;
  const absl::Status status = cursor_.Save(position);
  if (status.ok()) {
    saved_ = position;
  } else if (LogEvery("sink.cursor", absl::Seconds(10))) {
    LogWarning(StrCat("sink ", name(), ": ", Message(status),
                      "; after a restart some alerts will be sent again"));
  }
}

void SinkRunner::AwaitNews() {
  const absl::Duration until_tick = destination_->UntilTick();
  absl::MutexLock lock(&mutex_);
  const auto news = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return stopping_ || last_id_ > position_;
  };
  mutex_.AwaitWithTimeout(absl::Condition(&news), until_tick);
}

bool SinkRunner::Sleep(absl::Duration time) {
  absl::MutexLock lock(&mutex_);
  return !mutex_.AwaitWithTimeout(absl::Condition(&stopping_), time);
}

int64_t SinkRunner::IdOf(const v1::StoredRecord& record) const {
  return store_.IdOf(record.cursor()).value_or(0);
}

SinkStats SinkRunner::stats() const {
  SinkStats stats{.delivered = delivered_,
                  .retried = retried_,
                  .refused = refused_,
                  .expired = expired_,
                  .lag_records = std::max<int64_t>(0, store_.last_id() - position_)};
  const int64_t oldest = oldest_received_ns_;
  if (oldest != 0) stats.lag_ns = std::max<int64_t>(0, RealClock().WallNs() - oldest);
  absl::MutexLock lock(&mutex_);
  stats.error = error_;
  stats.failing = !error_.empty();
  return stats;
}

}  // namespace vakt
