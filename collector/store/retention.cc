// SPDX-License-Identifier: Apache-2.0
#include "collector/store/retention.h"

#include <algorithm>

#include "absl/synchronization/notification.h"
#include "common/base/log.h"
#include "common/base/status.h"
#include "common/base/strings.h"

namespace vakt {
namespace {

// A step takes the writer a few milliseconds; twenty a second delete 10,000 records.
constexpr int64_t kStepRecords = 500;
constexpr absl::Duration kBetweenSteps = absl::Milliseconds(50);
constexpr absl::Duration kBetweenLooks = absl::Minutes(1);

}  // namespace

Retention::Retention(GroupCommit* commits, Clock* clock, RetentionAges ages, int64_t last_ns)
    : commits_(*commits), clock_(*clock, last_ns), audit_age_(ages.audit) {
  for (int i = 0; i < kRetentionClasses; ++i) {
    const absl::Duration age = ages.of_class[static_cast<size_t>(i)];
    auto group = std::find_if(groups_.begin(), groups_.end(),
                              [age](const Group& other) { return other.age == age; });
    if (group == groups_.end()) group = groups_.insert(groups_.end(), Group{.age = age});
    group->classes |= 1u << i;
  }
  thread_ = std::thread([this] { Run(); });
}

Retention::~Retention() {
  stop_.Notify();
  thread_.join();
}

void Retention::Run() {
  absl::Duration pause = absl::ZeroDuration();
  while (!stop_.WaitPast(0, pause)) {
    const absl::StatusOr<bool> more = Step();
    if (!more.ok() && LogEvery("store.retention", absl::Minutes(10))) {
      LogError(StrCat("cannot delete expired records: ", Message(more.status())));
    }
    pause = more.ok() && *more ? kBetweenSteps : kBetweenLooks;
  }
}

absl::StatusOr<bool> Retention::Step() {
  const RetentionClock::Reading time = clock_.Read();
  if (time.distrust > absl::ZeroDuration() && LogEvery("store.clock", absl::Hours(1))) {
    LogError(
        StrCat("the clock is ", absl::FormatDuration(absl::Trunc(time.distrust, absl::Minutes(1))),
               " ahead of what can be: records expire as if it were not; set it right, or start "
               "the collector again if it is right"));
  }
  bool more = false;
  for (Group& group : groups_) {
    VAKT_ASSIGN_OR_RETURN(const bool more_of_group, Step(&group, time.now_ns));
    more |= more_of_group;
  }
  return more;
}

absl::StatusOr<bool> Retention::Step(Group* group, int64_t now_ns) {
  const PruneScope scope = {.classes = group->classes,
                            .cutoff_ns = now_ns - absl::ToInt64Nanoseconds(group->age),
                            .now_ns = now_ns,
                            .after_id = group->looked_id};
  const int64_t audit_cutoff_ns = now_ns - absl::ToInt64Nanoseconds(audit_age_);
  PruneStep step;
  absl::Status outcome;
  absl::Notification done;
  commits_.Submit({.apply = [&](RecordWriter& writer) -> absl::Status {
                     VAKT_RETURN_IF_ERROR(writer.SetRetentionTime(now_ns));
                     VAKT_ASSIGN_OR_RETURN(step, writer.Prune(scope, kStepRecords));
                     return writer.audit().Prune(audit_cutoff_ns, kStepRecords);
                   },
                   .done =
                       [&](const absl::Status& status) {
                         outcome = status;
                         done.Notify();
                       }});
  done.WaitForNotification();
  VAKT_RETURN_IF_ERROR(outcome);
  group->looked_id = step.last_id;
  return step.looked_at == kStepRecords;
}

}  // namespace vakt
