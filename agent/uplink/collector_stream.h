// SPDX-License-Identifier: Apache-2.0
// One gRPC call of vakt.v1.Ingest/Connect over mTLS, reduced to events: the only file of the
// agent's uplink that knows gRPC's asynchronous interface. Messages up are bytes, encoded by the
// caller.
//
// One thread owns an EventQueue and its streams and waits in Next(); only Wake() may be called from
// others. No thread of its own, no polling.
#ifndef VAKT_AGENT_UPLINK_COLLECTOR_STREAM_H_
#define VAKT_AGENT_UPLINK_COLLECTOR_STREAM_H_

#include <grpcpp/alarm.h>
#include <grpcpp/channel.h>
#include <grpcpp/completion_queue.h>
#include <grpcpp/generic/generic_stub.h>

#include <memory>
#include <mutex>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "vakt/v1/ingest.pb.h"

namespace vakt {

// Time since an arbitrary point, on the monotonic clock: a wall clock that jumps changes nothing.
absl::Duration SteadyNow();

struct CollectorAddress {
  std::string collector;  // host:port
  std::string ca_file;
  std::string cert_file;
  std::string key_file;
  std::string server_name_override;  // expected in the collector's certificate; empty: the host
};

// A connection that is made when it is first used. Reads the certificate files now, so that every
// new connection uses the present ones. Errors name the file.
absl::StatusOr<std::shared_ptr<grpc::Channel>> MakeCollectorChannel(
    const CollectorAddress& address);

// Sends gRPC's own messages to our log, at debug level: what an operator needs to know comes as the
// status of a call. Process-wide.
void RouteGrpcLog();

class EventQueue {
 public:
  EventQueue() = default;
  ~EventQueue();  // no stream is left by then
  EventQueue(const EventQueue&) = delete;
  EventQueue& operator=(const EventQueue&) = delete;

  // The tag of the next event, with its success; kWakeTag for Wake(); nullptr at the deadline.
  void* Next(absl::Duration deadline, bool* ok);
  // Makes Next return kWakeTag. Thread-safe; many calls may give one event.
  void Wake();

  grpc::CompletionQueue* queue() { return queue_.get(); }
  // gRPC holds operations that it will not answer for: the queue stays, as it cannot end.
  void GiveUp() { given_up_ = true; }
  static void* const kWakeTag;

 private:
  std::unique_ptr<grpc::CompletionQueue> queue_ = std::make_unique<grpc::CompletionQueue>();
  bool given_up_ = false;
  std::mutex mutex_;
  grpc::Alarm alarm_ ABSL_GUARDED_BY(mutex_);
  bool wake_pending_ ABSL_GUARDED_BY(mutex_) = false;
};

class CollectorStream {
 public:
  enum class Event { kOpened, kMessage, kWritten, kEnded, kWake, kDeadline };

  // Starts the call. `events` must outlive the stream.
  CollectorStream(std::shared_ptr<grpc::Channel> channel, EventQueue* events);
  // Cancels the call if it is still running and waits until gRPC has let go of it. There are calls
  // that gRPC 1.51 never lets go of, one in some 100,000 that the collector ends while a message is
  // on its way: after `kLetGo` what such a one needs is given up to it.
  ~CollectorStream();
  CollectorStream(const CollectorStream&) = delete;
  CollectorStream& operator=(const CollectorStream&) = delete;

  // Waits for the next event, at most until `deadline` (of SteadyNow). kEnded is the last one.
  Event Next(absl::Duration deadline);

  // The message of the kMessage event just returned.
  const v1::CollectorMessage& message() const { return message_; }
  // How the call ended, after kEnded.
  const grpc::Status& status() const { return held_->status; }

  static constexpr absl::Duration kLetGo = absl::Seconds(5);

  // One message at a time: from kOpened or kWritten on until the next kWritten.
  bool can_write() const { return open_ && !writing_ && !writes_done_; }
  void Write(std::string message);
  // No more writes; the collector then ends the call.
  void FinishWriting();
  void Cancel() { held_->context.TryCancel(); }

 private:
  // What an event of the queue is about: its tag is the place of that in `tags`.
  enum Operation : size_t { kStart, kRead, kWrite, kWritesDone, kFinish, kOperations };
  // What gRPC uses until it has answered.
  struct Held {
    explicit Held(std::shared_ptr<grpc::Channel> to) : channel(std::move(to)), stub(channel) {}
    const std::shared_ptr<grpc::Channel> channel;
    grpc::ClientContext context;
    grpc::GenericStub stub;
    std::unique_ptr<grpc::GenericClientAsyncReaderWriter> call;
    grpc::ByteBuffer read_buffer;
    grpc::Status status;
    char tags[kOperations] = {};
  };

  // The tag of an operation that gRPC holds from now on.
  void* Begin(Operation operation);
  Event OnDone(Operation operation);
  void StartRead();
  void Finish();

  EventQueue* const events_;
  std::unique_ptr<Held> held_;
  v1::CollectorMessage message_;
  bool open_ = false;
  bool writing_ = false;
  bool writes_done_ = false;
  bool malformed_ = false;
  int outstanding_ = 0;  // operations that gRPC still holds
};

}  // namespace vakt

#endif  // VAKT_AGENT_UPLINK_COLLECTOR_STREAM_H_
