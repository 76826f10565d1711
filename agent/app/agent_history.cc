// SPDX-License-Identifier: Apache-2.0
// What an agent tells about time: since when nobody was watching, what version was before, what the
// spool went through, and when the wall clock was set.
#include <utility>

#include "agent/app/agent.h"
#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/status.h"
#include "common/base/strings.h"
#include "common/time/wall_time.h"

namespace vakt {
namespace {

constexpr int64_t kNsPerMs = 1'000'000;

}  // namespace

absl::Status Agent::BeginHistory() {
  const std::string path = options_.state_dir + "/alive";
  previous_run_ = RunStamp::ReadPrevious(path);
  RunStamp::Run run;
  run.boot_id = node_.boot_id;
  run.version = node_.agent_version;
  run.last_wall_ns = RealClock().WallNs();
  run.tier = node_.tier;
  VAKT_ASSIGN_OR_RETURN(run_stamp_, RunStamp::Begin(path, std::move(run)));
  return absl::OkStatus();
}

void Agent::ReportHistory() {
  if (spool_) delivery_->OnSpoolFindings(spool_->findings());
  if (!previous_run_) return;
  if (previous_run_->version != node_.agent_version) {
    SendLifecycle(v1::Lifecycle::WHAT_UPGRADE,
                  StrCat(previous_run_->version, " to ", node_.agent_version));
  }
  if (previous_run_->tier != node_.tier) {
    SendLifecycle(v1::Lifecycle::WHAT_TIER_CHANGE, StrCat(previous_run_->tier, " to ", node_.tier));
  }
  v1::Gap gap;
  gap.set_class_(v1::Gap::CLASS_BLIND);
  gap.set_reason(previous_run_->stopped                    ? "agent_stopped"
                 : previous_run_->boot_id != node_.boot_id ? "node_ended"
                                                           : "agent_ended");
  FromWallNs(previous_run_->last_wall_ns, gap.mutable_begin());
  FromWallNs(RealClock().WallNs(), gap.mutable_end());
  pipeline_->OnGap(gap);
}

void Agent::CheckClock() {
  const std::optional<ClockWatch::Step> step = clock_watch_.Check();
  if (!step) return;
  LogWarning(StrCat("the wall clock was set by ", step->step_ns() / kNsPerMs, " ms"));
  node_.boot_to_wall_ns = clock_watch_.boot_to_wall_ns();
  pipeline_->SetBootToWall(node_.boot_to_wall_ns);
  v1::Gap gap;
  gap.set_class_(v1::Gap::CLASS_CLOCK_STEP);
  gap.set_reason("clock_set");
  gap.set_step_ns(step->step_ns());
  FromWallNs(step->from_wall_ns, gap.mutable_begin());
  FromWallNs(step->to_wall_ns, gap.mutable_end());
  pipeline_->OnGap(gap);
}

}  // namespace vakt
