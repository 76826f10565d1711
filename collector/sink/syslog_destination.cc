// SPDX-License-Identifier: Apache-2.0
#include "collector/sink/syslog_destination.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <string>
#include <utility>

#include "absl/time/clock.h"
#include "collector/sink/syslog_message.h"
#include "common/base/status.h"
#include "common/base/strings.h"
#include "common/base/wakeup.h"

namespace vakt {
namespace {

// "[::1]:6514" to {"::1", "6514"}.
PeerAddress SplitAddress(const std::string& address) {
  const size_t colon = address.rfind(':');
  std::string host = address.substr(0, colon);
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
  }
  return {std::move(host), address.substr(colon + 1)};
}

}  // namespace

absl::StatusOr<std::unique_ptr<Destination>> SyslogDestination::Create(const SinkConfig& config) {
  std::unique_ptr<SyslogDestination> made(new SyslogDestination());
  made->peer_ = SplitAddress(config.Str("address"));
  made->timeout_ = config.Dur("timeout");
  made->facility_ = SyslogFacility(config.Str("facility"));
  made->as_text_ = config.Str("format") == "text";
  if (config.Str("transport") == "tls") {
    const std::string name = config.Str("server_name");
    VAKT_ASSIGN_OR_RETURN(made->tls_,
                          TlsClient::Create(config.Str("ca"), config.Str("cert"), config.Str("key"),
                                            name.empty() ? made->peer_.host : name));
  }
  made->cancel_ = UniqueFd(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!made->cancel_) return ErrnoStatus(errno, "eventfd");
  return std::unique_ptr<Destination>(std::move(made));
}

void SyslogDestination::Cancel() { eventfd_write(cancel_.get(), 1); }

absl::Status SyslogDestination::Send(const std::string& frames) {
  VAKT_ASSIGN_OR_RETURN(
      const auto stream,
      ByteStream::Connect(peer_, tls_.get(), SteadyNow() + timeout_, cancel_.get()));
  VAKT_RETURN_IF_ERROR(stream->Write(frames));
  return stream->FinishAndAwaitEnd();
}

std::vector<Delivery> SyslogDestination::Deliver(absl::Span<const v1::StoredRecord> records) {
  std::string frames;
  for (const v1::StoredRecord& record : records) {
    frames += SyslogFrame(SyslogMessage(record, facility_, as_text_));
  }
  const absl::Status status = Send(frames);
  Delivery delivery = {Delivery::Result::kDelivered, ""};
  if (!status.ok()) {
    delivery = {Delivery::Result::kRetry,
                StrCat(peer_.host, ":", peer_.port, ": ", Message(status))};
  }
  return std::vector<Delivery>(records.size(), delivery);
}

}  // namespace vakt
