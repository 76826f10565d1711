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
  const Takeover& takeover = sensor_->takeover();
  if (takeover.happened) return ReportTakeover(takeover);
  if (takeover.unreadable != 0) {
    v1::Gap gap = GapSinceLastRun(v1::Gap::CLASS_LOSS, "left_by_another_layout");
    gap.set_count(takeover.unreadable);
    pipeline_->OnGap(gap);
  }
  pipeline_->OnGap(GapSinceLastRun(v1::Gap::CLASS_BLIND, previous_run_->stopped ? "agent_stopped"
                                                         : previous_run_->boot_id != node_.boot_id
                                                             ? "node_ended"
                                                             : "agent_ended"));
}

v1::Gap Agent::GapSinceLastRun(v1::Gap::Class what, std::string reason) const {
  v1::Gap gap;
  gap.set_class_(what);
  gap.set_reason(std::move(reason));
  FromWallNs(previous_run_->last_wall_ns, gap.mutable_begin());
  FromWallNs(RealClock().WallNs(), gap.mutable_end());
  return gap;
}

// Hooks and rings outlived the last run: what is told is only what they could not see or keep.
void Agent::ReportTakeover(const Takeover& takeover) {
  const std::string detail = StrCat("hooks and rings were kept since the last run ",
                                    previous_run_->stopped ? "stopped" : "ended", "; ",
                                    takeover.waiting, " records waited in them");
  SendLifecycle(v1::Lifecycle::WHAT_TAKEOVER, detail);
  LogInfo(detail);
  for (const KindRow& row : AllKinds()) {
    if (!In(takeover.unwatched, row.kind)) continue;
    v1::Gap gap = GapSinceLastRun(v1::Gap::CLASS_BLIND, "not_hooked_before");
    gap.set_kind(std::string(row.stem));
    pipeline_->OnGap(gap);
  }
  if (takeover.other_rules) {
    pipeline_->OnGap(GapSinceLastRun(
        v1::Gap::CLASS_DEGRADED, "the kernel left out what the rules of before did not ask for"));
  }
  if (takeover.gave_up && !previous_run_->stopped) {
    v1::Gap gap = GapSinceLastRun(
        v1::Gap::CLASS_DEGRADED,
        "the last run was killed before it had written what came of its last records");
    FromWallNs(previous_run_->last_wall_ns - absl::ToInt64Nanoseconds(options_.container_wait),
               gap.mutable_begin());
    pipeline_->OnGap(gap);
  }
  if (options_.flows && !previous_run_->stopped) {
    v1::Gap gap = GapSinceLastRun(v1::Gap::CLASS_DEGRADED,
                                  "flows lack what the last run had added up and not told");
    FromWallNs(previous_run_->last_wall_ns - absl::ToInt64Nanoseconds(options_.flow.interval),
               gap.mutable_begin());
    pipeline_->OnGap(gap);
  }
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
