// SPDX-License-Identifier: Apache-2.0
#include "collector/ingest/node_shares.h"

#include <algorithm>

namespace vakt {
namespace {

constexpr uint64_t kSecondsPerDay = 24 * 60 * 60;
constexpr size_t kMinSweep = 1024;

// 0 would be no limit.
uint64_t PerSecond(uint64_t bytes_per_day) {
  return bytes_per_day == 0 ? 0 : std::max<uint64_t>(1, bytes_per_day / kSecondsPerDay);
}

}  // namespace

NodeShare::NodeShare(uint64_t bytes_per_day) : bytes_(PerSecond(bytes_per_day), bytes_per_day) {}

void NodeShare::Take(uint64_t bytes, absl::Time now) {
  absl::MutexLock lock(&mutex_);
  bytes_.Take(bytes, now);
}

bool NodeShare::IsUsedUp(absl::Time now) {
  absl::MutexLock lock(&mutex_);
  return !bytes_.IsReady(now);
}

bool NodeShare::IsUntouched(absl::Time now) {
  absl::MutexLock lock(&mutex_);
  return bytes_.IsFull(now);
}

std::shared_ptr<NodeShare> NodeShares::Of(const std::string& key, absl::Time now) {
  absl::MutexLock lock(&mutex_);
  if (shares_.size() >= sweep_at_) {
    absl::erase_if(shares_, [now](const auto& entry) {
      return entry.second.use_count() == 1 && entry.second->IsUntouched(now);
    });
    sweep_at_ = std::max(kMinSweep, 2 * shares_.size());
  }
  std::shared_ptr<NodeShare>& share = shares_[key];
  if (share == nullptr) share = std::make_shared<NodeShare>(bytes_per_day_);
  return share;
}

}  // namespace vakt
