// SPDX-License-Identifier: Apache-2.0
#include "agent/uplink/collector_stream.h"

#include <grpc/grpc.h>
#include <grpc/support/log.h>
#include <grpc/support/time.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/support/channel_arguments.h>
#include <grpcpp/support/proto_buffer_reader.h>

#include <chrono>
#include <cstdint>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/file.h"
#include "common/base/log.h"
#include "common/base/status.h"

namespace vakt {
namespace {

constexpr char kMethod[] = "/vakt.v1.Ingest/Connect";
constexpr size_t kMaxPemBytes = 1u << 20;
// A Welcome or an Ack is below 100 bytes: no collector makes the agent take more than this.
constexpr int kMaxReceivedMessageBytes = 64 << 10;
constexpr int kConnectTimeoutMs = 10'000;

char wake_tag;

gpr_timespec GprDeadline(absl::Duration deadline) {
  if (deadline == absl::InfiniteDuration()) return gpr_inf_future(GPR_CLOCK_MONOTONIC);
  const int64_t wait_ns = absl::ToInt64Nanoseconds(deadline - SteadyNow());
  return gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC), gpr_time_from_nanos(wait_ns, GPR_TIMESPAN));
}

grpc::ByteBuffer ToByteBuffer(std::string message) {
  auto* owned = new std::string(std::move(message));  // gRPC frees it once it is written
  grpc::Slice slice(
      owned->data(), owned->size(), [](void* string) { delete static_cast<std::string*>(string); },
      owned);
  return grpc::ByteBuffer(&slice, 1);
}

}  // namespace

absl::Duration SteadyNow() {
  return absl::FromChrono(std::chrono::steady_clock::now().time_since_epoch());
}

absl::StatusOr<std::shared_ptr<grpc::Channel>> MakeCollectorChannel(
    const CollectorAddress& address) {
  grpc::SslCredentialsOptions tls;
  VAKT_ASSIGN_OR_RETURN(tls.pem_root_certs, ReadFile(address.ca_file, kMaxPemBytes));
  VAKT_ASSIGN_OR_RETURN(tls.pem_cert_chain, ReadFile(address.cert_file, kMaxPemBytes));
  VAKT_ASSIGN_OR_RETURN(tls.pem_private_key, ReadFile(address.key_file, kMaxPemBytes));
  grpc::ChannelArguments arguments;
  if (!address.server_name_override.empty()) {
    arguments.SetSslTargetNameOverride(address.server_name_override);
  }
  arguments.SetMaxReceiveMessageSize(kMaxReceivedMessageBytes);
  // The uplink's own backoff decides when to try again: no state is shared between channels, and
  // nothing is kept in memory for a transparent retry.
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, kConnectTimeoutMs);
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);  // alerts go where the configuration says
  arguments.SetInt(GRPC_ARG_SERVICE_CONFIG_DISABLE_RESOLUTION, 1);
  return grpc::CreateCustomChannel(address.collector, grpc::SslCredentials(tls), arguments);
}

void RouteGrpcLog() {
  grpc_init();  // for good: its threads are not joined at the end, which takes for ever at times
  gpr_set_log_function(
      [](gpr_log_func_args* entry) { LogDebug(absl::StrCat("grpc: ", entry->message)); });
}

void* const EventQueue::kWakeTag = &wake_tag;

EventQueue::~EventQueue() {
  if (given_up_) {
    (void)queue_.release();
    return;
  }
  queue_->Shutdown();
  void* tag = nullptr;
  for (bool ok = false; queue_->Next(&tag, &ok);) continue;
}

void* EventQueue::Next(absl::Duration deadline, bool* ok) {
  void* tag = nullptr;
  if (queue_->AsyncNext(&tag, ok, GprDeadline(deadline)) != grpc::CompletionQueue::GOT_EVENT) {
    return nullptr;
  }
  if (tag == kWakeTag) {
    std::lock_guard lock(mutex_);
    wake_pending_ = false;
  }
  return tag;
}

void EventQueue::Wake() {
  std::lock_guard lock(mutex_);
  if (std::exchange(wake_pending_, true)) return;
  alarm_.Set(queue_.get(), gpr_now(GPR_CLOCK_MONOTONIC), kWakeTag);
}

CollectorStream::CollectorStream(std::shared_ptr<grpc::Channel> channel, EventQueue* events)
    : events_(events), held_(std::make_unique<Held>(std::move(channel))) {
  held_->call = held_->stub.PrepareCall(&held_->context, kMethod, events_->queue());
  held_->call->StartCall(Begin(kStart));
}

CollectorStream::~CollectorStream() {
  Cancel();
  const absl::Duration give_up_at = SteadyNow() + kLetGo;
  while (outstanding_ > 0 && SteadyNow() < give_up_at) Next(give_up_at);
  if (outstanding_ == 0) return;
  LogWarning(absl::StrCat("gRPC does not let go of a call that was cancelled ",
                          absl::FormatDuration(kLetGo), " ago: its memory is given up"));
  events_->GiveUp();
  (void)held_.release();
}

void* CollectorStream::Begin(Operation operation) {
  ++outstanding_;
  return &held_->tags[operation];
}

CollectorStream::Event CollectorStream::Next(absl::Duration deadline) {
  for (;;) {
    bool ok = false;
    const void* tag = events_->Next(deadline, &ok);
    if (tag == nullptr) return Event::kDeadline;
    if (tag == EventQueue::kWakeTag) return Event::kWake;
    const auto place = reinterpret_cast<uintptr_t>(tag) - reinterpret_cast<uintptr_t>(held_->tags);
    if (place >= kOperations) continue;  // of a call that was given up
    --outstanding_;
    if (place == kFinish) {
      if (malformed_) {
        held_->status =
            grpc::Status(grpc::StatusCode::DATA_LOSS, "the answer is not a CollectorMessage");
      }
      return Event::kEnded;
    }
    if (place == kWritesDone || (place == kWrite && !ok)) {
      // The read side ends too, or has ended: of a call that is cancelled gRPC answers for what was
      // written in any order, and behind the last answer nothing more comes.
      if (outstanding_ == 0) return Event::kEnded;
      continue;
    }
    if (!ok) {
      Finish();
      continue;
    }
    return OnDone(static_cast<Operation>(place));
  }
}

CollectorStream::Event CollectorStream::OnDone(Operation operation) {
  if (operation == kWrite) {
    writing_ = false;
    return Event::kWritten;
  }
  if (operation == kStart) {
    open_ = true;
    StartRead();
    return Event::kOpened;
  }
  grpc::ProtoBufferReader reader(&held_->read_buffer);
  malformed_ = malformed_ || !message_.ParseFromZeroCopyStream(&reader);
  if (malformed_) Cancel();
  StartRead();
  return malformed_ ? Event::kWake : Event::kMessage;
}

void CollectorStream::StartRead() { held_->call->Read(&held_->read_buffer, Begin(kRead)); }

void CollectorStream::Finish() {
  open_ = false;  // a write begun after this might never complete
  held_->call->Finish(&held_->status, Begin(kFinish));
}

void CollectorStream::Write(std::string message) {
  writing_ = true;
  held_->call->Write(ToByteBuffer(std::move(message)), Begin(kWrite));
}

void CollectorStream::FinishWriting() {
  writes_done_ = true;
  held_->call->WritesDone(Begin(kWritesDone));
}

}  // namespace vakt
