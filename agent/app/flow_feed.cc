// SPDX-License-Identifier: Apache-2.0
#include "agent/app/flow_feed.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "absl/time/time.h"
#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/status.h"
#include "common/base/strings.h"

namespace vakt {
namespace {

constexpr std::chrono::milliseconds kPeriod{3000};
// When a rule may fire on a flow: so late may its alert come.
constexpr std::chrono::milliseconds kPromptPeriod{1000};
// When the last batch filled an eighth of the kernel's table.
constexpr std::chrono::milliseconds kBusyPeriod{500};
constexpr size_t kBusySums = VAKT_FLOW_TABLE / 8;

}  // namespace

FlowFeed::FlowFeed(KernelSensor* sensor) : sensor_(*sensor) {
  thread_ = std::thread([this] { Run(); });
}

FlowFeed::~FlowFeed() { Join(); }

void FlowFeed::Join() {
  if (!thread_.joinable()) return;
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

std::optional<FlowFeed::Batch> FlowFeed::ReadKernel() {
  Batch batch;
  const absl::Status status = sensor_.TakeFlows(&batch.sums);
  batch.boot_ns = static_cast<uint64_t>(RealClock().BootNs());
  if (status.ok()) return batch;
  if (LogEvery("flows", absl::Minutes(1))) {
    LogWarning(StrCat("flows cannot be read: ", Message(status)));
  }
  return std::nullopt;
}

void FlowFeed::Run() {
  auto period = kPeriod;
  std::unique_lock lock(mutex_);
  for (;;) {
    if (prompt_.load(std::memory_order_relaxed)) period = std::min(period, kPromptPeriod);
    changed_.wait_for(lock, period, [this]() ABSL_NO_THREAD_SAFETY_ANALYSIS { return stopping_; });
    changed_.wait(
        lock, [this]() ABSL_NO_THREAD_SAFETY_ANALYSIS { return stopping_ || !batch_.has_value(); });
    if (stopping_) return;
    lock.unlock();
    std::optional<Batch> batch = ReadKernel();
    lock.lock();
    if (!batch.has_value()) continue;
    period = batch->sums.size() > kBusySums ? kBusyPeriod : kPeriod;
    batch_ = std::move(batch);
    sensor_.Wake();
  }
}

std::optional<FlowFeed::Batch> FlowFeed::Take() {
  std::optional<Batch> batch;
  {
    std::lock_guard lock(mutex_);
    if (!batch_.has_value()) return batch;
    batch.swap(batch_);
  }
  changed_.notify_all();
  return batch;
}

FlowFeed::Batch FlowFeed::Stop() {
  Join();
  Batch batch = Take().value_or(Batch{});
  std::optional<Batch> last = ReadKernel();
  if (!last.has_value()) return batch;
  // In order: the later sums say what is open.
  for (FlowSum& sum : batch.sums) sum.counts.open = 0;
  last->sums.insert(last->sums.begin(), batch.sums.begin(), batch.sums.end());
  return *std::move(last);
}

}  // namespace vakt
