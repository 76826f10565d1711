// SPDX-License-Identifier: Apache-2.0
#include "collector/subscribe/subscription_hub.h"

#include <algorithm>
#include <utility>

#include "absl/time/clock.h"
#include "collector/access/gate.h"
#include "collector/query/format.h"
#include "common/base/log.h"
#include "common/base/status.h"
#include "common/base/strings.h"
#include "common/time/wall_time.h"

namespace vakt {
namespace {

// How long the reader thread stays with one subscription that finds nothing.
constexpr absl::Duration kTurn = absl::Milliseconds(50);

// Neither part can hold a slash.
std::string KeyOf(const ConsumerKey& consumer) { return StrCat(consumer.user, "/", consumer.name); }

v1::SubscribeResponse Heartbeat(std::string cursor) {
  v1::SubscribeResponse message;
  FromWallNs(RealClock().WallNs(), message.mutable_heartbeat()->mutable_time());
  message.mutable_heartbeat()->set_cursor(std::move(cursor));
  return message;
}

}  // namespace

SubscriptionHub::SubscriptionHub(Store* store, SubscribeOptions options)
    : store_(*store), options_(options), thread_([this] { Run(); }) {
  store_.AddCommitListener(this, [this](int64_t last_id) { OnCommit(last_id); });
}

SubscriptionHub::~SubscriptionHub() {
  store_.RemoveCommitListener(this);
  {
    absl::MutexLock lock(&mutex_);
    stopping_ = true;
  }
  news_.Notify();
  thread_.join();
}

absl::StatusOr<Subscription*> SubscriptionHub::Open(const std::string& user,
                                                    const v1::SubscribeRequest& request) {
  if (!request.consumer().empty() && !IsIdentitySegment(request.consumer())) {
    return absl::InvalidArgumentError(
        "consumer may hold letters, digits, '-', '.' and '_', at most 253 of them");
  }
  VAKT_ASSIGN_OR_RETURN(RecordFilter filter, RecordFilter::Create(request.filter()));
  VAKT_ASSIGN_OR_RETURN(const int64_t position, StartOf(request));
  absl::MutexLock lock(&mutex_);
  if (draining_) return absl::UnavailableError("the collector is stopping");
  if (subscriptions_.size() >= options_.max_subscriptions) {
    return absl::ResourceExhaustedError(
        StrCat("there are ", subscriptions_.size(), " subscriptions already, which is the limit"));
  }
  const ConsumerKey consumer = {user, request.consumer()};
  const std::string key = request.consumer().empty() ? "" : KeyOf(consumer);
  if (!key.empty()) EndOlder(key);
  auto* subscription = new Subscription(this, std::move(filter), key, position);
  // A first heartbeat at once, if there is no record: it holds the cursor to go on from after a
  // break.
  subscription->last_message = absl::InfinitePast();
  subscription->format = request.format();
  subscriptions_.insert(subscription);
  if (key.empty()) {
    Queue(subscription);
  } else {
    subscription->state = Subscription::State::kOpening;
    store_.OpenConsumer(consumer, position, [this, subscription](absl::StatusOr<int64_t> stands) {
      Begin(subscription, stands);
    });
  }
  return subscription;
}

void SubscriptionHub::Begin(Subscription* subscription, const absl::StatusOr<int64_t>& position) {
  absl::MutexLock lock(&mutex_);
  if (!position.ok()) {
    End(subscription, ToGrpcStatus(position.status()));
  } else if (!EndIfDue(subscription)) {
    subscription->set_position(*position);
    Queue(subscription);
  }
}

void SubscriptionHub::EndOlder(const std::string& consumer) {
  for (Subscription* subscription : subscriptions_) {
    if (subscription->consumer() != consumer) continue;
    subscription->replaced = true;
    if (subscription->state == Subscription::State::kIdle) EndIfDue(subscription);
  }
}

bool SubscriptionHub::IsConnected(const ConsumerKey& consumer) const {
  const std::string key = KeyOf(consumer);
  absl::MutexLock lock(&mutex_);
  return std::any_of(subscriptions_.begin(), subscriptions_.end(), [&](const Subscription* s) {
    return s->consumer() == key && s->state != Subscription::State::kEnded;
  });
}

absl::StatusOr<SubscriptionHub::Page> SubscriptionHub::ReadPage(Subscription* subscription) const {
  const int64_t begin = subscription->position();
  Page page;
  VAKT_ASSIGN_OR_RETURN(page.scan,
                        store_.Scan(subscription->filter(), {.after_id = begin,
                                                             .max_records = options_.page_records,
                                                             .max_bytes = options_.page_bytes,
                                                             .budget = kTurn}));
  // After the scan: what was deleted meanwhile may have been missing from it.
  VAKT_ASSIGN_OR_RETURN(const int64_t pruned_id, store_.PrunedId(subscription->filter()));
  if (pruned_id > std::max(begin, subscription->expired_id)) {
    page.expired_id = subscription->expired_id = pruned_id;
  }
  return page;
}

absl::StatusOr<int64_t> SubscriptionHub::StartOf(const v1::SubscribeRequest& request) const {
  if (request.start_case() == v1::SubscribeRequest::kAfterCursor) {
    VAKT_ASSIGN_OR_RETURN(const int64_t id, store_.IdOf(request.after_cursor()));
    if (id <= store_.last_id()) return id;
    // Waiting until the ids get there would silently skip records.
    return absl::FailedPreconditionError(
        StrCat("cursor \"", request.after_cursor(),
               "\" is ahead of the store, which was restored from a backup: start again from an "
               "older cursor or from the beginning"));
  }
  return request.from_beginning() ? 0 : store_.last_id();
}

void SubscriptionHub::OnCommit(int64_t last_id) {
  absl::MutexLock lock(&mutex_);
  if (last_id == last_id_) return;  // a commit without records
  last_id_ = last_id;
  for (Subscription* subscription : subscriptions_) {
    if (subscription->state == Subscription::State::kIdle) Queue(subscription);
  }
}

void SubscriptionHub::Run() {
  while (Subscription* subscription = TakeNext()) Serve(subscription);
}

Subscription* SubscriptionHub::TakeNext() {
  while (true) {
    const uint64_t seen = news_.count();
    absl::Time next;
    {
      absl::MutexLock lock(&mutex_);
      if (stopping_) return nullptr;
      QueueHeartbeats(SteadyNow());
      while (!queue_.empty()) {
        Subscription* subscription = queue_.front();
        queue_.pop_front();
        if (EndIfDue(subscription)) continue;
        subscription->state = Subscription::State::kReading;
        return subscription;
      }
      next = NextHeartbeat();
    }
    news_.WaitPast(seen, next - SteadyNow());
  }
}

absl::Time SubscriptionHub::NextHeartbeat() const {
  absl::Time next = absl::InfiniteFuture();
  for (const Subscription* subscription : subscriptions_) {
    if (subscription->state == Subscription::State::kIdle) {
      next = std::min(next, subscription->last_message + options_.heartbeat);
    }
  }
  return next;
}

void SubscriptionHub::QueueHeartbeats(absl::Time now) {
  for (Subscription* subscription : subscriptions_) {
    if (subscription->state == Subscription::State::kIdle &&
        subscription->last_message + options_.heartbeat <= now) {
      Queue(subscription);
    }
  }
}

void SubscriptionHub::Queue(Subscription* subscription) {
  subscription->state = Subscription::State::kQueued;
  queue_.push_back(subscription);
  news_.Notify();
}

void SubscriptionHub::Serve(Subscription* subscription) {
  absl::StatusOr<Page> page = ReadPage(subscription);
  if (!page.ok()) {
    if (LogEvery("subscribe.scan", absl::Seconds(10))) {
      LogError(StrCat("cannot read for a subscriber: ", Message(page.status())));
    }
    absl::MutexLock lock(&mutex_);
    End(subscription, ToGrpcStatus(page.status()));
    return;
  }
  subscription->set_position(page->scan.position);
  bool heartbeat_due = false;
  {
    absl::MutexLock lock(&mutex_);
    heartbeat_due = subscription->last_message + options_.heartbeat <= SteadyNow();
  }
  if (page->scan.records.empty() && page->expired_id == 0 && !heartbeat_due) {
    Rest(subscription, page->scan.at_end);
  } else {
    Send(subscription, *std::move(page));
  }
}

void SubscriptionHub::Send(Subscription* subscription, Page page) {
  std::vector<v1::SubscribeResponse> messages;
  messages.reserve(page.scan.records.size() + 1);
  if (page.expired_id != 0) {
    const std::string cursor = store_.CursorOf(page.expired_id);
    messages.emplace_back().mutable_expired()->set_until_cursor(cursor);
  }
  for (v1::StoredRecord& record : page.scan.records) {
    InFormat(subscription->format, &record);
    *messages.emplace_back().mutable_record() = std::move(record);
  }
  if (messages.empty()) messages.push_back(Heartbeat(store_.CursorOf(page.scan.position)));
  absl::MutexLock lock(&mutex_);
  if (EndIfDue(subscription)) return;
  subscription->state = Subscription::State::kWriting;
  subscription->last_message = SteadyNow();
  subscription->StartPage(std::move(messages));
}

void SubscriptionHub::Rest(Subscription* subscription, bool at_end) {
  absl::MutexLock lock(&mutex_);
  if (EndIfDue(subscription)) return;
  // A commit between the scan and here found the subscription reading, and did not wake it.
  if (!at_end || subscription->position() < last_id_) {
    Queue(subscription);
  } else {
    subscription->state = Subscription::State::kIdle;
  }
}

void SubscriptionHub::OnPageSent(Subscription* subscription, bool ok) {
  absl::MutexLock lock(&mutex_);
  subscription->last_message = SteadyNow();
  if (!ok) subscription->cancelled = true;
  if (!EndIfDue(subscription)) Queue(subscription);
}

void SubscriptionHub::OnCancelled(Subscription* subscription) {
  absl::MutexLock lock(&mutex_);
  subscription->cancelled = true;
  if (subscription->state == Subscription::State::kIdle) EndIfDue(subscription);
}

void SubscriptionHub::Drain() {
  absl::MutexLock lock(&mutex_);
  draining_ = true;
  for (Subscription* subscription : subscriptions_) {
    if (subscription->state == Subscription::State::kIdle) EndIfDue(subscription);
  }
}

bool SubscriptionHub::EndIfDue(Subscription* subscription) {
  if (subscription->cancelled) {
    End(subscription, grpc::Status::CANCELLED);
  } else if (subscription->replaced) {
    End(subscription, {grpc::StatusCode::ABORTED, "this consumer has subscribed again"});
  } else if (draining_) {
    End(subscription, {grpc::StatusCode::UNAVAILABLE, "the collector is stopping"});
  } else {
    return false;
  }
  return true;
}

void SubscriptionHub::End(Subscription* subscription, const grpc::Status& status) {
  subscription->state = Subscription::State::kEnded;
  subscription->Finish(status);
}

void SubscriptionHub::Remove(Subscription* subscription) {
  absl::MutexLock lock(&mutex_);
  subscriptions_.erase(subscription);
}

size_t SubscriptionHub::size() const {
  absl::MutexLock lock(&mutex_);
  return subscriptions_.size();
}

}  // namespace vakt
