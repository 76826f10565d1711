// SPDX-License-Identifier: Apache-2.0
#include "cli/record_tail.h"

#include <grpcpp/client_context.h>

#include <utility>

#include "absl/time/clock.h"
#include "cli/alert_stream.h"
#include "cli/connection.h"
#include "cli/stop_on_signal.h"
#include "common/base/status.h"
#include "common/base/strings.h"
#include "common/base/text.h"
#include "vakt/v1/query.grpc.pb.h"

namespace vakt {
namespace {

absl::StatusOr<v1::SubscribeRequest> RequestFromFlags(const Invocation& invocation,
                                                      v1::Filter filter) {
  const Arguments& arguments = invocation.arguments;
  if (arguments.Has("--after") && arguments.Has("--from-beginning")) {
    return absl::InvalidArgumentError("--after and --from-beginning exclude each other");
  }
  v1::SubscribeRequest request;
  if (invocation.format == "ocsf") request.set_format(v1::FORMAT_OCSF);
  request.set_consumer(arguments.Text("--consumer"));
  *request.mutable_filter() = std::move(filter);
  if (arguments.Has("--after")) {
    request.set_after_cursor(arguments.Text("--after"));
  } else if (arguments.Has("--from-beginning") || arguments.Has("--since")) {
    request.set_from_beginning(true);
  }
  return request;
}

std::string Reconnecting(const Connection& collector, const grpc::Status& status,
                         absl::Duration pause, bool has_cursor) {
  const std::string cause = status.ok() ? StrCat(collector.peer(), " ended the stream")
                                        : std::string(Message(collector.Failure(status)));
  return StrCat(cause, "; trying again in ",
                absl::FormatDuration(absl::Trunc(pause, absl::Milliseconds(1))),
                has_cursor ? "" : " (what is stored meanwhile will not be shown)");
}

// Tells the collector how far a named consumer has come: not for each record, which would be a sync
// of its disk each, but often enough that a break repeats little.
class Acknowledger {
 public:
  Acknowledger(const Connection& collector, std::string consumer)
      : collector_(collector), consumer_(std::move(consumer)) {}

  void OnPrinted(const std::string& cursor) {
    cursor_ = cursor;
    if (++pending_ >= kMaxPending || absl::Now() - last_ >= kInterval) Send().IgnoreError();
  }
  // An error is the last call's: what was printed since comes again next time.
  absl::Status Send() {
    if (consumer_.empty() || pending_ == 0) return absl::OkStatus();
    last_ = absl::Now();
    VAKT_ASSIGN_OR_RETURN(const auto channel, collector_.Dial());
    grpc::ClientContext context;
    context.set_deadline(absl::ToChronoTime(absl::Now() + kCallTimeout));
    v1::AcknowledgeRequest request;
    request.set_consumer(consumer_);
    request.set_cursor(cursor_);
    v1::AcknowledgeResponse response;
    const grpc::Status status =
        v1::Alerts::NewStub(channel)->Acknowledge(&context, request, &response);
    if (!status.ok()) return collector_.Failure(status);
    pending_ = 0;
    return absl::OkStatus();
  }

 private:
  static constexpr int kMaxPending = 500;
  static constexpr absl::Duration kInterval = absl::Seconds(1);

  const Connection& collector_;
  const std::string consumer_;
  std::string cursor_;
  int pending_ = 0;
  absl::Time last_ = absl::InfinitePast();
};

}  // namespace

VerbResult TailRecords(const Invocation& invocation, v1::Filter filter,
                       absl::FunctionRef<std::string(const v1::StoredRecord&)> line) {
  const Arguments& arguments = invocation.arguments;
  Console& console = invocation.console;
  VAKT_ASSIGN_OR_RETURN(const v1::SubscribeRequest request,
                        RequestFromFlags(invocation, std::move(filter)));
  // Before the channel: its threads must inherit the signal mask.
  const StopOnSignal stop(arguments.Duration("--timeout", absl::InfiniteDuration()));
  VAKT_ASSIGN_OR_RETURN(const Connection collector, Connection::ToCollector(invocation));
  VAKT_RETURN_IF_ERROR(collector.Dial().status());  // wrong files show at once, as what they are
  AlertStream stream([&collector] { return collector.Dial(); }, {.request = request});

  const uint64_t wanted = arguments.Count("--count");
  uint64_t printed = 0;
  Acknowledger acknowledger(collector, request.consumer());
  absl::Status written;
  const grpc::Status status = stream.Run(
      stop.token(),
      [&](const v1::StoredRecord& record) {
        console.Line(invocation.format == "ocsf" ? record.ocsf_json() : line(record));
        written = console.Flush();
        if (written.ok()) acknowledger.OnPrinted(record.cursor());
        return written.ok() && ++printed != wanted;
      },
      [&](const grpc::Status& cause, absl::Duration pause) {
        console.Note(Reconnecting(collector, cause, pause, !stream.cursor().empty()));
      },
      [&](const std::string&) {
        console.Note("some records were deleted for their age before they could be shown");
      });
  VAKT_RETURN_IF_ERROR(written);
  VAKT_RETURN_IF_ERROR(acknowledger.Send());
  if (!stream.cursor().empty() && request.consumer().empty()) {
    console.Note(StrCat("go on with --after ", EscapeUtf8(stream.cursor())));
  }
  if (!status.ok()) return collector.Failure(status);
  if (printed >= wanted) return kSuccess;
  return absl::DeadlineExceededError(StrCat("ended after ", printed, " of ", wanted, " records"));
}

}  // namespace vakt
