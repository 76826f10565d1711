// SPDX-License-Identifier: Apache-2.0
#include "agent/uplink/uplink.h"

#include <pthread.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "agent/uplink/batch_encoder.h"
#include "agent/uplink/collector_stream.h"
#include "agent/uplink/failure_text.h"
#include "agent/uplink/uplink_session.h"
#include "common/base/log.h"
#include "common/time/wall_time.h"
#include "common/tls/certificate_life.h"

namespace vakt {
namespace {

// For the collector to end the call in good order after our last message.
constexpr absl::Duration kFarewell = absl::Seconds(2);
// A stream that lived this long was a good one: the next failure starts the backoff anew.
constexpr absl::Duration kGoodStream = absl::Seconds(30);

void FillHead(const ChainPoint& head, v1::ChainPoint* out) {
  out->mutable_position()->set_epoch(head.position.epoch);
  out->mutable_position()->set_seq(head.position.seq);
  out->set_hash(std::string(AsBytes(head.hash)));
}

v1::AgentMessage HelloMessage(v1::Hello hello, const ChainPoint& head, absl::Duration heartbeat) {
  v1::AgentMessage message;
  *message.mutable_hello() = std::move(hello);
  message.mutable_hello()->set_heartbeat_ms(
      static_cast<uint32_t>(absl::ToInt64Milliseconds(heartbeat)));
  FillHead(head, message.mutable_hello()->mutable_head());
  return message;
}

v1::AgentMessage HeartbeatMessage(v1::Heartbeat heartbeat, const ChainPoint& head,
                                  const std::string& cert_file) {
  v1::AgentMessage message;
  *message.mutable_heartbeat() = std::move(heartbeat);
  // When it cannot be read the connection's own still tells.
  if (const auto life = ReadCertificateLife(cert_file); life.ok()) {
    FromWallNs(life->begin_wall_ns, message.mutable_heartbeat()->mutable_certificate_begins());
    FromWallNs(life->end_wall_ns, message.mutable_heartbeat()->mutable_certificate_ends());
  }
  FillHead(head, message.mutable_heartbeat()->mutable_head());
  return message;
}

}  // namespace

Uplink::Uplink(UplinkOptions options, Spool* spool, std::function<v1::Hello()> hello,
               std::function<v1::Heartbeat()> heartbeat)
    : options_(std::move(options)),
      spool_(spool),
      hello_(std::move(hello)),
      heartbeat_(std::move(heartbeat)),
      events_(std::make_unique<EventQueue>()),
      backoff_(options_.backoff_min, options_.backoff_max) {
  state_.acked = spool_->acknowledged();
}

Uplink::~Uplink() { Stop(absl::ZeroDuration()); }

absl::Status Uplink::Start() {
  if (options_.collectors.empty()) return absl::InvalidArgumentError("uplink: no collector");
  const std::pair<const char*, const std::string*> required[] = {
      {"CA certificate file", &options_.ca_file},
      {"certificate file", &options_.cert_file},
      {"key file", &options_.key_file}};
  for (const auto& [name, value] : required) {
    if (value->empty()) return absl::InvalidArgumentError(absl::StrCat("uplink: no ", name));
  }
  RouteGrpcLog();
  spool_->OnReadable([this] { events_->Wake(); });
  thread_ = std::thread([this] {
    pthread_setname_np(pthread_self(), "vakt-uplink");
    Run();
    std::lock_guard lock(mutex_);
    state_.connected = false;
  });
  return absl::OkStatus();
}

void Uplink::Stop(absl::Duration drain) {
  if (!thread_.joinable()) return;
  const absl::Duration stop_at = SteadyNow() + drain;
  spool_->Flush(drain);
  {
    std::lock_guard lock(mutex_);
    stop_at_ = stop_at;
  }
  events_->Wake();
  thread_.join();
  spool_->OnReadable(nullptr);
}

Uplink::State Uplink::state() const {
  std::lock_guard lock(mutex_);
  return state_;
}

absl::Duration Uplink::stop_at() const {
  std::lock_guard lock(mutex_);
  return stop_at_;
}

bool Uplink::stopping() const { return stop_at() != absl::InfiniteDuration(); }
bool Uplink::StopIsDue() const { return SteadyNow() >= stop_at(); }

void Uplink::Run() {
  while (!StopIsDue()) {
    if (stopping() && !spool_->WaitReadable(spool_->acknowledged(), absl::ZeroDuration())) return;
    const absl::Duration started = SteadyNow();
    const uint64_t acked_before = state().acked_records;
    const std::string error = RunStream();
    if (error.empty()) return;
    {
      std::lock_guard lock(mutex_);
      state_.connected = false;
      state_.collector = collector();
      state_.error = error;
    }
    if (LogEvery(error, absl::Minutes(5))) LogWarning(absl::StrCat("uplink: ", error));
    const bool was_good =
        state().acked_records > acked_before || SteadyNow() - started > kGoodStream;
    WaitForRetry(was_good);
  }
}

void Uplink::WaitForRetry(bool was_good) {
  if (was_good) backoff_.Reset();
  next_collector_ = (next_collector_ + 1) % options_.collectors.size();
  if (next_collector_ != 0) return;  // the next one, at once
  const absl::Duration retry_at = SteadyNow() + backoff_.Next();
  while (SteadyNow() < std::min(retry_at, stop_at())) {
    bool ok = false;
    events_->Next(std::min(retry_at, stop_at()), &ok);
  }
}

std::string Uplink::RunStream() {
  absl::StatusOr<std::shared_ptr<grpc::Channel>> channel =
      MakeCollectorChannel({collector(), options_.ca_file, options_.cert_file, options_.key_file,
                            options_.server_name_override});
  if (!channel.ok()) {
    return absl::StrCat("collector ", collector(), ": ", channel.status().message());
  }
  CollectorStream stream(*std::move(channel), events_.get());
  UplinkSession session({.heartbeat = options_.heartbeat}, spool_->acknowledged(), spool_->newest(),
                        SteadyNow());
  session_acked_records_ = 0;
  return Converse(stream, session);
}

std::string Uplink::Converse(CollectorStream& stream, UplinkSession& session) {
  const auto failed = [this](std::string_view why) {
    return absl::StrCat("collector ", collector(), ": ", std::string(why));
  };
  absl::Duration farewell_until = absl::InfiniteDuration();
  for (;;) {
    const absl::Duration now = SteadyNow();
    if (now >= farewell_until || StopIsDue()) return "";
    if (absl::Status late = session.CheckTimeouts(now); !late.ok()) {
      return failed(std::string(late.message()));
    }
    if (stream.can_write() && !Pump(stream, session)) {
      stream.FinishWriting();
      farewell_until = now + kFarewell;
    }
    const absl::Duration deadline = std::min({session.deadline(), stop_at(), farewell_until});
    switch (stream.Next(deadline)) {
      case CollectorStream::Event::kMessage: {
        const absl::Status status = session.OnMessage(stream.message(), SteadyNow());
        if (!status.ok()) return failed(std::string(status.message()));
        OnProgress(session);
        break;
      }
      case CollectorStream::Event::kEnded:
        if (farewell_until != absl::InfiniteDuration()) return "";
        return FailureText(collector(), stream.status());
      case CollectorStream::Event::kOpened:
      case CollectorStream::Event::kWritten:
      case CollectorStream::Event::kWake:
      case CollectorStream::Event::kDeadline:
        break;
    }
  }
}

bool Uplink::Pump(CollectorStream& stream, UplinkSession& session) {
  const absl::Duration now = SteadyNow();
  const bool readable =
      session.welcomed() && spool_->WaitReadable(session.read_after(), absl::ZeroDuration());
  switch (session.Next(now, readable)) {
    case UplinkSession::Send::kHello:
      stream.Write(HelloMessage(hello_(), spool_->head(), options_.heartbeat).SerializeAsString());
      session.OnHelloSent();
      break;
    case UplinkSession::Send::kHeartbeat:
      stream.Write(
          HeartbeatMessage(heartbeat_(), spool_->head(), options_.cert_file).SerializeAsString());
      session.OnHeartbeatSent(now);
      break;
    case UplinkSession::Send::kBatch:
      SendBatch(stream, session);
      break;
    case UplinkSession::Send::kNothing:
      return !(stopping() && session.welcomed() && !readable && session.batches_in_flight() == 0);
  }
  return true;
}

void Uplink::SendBatch(CollectorStream& stream, UplinkSession& session) {
  std::vector<OutRecord> records;
  ChainSpan chain;
  spool_->Read(session.read_after(), options_.batch_records, options_.batch_bytes, &records,
               &chain);
  if (records.empty()) return;  // shed or unreadable meanwhile; the next event asks again
  stream.Write(EncodeBatch(records, chain));
  session.OnBatchSent(records.back().position, records.size(), SteadyNow());
  std::lock_guard lock(mutex_);
  state_.sent_records += records.size();
}

void Uplink::OnProgress(const UplinkSession& session) {
  spool_->Acknowledge(session.acknowledged());
  std::lock_guard lock(mutex_);
  state_.acked = spool_->acknowledged();
  state_.acked_records += session.acknowledged_records() - session_acked_records_;
  session_acked_records_ = session.acknowledged_records();
  if (state_.connected) return;
  state_.connected = true;
  state_.collector = collector();
  if (session.rewound()) {
    ++state_.rewinds;
    LogWarning(absl::StrCat("uplink: collector ", collector(),
                            " has records of this node that the spool never made: the spool was "
                            "restored from an older copy, or two agents share a name"));
  }
  state_.error.clear();
  if (streams_++ > 0) ++state_.reconnects;
}

}  // namespace vakt
