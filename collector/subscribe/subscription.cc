// SPDX-License-Identifier: Apache-2.0
#include "collector/subscribe/subscription.h"

#include "collector/subscribe/subscription_hub.h"

namespace vakt {

Subscription::Subscription(SubscriptionHub* hub, RecordFilter filter, std::string consumer,
                           int64_t position)
    : hub_(*hub), filter_(std::move(filter)), consumer_(std::move(consumer)), position_(position) {
  // At once, not with the first record: tells the client that it is subscribed.
  StartSendInitialMetadata();
}

void Subscription::StartPage(std::vector<v1::SubscribeResponse> page) {
  page_ = std::move(page);
  next_ = 0;
  WriteNext();
}

void Subscription::WriteNext() {
  grpc::WriteOptions options;
  // More follows at once: let gRPC gather messages into larger writes.
  if (next_ + 1 < page_.size()) options.set_buffer_hint();
  StartWrite(&page_[next_], options);
}

void Subscription::OnWriteDone(bool ok) {
  if (ok && ++next_ < page_.size()) {
    WriteNext();
    return;
  }
  page_ = {};
  hub_.OnPageSent(this, ok);
}

void Subscription::OnCancel() { hub_.OnCancelled(this); }

void Subscription::OnDone() {
  hub_.Remove(this);
  delete this;
}

}  // namespace vakt
