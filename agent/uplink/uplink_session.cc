// SPDX-License-Identifier: Apache-2.0
#include "agent/uplink/uplink_session.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace vakt {
namespace {

Position FromProto(const v1::Position& position) { return {position.epoch(), position.seq()}; }

std::string Text(Position position) { return absl::StrCat(position.epoch, "/", position.seq); }

}  // namespace

UplinkSession::UplinkSession(const UplinkSessionOptions& options, Position acknowledged,
                             Position newest, absl::Duration now)
    : options_(options),
      newest_(newest),
      sent_(acknowledged),
      acknowledged_(acknowledged),
      answer_due_(now + options.welcome_timeout) {}

UplinkSession::Send UplinkSession::Next(absl::Duration now, bool readable) const {
  if (!hello_sent_) return Send::kHello;
  if (!welcomed_) return Send::kNothing;
  if (now >= heartbeat_due_) return Send::kHeartbeat;
  if (readable && in_flight_.size() < options_.window_batches) return Send::kBatch;
  return Send::kNothing;
}

void UplinkSession::OnHeartbeatSent(absl::Duration now) {
  heartbeat_due_ = now + options_.heartbeat;
}

void UplinkSession::OnBatchSent(Position last, size_t records, absl::Duration now) {
  if (in_flight_.empty()) answer_due_ = now + options_.ack_timeout;
  in_flight_.push_back({last, records});
  sent_ = last;
  newest_ = std::max(newest_, last);
}

absl::Status UplinkSession::OnMessage(const v1::CollectorMessage& message, absl::Duration now) {
  switch (message.message_case()) {
    case v1::CollectorMessage::kWelcome:
      return OnWelcome(message.welcome(), now);
    case v1::CollectorMessage::kAck:
      return OnAck(message.ack(), now);
    case v1::CollectorMessage::MESSAGE_NOT_SET:
      break;  // of a later version
  }
  return absl::OkStatus();
}

absl::Status UplinkSession::OnWelcome(const v1::Welcome& welcome, absl::Duration now) {
  if (welcomed_) return absl::InvalidArgumentError("the collector sent a second Welcome");
  welcomed_ = true;
  answer_due_ = absl::InfiniteDuration();
  heartbeat_due_ = now;
  const Position stored = FromProto(welcome.stored());
  // Not a record of this spool: its directory was wiped and the clock set back, or two agents share
  // a name. It says nothing about our records; to send them again does no harm.
  if (stored > newest_) {
    rewound_ = true;
    return absl::OkStatus();
  }
  // Less than what was acknowledged: the collector lost data. The spool still has some of it.
  sent_ = stored;
  acknowledged_ = std::max(acknowledged_, stored);
  return absl::OkStatus();
}

absl::Status UplinkSession::OnAck(const v1::Ack& ack, absl::Duration now) {
  if (!welcomed_) return absl::InvalidArgumentError("the collector sent an Ack before Welcome");
  const Position stored = FromProto(ack.stored());
  if (stored > newest_) {
    return absl::InvalidArgumentError(absl::StrCat("the collector acknowledged ", Text(stored),
                                                   ", but only ", Text(newest_), " was sent"));
  }
  sent_ = std::max(sent_, stored);
  acknowledged_ = std::max(acknowledged_, stored);
  while (!in_flight_.empty() && in_flight_.front().last <= stored) {
    acknowledged_records_ += in_flight_.front().records;
    in_flight_.pop_front();
    answer_due_ = now + options_.ack_timeout;
  }
  if (in_flight_.empty()) answer_due_ = absl::InfiniteDuration();
  return absl::OkStatus();
}

absl::Status UplinkSession::CheckTimeouts(absl::Duration now) const {
  if (now < answer_due_) return absl::OkStatus();
  return absl::DeadlineExceededError(
      welcomed_ ? absl::StrCat("no acknowledgement for ", in_flight_.size(), " batches within ",
                               absl::FormatDuration(options_.ack_timeout))
                : absl::StrCat("no answer to Hello within ",
                               absl::FormatDuration(options_.welcome_timeout)));
}

absl::Duration UplinkSession::deadline() const { return std::min(heartbeat_due_, answer_due_); }

}  // namespace vakt
