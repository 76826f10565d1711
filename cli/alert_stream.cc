// SPDX-License-Identifier: Apache-2.0
#include "cli/alert_stream.h"

#include <grpcpp/client_context.h>

#include <algorithm>
#include <condition_variable>
#include <mutex>

#include "absl/random/random.h"
#include "common/base/status.h"
#include "vakt/v1/query.grpc.pb.h"

namespace vakt {
namespace {

// Whether dialling again may help.
bool IsPassing(grpc::StatusCode code) {
  switch (code) {
    case grpc::StatusCode::OK:  // the collector ended the stream in peace
    case grpc::StatusCode::UNAVAILABLE:
    case grpc::StatusCode::CANCELLED:
    case grpc::StatusCode::ABORTED:
    case grpc::StatusCode::DEADLINE_EXCEEDED:
    case grpc::StatusCode::RESOURCE_EXHAUSTED:
    case grpc::StatusCode::INTERNAL:
    case grpc::StatusCode::UNKNOWN:
      return true;
    default:
      return false;
  }
}

void Pause(const std::stop_token& stop, absl::Duration pause) {
  std::mutex mutex;
  std::condition_variable_any wakeup;
  std::unique_lock lock(mutex);
  wakeup.wait_for(lock, stop, absl::ToChronoMicroseconds(pause), [] { return false; });
}

}  // namespace

grpc::Status AlertStream::ReadOnce(const std::stop_token& stop, const Consumer& consumer,
                                   const Expired& expired, bool* ended) {
  const absl::StatusOr<std::shared_ptr<grpc::Channel>> channel = dial_();
  if (!channel.ok()) {
    return {grpc::StatusCode::UNAVAILABLE, std::string(Message(channel.status()))};
  }
  const auto stub = v1::Alerts::NewStub(*channel);
  v1::SubscribeRequest request = options_.request;
  if (!cursor_.empty()) request.set_after_cursor(cursor_);
  grpc::ClientContext context;
  const std::stop_callback cancel(stop, [&context] { context.TryCancel(); });
  const auto reader = stub->Subscribe(&context, request);
  reader->WaitForInitialMetadata();  // which the collector sends at once
  if ((*channel)->GetState(false) == GRPC_CHANNEL_READY) answered_ = true;
  v1::SubscribeResponse response;
  while (reader->Read(&response)) {
    pause_ = options_.backoff_min;
    if (response.has_expired()) {
      if (expired) expired(response.expired().until_cursor());
      continue;
    }
    const bool is_record = response.has_record();
    if (is_record && !consumer(response.record())) *ended = true;
    const std::string& cursor =
        is_record ? response.record().cursor() : response.heartbeat().cursor();
    if (!cursor.empty()) cursor_ = cursor;
    if (!*ended) continue;
    context.TryCancel();
    break;
  }
  while (reader->Read(&response)) {  // what was on its way when we left
  }
  return reader->Finish();
}

grpc::Status AlertStream::Run(const std::stop_token& stop, const Consumer& consumer,
                              const Broken& broken, const Expired& expired) {
  absl::BitGen random;
  pause_ = options_.backoff_min;
  while (!stop.stop_requested()) {
    bool ended = false;
    const grpc::Status status = ReadOnce(stop, consumer, expired, &ended);
    if (ended || stop.stop_requested()) break;
    if (!answered_ || !IsPassing(status.error_code())) return status;
    // Another took our place; taking it back would go on for ever.
    if (status.error_code() == grpc::StatusCode::ABORTED && !options_.request.consumer().empty()) {
      return status;
    }
    // Not all consumers of a restarted collector at the same moment.
    const absl::Duration pause = pause_ * absl::Uniform(random, 0.5, 1.0);
    broken(status, pause);
    Pause(stop, pause);
    pause_ = std::min(pause_ * 2, options_.backoff_max);
  }
  return grpc::Status::OK;
}

}  // namespace vakt
