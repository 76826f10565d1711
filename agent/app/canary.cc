// SPDX-License-Identifier: Apache-2.0
#include "agent/app/canary.h"

#include <sys/prctl.h>

#include <chrono>
#include <utility>

#include "agent/app/canary_acts.h"
#include "common/base/clock.h"
#include "common/base/strings.h"
#include "common/time/wall_time.h"

namespace vakt {
namespace {

// Twice this and a try is the longest time that blindness goes unreported.
constexpr auto kInterval = std::chrono::seconds(3);
// A probe that is running on the CPU already is skipped by the kernel: one miss proves nothing.
constexpr int kTries = 3;
constexpr auto kBetweenTries = std::chrono::milliseconds(100);

}  // namespace

std::unique_ptr<Canary> Canary::Start(KernelSensor* sensor, std::string directory,
                                      Restore restore) {
  auto canary =
      std::unique_ptr<Canary>(new Canary(sensor, std::move(directory), std::move(restore)));
  canary->thread_ = std::thread([self = canary.get()] { self->Run(); });
  return canary;
}

Canary::Canary(KernelSensor* sensor, std::string directory, Restore restore)
    : sensor_(sensor), directory_(std::move(directory)), restore_(std::move(restore)) {}

Canary::~Canary() {
  {
    std::lock_guard lock(mutex_);
    stop_ = true;
  }
  stopped_.notify_all();
  thread_.join();
}

std::vector<v1::Gap> Canary::TakeGaps() {
  std::lock_guard lock(mutex_);
  return std::exchange(gaps_, {});
}

KindSet Canary::blind() const {
  std::lock_guard lock(mutex_);
  return blind_;
}

void Canary::Run() {
  prctl(PR_SET_NAME, "vakt-canary");
  last_hits_ = sensor_->Counters().hits;
  last_good_ns_ = RealClock().WallNs();
  for (;;) {
    {
      std::unique_lock lock(mutex_);
      if (stopped_.wait_for(lock, kInterval,
                            [this]() ABSL_NO_THREAD_SAFETY_ANALYSIS { return stop_; })) {
        return;
      }
    }
    RestoreHooks();
    TryKinds();
    last_hits_ = sensor_->Counters().hits;
    last_good_ns_ = RealClock().WallNs();
  }
}

void Canary::Tell(Kind kind, int64_t begin_ns, std::string reason) {
  v1::Gap gap;
  gap.set_class_(v1::Gap::CLASS_BLIND);
  gap.set_kind(std::string(KindStem(kind)));
  gap.set_reason(std::move(reason));
  FromWallNs(begin_ns, gap.mutable_begin());
  FromWallNs(RealClock().WallNs(), gap.mutable_end());
  std::lock_guard lock(mutex_);
  gaps_.push_back(std::move(gap));
}

void Canary::RestoreHooks() {
  for (const ProbeReport& report : restore_()) {
    const bool restored = report.state == ProbeReport::State::kAttached;
    Tell(report.probe->kind, last_good_ns_,
         StrCat("the probe ", report.probe->program, " was detached by somebody; ",
                restored ? "it is attached again"
                         : StrCat("it cannot be attached again: ", report.detail)));
  }
}

KindSet Canary::WatchedKinds() const {
  KindSet kinds = 0;
  for (const ProbeReport& report : sensor_->Report()) {
    if (report.state == ProbeReport::State::kAttached) kinds |= KindBit(report.probe->kind);
  }
  return kinds;
}

KindSet Canary::Missed(KindSet quiet) {
  KindSet missed = 0;
  for (const CanaryAct& act : CanaryActs()) {
    const KindSet tried = act.kinds & quiet;
    if (tried == 0) continue;
    const Hits before = sensor_->Counters().hits;
    if (!act.act(directory_)) continue;
    const Hits after = sensor_->Counters().hits;
    for (const KindRow& row : KernelKinds()) {
      const auto kind = static_cast<size_t>(row.kind);
      if (In(tried, row.kind) && after[kind] == before[kind]) missed |= KindBit(row.kind);
    }
  }
  return missed;
}

void Canary::TryKinds() {
  const Hits hits = sensor_->Counters().hits;
  KindSet quiet = 0;
  for (const KindRow& row : KernelKinds()) {
    const auto kind = static_cast<size_t>(row.kind);
    if (hits[kind] == last_hits_[kind]) quiet |= KindBit(row.kind);
  }
  KindSet missed = quiet & WatchedKinds();
  for (int i = 0; i < kTries && missed != 0; ++i) {
    if (i > 0) std::this_thread::sleep_for(kBetweenTries);
    missed = Missed(missed);
  }
  missed &= WatchedKinds();  // a reload may have detached them meanwhile
  const KindSet before = blind();
  for (const KindRow& row : KernelKinds()) {
    const bool is_blind = In(missed, row.kind);
    if (is_blind == In(before, row.kind)) continue;
    Tell(row.kind, last_good_ns_,
         is_blind ? "its hooks do not see an act that was done to test them"
                  : "its hooks see again");
  }
  std::lock_guard lock(mutex_);
  blind_ = missed;
}

}  // namespace vakt
