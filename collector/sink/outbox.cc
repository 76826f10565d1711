// SPDX-License-Identifier: Apache-2.0
#include "collector/sink/outbox.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "common/base/strings.h"

namespace vakt {
namespace {

// A peer that restarts fails once or twice: no reason to send records one by one.
constexpr int kFailuresTogether = 3;
constexpr absl::Duration kRetryMin = absl::Milliseconds(100);
constexpr int kSetAsideAt = Outbox::kMaxFailures * Outbox::kBusyPerFailure;

}  // namespace

Outbox::Outbox(absl::Duration retry_max)
    : retry_max_(retry_max),
      together_(std::numeric_limits<size_t>::max()),
      backoff_(std::min(kRetryMin, retry_max), retry_max) {}

void Outbox::Add(std::vector<v1::StoredRecord> records) {
  std::move(records.begin(), records.end(), std::back_inserter(queue_));
}

absl::Span<const v1::StoredRecord> Outbox::Next(absl::Time now) {
  for (size_t i = 0; i < deferred_.size(); ++i) {
    if (deferred_[i].due > now) continue;
    trying_ = Trying::kDeferred;
    trying_at_ = i;
    return {&deferred_[i].record, 1};
  }
  trying_ = Trying::kNothing;
  if (queue_.empty()) return {};
  if (!alone_.empty() && queue_.size() > alone_.size()) {
    trying_ = Trying::kProbe;
    return {&queue_[alone_.size()], 1};
  }
  if (now < queue_due_) return {};
  trying_ = Trying::kQueue;
  return {queue_.data(), std::min(together_, queue_.size())};
}

AttemptResult Outbox::Take(absl::Span<const Delivery> deliveries, absl::Time now,
                           SetAside set_aside) {
  AttemptResult result;
  result.of_queue = trying_ != Trying::kDeferred;
  switch (std::exchange(trying_, Trying::kNothing)) {
    case Trying::kNothing:
      break;
    case Trying::kQueue:
      TakeQueue(deliveries, now, set_aside, &result);
      break;
    case Trying::kProbe:
      TakeProbe(deliveries[0], now, set_aside, &result);
      break;
    case Trying::kDeferred:
      TakeDeferred(deliveries[0], now, set_aside, &result);
      break;
  }
  return result;
}

bool Outbox::IsOver(const v1::StoredRecord& record, const Delivery& delivery, SetAside set_aside,
                    AttemptResult* result) {
  if (delivery.result == Delivery::Result::kDelivered) {
    ++result->delivered;
    ++arrived_;
    return true;
  }
  if (delivery.result == Delivery::Result::kRefused && set_aside(record, delivery.reason)) {
    ++result->set_aside;
    ++arrived_;  // an answer, too
    return true;
  }
  ++result->retried;
  return false;
}

void Outbox::TakeQueue(absl::Span<const Delivery> deliveries, absl::Time now, SetAside set_aside,
                       AttemptResult* result) {
  const uint64_t arrived_before = arrived_;
  std::vector<v1::StoredRecord> left;
  std::vector<Delivery> failures;
  for (size_t i = 0; i < deliveries.size(); ++i) {
    if (IsOver(queue_[i], deliveries[i], set_aside, result)) continue;
    left.push_back(std::move(queue_[i]));
    failures.push_back(deliveries[i]);
  }
  queue_.erase(queue_.begin(), queue_.begin() + static_cast<std::ptrdiff_t>(deliveries.size()));
  absl::Duration wait = absl::ZeroDuration();
  for (const Delivery& failure : failures) wait = std::max(wait, failure.wait_at_least);
  alone_.clear();
  if (arrived_ > arrived_before) {
    // Others arrived: those that did not are deferred, as far as there is room.
    const size_t room =
        std::min(left.size(), kMaxDeferred - std::min(kMaxDeferred, deferred_.size()));
    for (size_t i = 0; i < room; ++i) Defer(std::move(left[i]), failures[i], now);
    left.erase(left.begin(), left.begin() + static_cast<std::ptrdiff_t>(room));
    together_ = std::max(together_, 2 * deliveries.size());
    failed_together_ = 0;
    probes_ = 1;
  } else if (deliveries.size() == 1) {
    alone_ = failures;
  } else if (++failed_together_ >= kFailuresTogether) {
    together_ = 1;
  }
  if (!failures.empty()) result->failure = failures.back().reason;
  if (left.empty()) {
    backoff_.Reset();
    queue_due_ = now;
    result->failure.clear();
    return;
  }
  std::move(queue_.begin(), queue_.end(), std::back_inserter(left));
  queue_ = std::move(left);
  Pause(wait, now);
}

void Outbox::TakeProbe(const Delivery& delivery, absl::Time now, SetAside set_aside,
                       AttemptResult* result) {
  if (!IsOver(queue_[alone_.size()], delivery, set_aside, result)) {
    result->failure = delivery.reason;
    alone_.push_back(delivery);
    if (alone_.size() <= probes_) return;
    alone_.clear();
    probes_ = std::min(2 * probes_, kMaxDeferred);
    Pause(delivery.wait_at_least, now);
    return;
  }
  const std::vector<Delivery> failures = std::exchange(alone_, {});
  queue_.erase(queue_.begin() + static_cast<std::ptrdiff_t>(failures.size()));
  const size_t room = kMaxDeferred - std::min(kMaxDeferred, deferred_.size());
  const size_t count = std::min(room, failures.size());
  for (size_t i = 0; i < count; ++i) Defer(std::move(queue_[i]), failures[i], now);
  queue_.erase(queue_.begin(), queue_.begin() + static_cast<std::ptrdiff_t>(count));
  probes_ = 1;
  if (count < failures.size()) {
    result->failure = failures.back().reason;
    Pause(failures.back().wait_at_least, now);
    return;
  }
  backoff_.Reset();
  queue_due_ = now;
  together_ = std::max<size_t>(together_, 2);
}

void Outbox::TakeDeferred(const Delivery& delivery, absl::Time now, SetAside set_aside,
                          AttemptResult* result) {
  Deferred& deferred = deferred_[trying_at_];
  const bool others_arrived = arrived_ > deferred.arrived_before;
  bool is_over = IsOver(deferred.record, delivery, set_aside, result);
  if (!is_over) {
    deferred.reason = delivery.reason;
    if (others_arrived) deferred.failures += delivery.busy ? 1 : kBusyPerFailure;
    if (deferred.failures >= kSetAsideAt &&
        set_aside(deferred.record,
                  StrCat("failed again and again while others arrived: ", deferred.reason))) {
      is_over = true;
      --result->retried;
      ++result->set_aside;
    }
  }
  if (is_over) {
    deferred_.erase(deferred_.begin() + static_cast<std::ptrdiff_t>(trying_at_));
    return;
  }
  deferred.arrived_before = arrived_;
  deferred.pause = std::min(retry_max_, 2 * deferred.pause);
  deferred.due = now + std::max(deferred.pause, delivery.wait_at_least);
}

void Outbox::Defer(v1::StoredRecord record, const Delivery& delivery, absl::Time now) {
  const absl::Duration pause = std::min(kRetryMin, retry_max_);
  deferred_.push_back({.record = std::move(record),
                       .due = now + std::max(pause, delivery.wait_at_least),
                       .pause = pause,
                       .arrived_before = arrived_,
                       .reason = delivery.reason});
}

void Outbox::Pause(absl::Duration at_least, absl::Time now) {
  queue_due_ = now + std::max(at_least, backoff_.Next());
}

absl::Time Outbox::due() const {
  absl::Time due = queue_.empty() ? absl::InfiniteFuture() : queue_due_;
  if (!alone_.empty() && queue_.size() > alone_.size()) due = absl::InfinitePast();
  for (const Deferred& deferred : deferred_) due = std::min(due, deferred.due);
  return due;
}

const v1::StoredRecord* Outbox::oldest() const {
  if (!deferred_.empty()) return &deferred_.front().record;
  return queue_.empty() ? nullptr : &queue_.front();
}

}  // namespace vakt
