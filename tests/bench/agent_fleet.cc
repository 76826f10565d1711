// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/agent_fleet.h"

#include <grpcpp/support/client_callback.h>

#include <algorithm>
#include <deque>
#include <mutex>
#include <optional>
#include <utility>

#include "absl/random/random.h"
#include "absl/time/clock.h"
#include "common/base/backoff.h"
#include "common/base/strings.h"
#include "tests/integration/collector_client.h"

namespace vakt {
namespace {

constexpr absl::Duration kTick = absl::Milliseconds(2);
constexpr absl::Duration kMaxRest = absl::Milliseconds(20);
constexpr int kRestPerWork = 3;  // of many agents: their streams need the CPU, too
constexpr absl::Duration kBetweenCounts = absl::Milliseconds(100);
constexpr uint64_t kResendBatch = 1000;

}  // namespace

// One node. The driving thread ticks it; its stream's callbacks come on gRPC's threads.
class SimulatedAgent {
 public:
  SimulatedAgent(std::string name, CertificateSet certificates)
      : name_(std::move(name)), certificates_(std::move(certificates)) {}
  ~SimulatedAgent() { Disconnect(); }

  // Connects when it is time to, sends when `load` says so.
  void Tick(const std::string& address, const FleetLoad* load, absl::Time now);
  void Disconnect();

  bool welcomed() const {
    std::lock_guard lock(mutex_);
    return stream_ != nullptr && stream_->welcomed && !stream_->ended;
  }
  uint64_t sent() const {
    std::lock_guard lock(mutex_);
    return sent_;
  }
  bool all_acked() const {
    std::lock_guard lock(mutex_);
    return acked_ == sent_;
  }
  // With what waits: it has waited that long at least.
  void TakeFigures(std::vector<double>* latencies_ms, FleetReport* report) {
    std::lock_guard lock(mutex_);
    const absl::Time now = absl::Now();
    if (stream_ != nullptr && !stream_->ended) {
      for (const absl::Time written : stream_->in_flight) {
        latencies_ms->push_back(absl::ToDoubleMilliseconds(now - written));
      }
    }
    latencies_ms->insert(latencies_ms->end(), latencies_ms_.begin(), latencies_ms_.end());
    latencies_ms_.clear();
    report->acked_records += std::exchange(acked_since_, 0);
    report->reconnects += std::exchange(reconnects_, 0);
  }

 private:
  struct Stream final : grpc::ClientBidiReactor<v1::AgentMessage, v1::CollectorMessage> {
    Stream(SimulatedAgent* owner, std::shared_ptr<grpc::Channel> to)
        : agent(*owner), channel(std::move(to)), stub(v1::Ingest::NewStub(channel)) {}
    void OnReadDone(bool ok) override { agent.OnRead(this, ok); }
    void OnWriteDone(bool ok) override { agent.OnWritten(this, ok); }
    void OnDone(const grpc::Status&) override { agent.OnDone(this); }

    SimulatedAgent& agent;
    const std::shared_ptr<grpc::Channel> channel;
    const std::unique_ptr<v1::Ingest::Stub> stub;
    grpc::ClientContext context;
    v1::AgentMessage up;
    v1::CollectorMessage down;
    std::deque<absl::Time> in_flight;  // when each was written
    uint64_t next = 0;                 // the first that this stream has not sent
    bool welcomed = false, writing = false, ended = false, done = false;
  };

  void Open(const std::string& address);
  void Send(uint64_t first, uint64_t last, absl::Time now);
  void OnRead(Stream* stream, bool ok);
  void OnWritten(Stream* stream, bool ok);
  void OnDone(Stream* stream);
  // No more writes from outside: gRPC may end the call.
  static void End(Stream* stream) {
    if (std::exchange(stream->ended, true)) return;
    stream->context.TryCancel();
    stream->RemoveHold();
  }

  const std::string name_;
  const CertificateSet certificates_;
  mutable std::mutex mutex_;
  std::unique_ptr<Stream> stream_;
  Backoff backoff_{absl::Milliseconds(200), absl::Seconds(30)};
  absl::BitGen random_;
  absl::Time connect_at_ = absl::InfinitePast();
  absl::Time send_at_ = absl::InfinitePast();
  uint64_t sent_ = 0, acked_ = 0, acked_since_ = 0, reconnects_ = 0;
  std::vector<double> latencies_ms_;
};

void SimulatedAgent::Open(const std::string& address) {
  stream_ = std::make_unique<Stream>(this, OpenChannel(address, certificates_));
  Stream* const stream = stream_.get();
  *stream->up.mutable_hello() = MakeHello(name_);
  stream->up.mutable_hello()->set_heartbeat_ms(60'000);
  stream->writing = true;
  stream->stub->async()->Connect(&stream->context, stream);
  stream->AddHold();
  stream->StartWrite(&stream->up);
  stream->StartRead(&stream->down);
  stream->StartCall();
}

void SimulatedAgent::Tick(const std::string& address, const FleetLoad* load, absl::Time now) {
  std::lock_guard lock(mutex_);
  if (stream_ != nullptr && stream_->done) {
    if (stream_->welcomed) backoff_.Reset();
    stream_.reset();
    ++reconnects_;
    connect_at_ = now + backoff_.Next();
  }
  if (stream_ == nullptr) {
    if (now >= connect_at_) Open(address);
    return;
  }
  if (!stream_->welcomed || stream_->writing || stream_->ended) return;
  if (stream_->next <= sent_) {  // what an earlier stream had sent and this collector has not
    if (stream_->in_flight.size() < 4) {
      Send(stream_->next, std::min(sent_, stream_->next + kResendBatch - 1), now);
    }
    return;
  }
  if (load == nullptr || now < send_at_ || !stream_->in_flight.empty()) return;
  // The first one anywhere within the interval, so that the agents do not march in step.
  const bool first = send_at_ == absl::InfinitePast();
  send_at_ =
      (first ? now : send_at_) + (first ? absl::Uniform(random_, 0.0, 1.0) : 1.0) * load->interval;
  if (first && load->interval > absl::ZeroDuration()) return;
  send_at_ = std::max(send_at_, now);
  sent_ += load->batch_records;
  Send(stream_->next, sent_, now);
}

void SimulatedAgent::Send(uint64_t first, uint64_t last, absl::Time now) {
  v1::Batch* batch = stream_->up.mutable_batch();
  batch->Clear();
  for (uint64_t seq = first; seq <= last; ++seq) {
    batch->add_records(MakeAlertRecord({.seq = seq}).SerializeAsString());
  }
  stream_->next = last + 1;
  stream_->in_flight.push_back(now);
  stream_->writing = true;
  stream_->StartWrite(&stream_->up);
}

void SimulatedAgent::OnRead(Stream* stream, bool ok) {
  std::lock_guard lock(mutex_);
  if (!ok) {
    End(stream);
    return;
  }
  if (stream->down.has_welcome()) {
    stream->welcomed = true;
    stream->next = stream->down.welcome().stored().seq() + 1;
    acked_ = std::max(acked_, stream->next - 1);
  } else if (stream->down.has_ack() && !stream->in_flight.empty()) {
    latencies_ms_.push_back(absl::ToDoubleMilliseconds(absl::Now() - stream->in_flight.front()));
    stream->in_flight.pop_front();
    const uint64_t seq = stream->down.ack().stored().seq();
    acked_since_ += seq > acked_ ? seq - acked_ : 0;
    acked_ = std::max(acked_, seq);
  }
  stream->StartRead(&stream->down);
}

void SimulatedAgent::OnWritten(Stream* stream, bool ok) {
  std::lock_guard lock(mutex_);
  stream->writing = false;
  if (!ok) End(stream);
}

void SimulatedAgent::OnDone(Stream* stream) {
  std::lock_guard lock(mutex_);
  stream->done = true;
}

void SimulatedAgent::Disconnect() {
  {
    std::lock_guard lock(mutex_);
    if (stream_ == nullptr) return;
    if (!stream_->done) End(stream_.get());
  }
  while (true) {
    {
      std::lock_guard lock(mutex_);
      if (stream_->done) break;
    }
    absl::SleepFor(kTick);
  }
  stream_.reset();
}

AgentFleet::AgentFleet(TestAuthority* authority, size_t agents) {
  for (size_t i = 0; i < agents; ++i) {
    const std::string name = StrCat("n", i);
    agents_.push_back(std::make_unique<SimulatedAgent>(name, authority->Issue(AgentUri(name))));
  }
}

AgentFleet::~AgentFleet() = default;

void AgentFleet::SetAddress(const std::string& address) { address_ = address; }

void AgentFleet::Tick(const FleetLoad* load) {
  const absl::Time now = absl::Now();
  for (const auto& agent : agents_) agent->Tick(address_, load, now);
  const absl::Duration work = absl::Now() - now;
  absl::SleepFor(std::max(kTick - work, std::min(kRestPerWork * work, kMaxRest)));
}

size_t AgentFleet::AwaitConnected(absl::Duration limit) {
  const absl::Time deadline = absl::Now() + limit;
  const auto count = [this] {
    return static_cast<size_t>(std::count_if(agents_.begin(), agents_.end(),
                                             [](const auto& agent) { return agent->welcomed(); }));
  };
  while (count() < agents_.size() && absl::Now() < deadline) {
    const absl::Time again = absl::Now() + kBetweenCounts;
    while (absl::Now() < again) Tick(nullptr);
  }
  return count();
}

FleetReport AgentFleet::Run(const FleetLoad& load, absl::Duration time) {
  FleetReport report;
  std::vector<double> latencies_ms;
  for (const auto& agent : agents_) agent->TakeFigures(&latencies_ms, &report);
  report = {};
  latencies_ms.clear();
  const absl::Time begin = absl::Now();
  while (absl::Now() - begin < time) Tick(&load);
  report.time = absl::Now() - begin;
  for (const auto& agent : agents_) agent->TakeFigures(&latencies_ms, &report);
  std::sort(latencies_ms.begin(), latencies_ms.end());
  const auto at = [&](double part) {
    if (latencies_ms.empty()) return absl::InfiniteDuration();
    const double last = static_cast<double>(latencies_ms.size() - 1);
    return absl::Milliseconds(latencies_ms[static_cast<size_t>(part * last)]);
  };
  report.p50 = at(0.5);
  report.p99 = at(0.99);
  report.max = at(1.0);
  report.latencies_ms = std::move(latencies_ms);
  return report;
}

bool AgentFleet::AwaitAcknowledged(absl::Duration limit) {
  const absl::Time deadline = absl::Now() + limit;
  const auto done = [this] {
    return std::all_of(agents_.begin(), agents_.end(),
                       [](const auto& agent) { return agent->all_acked(); });
  };
  while (!done() && absl::Now() < deadline) Tick(nullptr);
  return done();
}

std::vector<uint64_t> AgentFleet::Sent() const {
  std::vector<uint64_t> sent;
  for (const auto& agent : agents_) sent.push_back(agent->sent());
  return sent;
}

}  // namespace vakt
