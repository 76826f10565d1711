// SPDX-License-Identifier: Apache-2.0
#include "collector/ingest/ingest_session.h"

#include <grpc/grpc_security_constants.h>
#include <grpcpp/server_context.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "collector/access/gate.h"
#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/status.h"
#include "common/base/strings.h"
#include "common/base/version.h"

namespace vakt {
namespace {

constexpr absl::Duration kLogInterval = absl::Seconds(10);

void Count(const absl::Status& status, IngestStats& stats) {
  switch (status.code()) {
    case absl::StatusCode::kInvalidArgument:
      ++stats.malformed;
      break;
    case absl::StatusCode::kResourceExhausted:
      ++stats.over_limit;
      break;
    case absl::StatusCode::kPermissionDenied:
      ++stats.forged;
      break;
    default:
      break;
  }
}

// None: the connection has none that can be read.
std::optional<CertificateLife> CertificateOf(const grpc::ServerContextBase& call) {
  const std::vector<grpc::string_ref> pem =
      call.auth_context()->FindPropertyValues(GRPC_X509_PEM_CERT_PROPERTY_NAME);
  if (pem.size() != 1) return std::nullopt;
  const auto life = ParseCertificateLife({pem[0].data(), pem[0].size()});
  return life.ok() ? std::optional(*life) : std::nullopt;
}

}  // namespace

IngestSession::IngestSession(const IngestContext& context, grpc::CallbackServerContext* call,
                             AgentIdentity agent)
    : context_(context),
      call_(call),
      agent_(std::move(agent)),
      key_(SessionRegistry::Key(agent_.cluster, agent_.node)),
      share_(context.shares.Of(key_, SteadyNow())),
      protocol_(agent_.node, context.limits.messages, context.store.completion()),
      rate_(context.limits.bytes_per_second),
      last_read_(SteadyNow()) {}

IngestSession* IngestSession::Start(const IngestContext& context, grpc::CallbackServerContext* call,
                                    AgentIdentity agent) {
  std::shared_ptr<IngestSession> session(new IngestSession(context, call, std::move(agent)));
  ++context.stats.streams;
  if (const auto previous = context.registry.Enter(session->key_, session)) {
    ++context.stats.replaced;
    previous->Replace();
  }
  absl::MutexLock lock(&session->mutex_);
  session->held_by_grpc_ = session;
  session->Advance();
  return session.get();
}

void IngestSession::Replace() {
  absl::MutexLock lock(&mutex_);
  if (done_) return;
  Fail(absl::AbortedError("a newer connection of this node has come"));
  // Not by a status, which a dead peer would never fetch.
  call_->TryCancel();
  Advance();
}

void IngestSession::Drain() {
  absl::MutexLock lock(&mutex_);
  if (!drained_.has_value()) {
    drained_ = grpc::Status(grpc::StatusCode::UNAVAILABLE, "the collector is stopping");
  }
  Advance();
}

void IngestSession::CheckTime(absl::Time now) {
  absl::MutexLock lock(&mutex_);
  const IngestLimits& limits = context_.limits;
  // Only while it is the agent that keeps us waiting.
  if (reading_ && !failure_.has_value() && !drained_.has_value()) {
    const bool registered = stream_ != nullptr;
    const absl::Duration limit = registered ? limits.idle_timeout : limits.hello_timeout;
    if (now - last_read_ > limit) {
      ++context_.stats.idle;
      Fail(absl::DeadlineExceededError(StrCat("no ", registered ? "message" : "Hello", " within ",
                                              absl::FormatDuration(limit))));
      Advance();
      return;
    }
  }
  if (paused_) Advance();
}

void IngestSession::OnReadDone(bool ok) {
  const std::shared_ptr<IngestSession> self = shared_from_this();
  bool ignored = false;
  const uint64_t bytes = ok ? message_.ByteSizeLong() : 0;
  {
    absl::MutexLock lock(&mutex_);
    if (!ok && !drained_.has_value()) drained_ = grpc::Status::OK;  // the agent has finished
    ignored = drained_.has_value() || failure_.has_value();
  }
  const absl::Status status = ignored ? absl::OkStatus() : HandleMessage();
  v1::AgentMessage().Swap(&message_);  // gives its memory back, which Clear would keep
  absl::MutexLock lock(&mutex_);
  reading_ = false;
  last_read_ = SteadyNow();
  rate_.Take(bytes, last_read_);
  share_->Take(bytes, last_read_);
  if (!status.ok()) {
    Count(status, context_.stats);
    if (LogEvery("ingest.refuse", kLogInterval)) {
      LogWarning(StrCat("refused what agent ", key_, " sent: ", Message(status)));
    }
    Fail(status);
  }
  Advance();
}

absl::Status IngestSession::HandleMessage() {
  if (message_.has_hello()) return HandleHello(message_.mutable_hello());
  if (!protocol_.said_hello())
    return absl::InvalidArgumentError("the first message is not a Hello");
  if (message_.has_batch()) return HandleBatch(message_.mutable_batch());
  if (message_.has_heartbeat()) return HandleHeartbeat(message_.mutable_heartbeat());
  return absl::OkStatus();  // a message that only newer agents know
}

absl::Status IngestSession::HandleHello(v1::Hello* hello) {
  const absl::Status status = protocol_.TakeHello(*hello);
  if (absl::IsPermissionDenied(status)) {
    context_.identity_alarm.Report(agent_, hello->node(), call_->peer(), SteadyNow());
  }
  VAKT_RETURN_IF_ERROR(status);
  context_.observer.OnHello(node_key(), *hello, CertificateOf(*call_));
  {
    absl::MutexLock lock(&mutex_);
    ++in_flight_;
  }
  context_.store.RegisterNode(node_key(), std::move(*hello),
                              [self = shared_from_this()](auto registration) {
                                self->OnRegistered(std::move(registration));
                              });
  return absl::OkStatus();
}

void IngestSession::ReportMalformed(const TakenBatch& taken) {
  context_.stats.malformed_records += taken.malformed;
  context_.observer.OnMalformed(node_key(), taken.malformed, taken.reason);
  if (LogEvery("ingest.malformed", kLogInterval)) {
    LogWarning(StrCat("agent ", key_, " sent ", taken.malformed,
                      " records that cannot be taken, kept apart: ", taken.reason));
  }
}

absl::Status IngestSession::HandleBatch(v1::Batch* batch) {
  const uint64_t count = static_cast<uint64_t>(batch->records_size());
  VAKT_ASSIGN_OR_RETURN(TakenBatch taken, protocol_.TakeBatch(batch, RealClock().WallNs()));
  context_.observer.OnMessage(node_key());
  if (taken.malformed > 0) ReportMalformed(taken);
  std::shared_ptr<NodeStream> stream;
  {
    absl::MutexLock lock(&mutex_);
    ++in_flight_;
    stream = stream_;
  }
  context_.store.Append(
      std::move(stream), std::move(taken.batch),
      [self = shared_from_this(), position = taken.last, count](const absl::Status& status) {
        if (status.ok()) {
          ++self->context_.stats.batches;
          self->context_.stats.records += count;
        }
        self->OnStored(status, &position);
      });
  return absl::OkStatus();
}

absl::Status IngestSession::HandleHeartbeat(v1::Heartbeat* heartbeat) {
  VAKT_RETURN_IF_ERROR(protocol_.CheckHeartbeat(*heartbeat));
  context_.observer.OnHeartbeat(node_key(), *heartbeat);
  std::shared_ptr<NodeStream> stream;
  {
    absl::MutexLock lock(&mutex_);
    ++in_flight_;
    stream = stream_;
  }
  context_.store.RecordHeartbeat(
      std::move(stream), std::move(*heartbeat),
      [self = shared_from_this()](const absl::Status& status) { self->OnStored(status, nullptr); });
  return absl::OkStatus();
}

void IngestSession::OnRegistered(absl::StatusOr<Registration> registration) {
  if (!registration.ok()) {
    OnStored(registration.status(), nullptr);
    return;
  }
  if (registration->discontinuity) {
    ++context_.stats.discontinuities;
    LogWarning(StrCat("the stream of agent ", key_,
                      " started again behind what is stored of it: its state directory was "
                      "replaced or its disk restored"));
  }
  absl::MutexLock lock(&mutex_);
  --in_flight_;
  stream_ = std::move(registration->stream);
  if (!done_) context_.registry.SetConnected(key_, this);
  v1::Welcome* welcome = outgoing_.emplace_back().mutable_welcome();
  welcome->set_collector_version(std::string(kVersion));
  if (registration->stored.has_value()) {
    const v1::Position& stored = *registration->stored;
    *welcome->mutable_stored() = stored;
    protocol_.SetStored({registration->stored_boot_id, static_cast<int64_t>(stored.epoch()),
                         static_cast<int64_t>(stored.seq())});
  }
  Advance();
}

void IngestSession::OnStored(const absl::Status& status, const v1::Position* position) {
  absl::MutexLock lock(&mutex_);
  --in_flight_;
  if (!status.ok()) {
    ++context_.stats.not_stored;
    if (LogEvery("ingest.store", kLogInterval)) {
      LogError(StrCat("cannot store what agents send: ", Message(status)));
    }
    Fail(status);
  } else if (position != nullptr) {
    *outgoing_.emplace_back().mutable_ack()->mutable_stored() = *position;
  }
  Advance();
}

void IngestSession::OnWriteDone(bool ok) {
  absl::MutexLock lock(&mutex_);
  writing_ = false;
  outgoing_.pop_front();
  if (!ok) Fail(absl::CancelledError("the agent has gone"));
  Advance();
}

void IngestSession::OnDone() {
  std::shared_ptr<IngestSession> self;  // goes last: it may be the only owner left
  absl::MutexLock lock(&mutex_);
  done_ = true;
  self.swap(held_by_grpc_);
  context_.registry.Leave(key_, this);
}

void IngestSession::Fail(const absl::Status& status) {
  if (!failure_.has_value()) failure_ = ToGrpcStatus(status);
}

bool IngestSession::IsHeldBack() {
  const absl::Time now = SteadyNow();
  // A hello costs no room, and says that the node is there.
  const bool used_up = stream_ != nullptr && share_->IsUsedUp(now);
  if (used_up) context_.observer.OnShareUsedUp(node_key());
  return used_up || !rate_.IsReady(now);
}

void IngestSession::Advance() {
  if (finished_) return;
  if (!writing_) {
    if (failure_.has_value()) {
      finished_ = true;
      Finish(*failure_);
      return;
    }
    if (!outgoing_.empty()) {
      writing_ = true;
      StartWrite(&outgoing_.front());
    } else if (drained_.has_value() && in_flight_ == 0) {
      finished_ = true;
      Finish(*drained_);
      return;
    }
  }
  if (reading_ || drained_.has_value() || failure_.has_value()) return;
  const bool one_at_a_time =
      stream_ == nullptr || context_.store.pending_bytes() > context_.limits.pending_bytes;
  const int window = one_at_a_time ? 1 : context_.limits.batches_in_flight;
  if (in_flight_ + static_cast<int>(outgoing_.size()) < window) {
    if (const bool was_paused = std::exchange(paused_, IsHeldBack()); paused_) {
      if (!was_paused) ++context_.stats.held_back;
      context_.registry.SetWaiting(shared_from_this());
      return;
    }
    reading_ = true;
    last_read_ = SteadyNow();  // from here on it is the agent's turn
    StartRead(&message_);
  }
}

}  // namespace vakt
