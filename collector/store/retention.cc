// SPDX-License-Identifier: Apache-2.0
#include "collector/store/retention.h"

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

Retention::Retention(GroupCommit* commits, Clock* clock, RetentionAges ages)
    : commits_(*commits), clock_(*clock), ages_(ages), thread_([this] { Run(); }) {}

Retention::~Retention() {
  {
    absl::MutexLock lock(&mutex_);
    stopping_ = true;
  }
  thread_.join();
}

void Retention::Run() {
  absl::Duration pause = absl::ZeroDuration();
  while (true) {
    {
      absl::MutexLock lock(&mutex_);
      if (mutex_.AwaitWithTimeout(absl::Condition(&stopping_), pause)) return;
    }
    const absl::StatusOr<int64_t> deleted = Step();
    if (!deleted.ok() && LogEvery("store.retention", absl::Minutes(10))) {
      LogError(StrCat("cannot delete expired records: ", Message(deleted.status())));
    }
    pause = deleted.ok() && *deleted == kStepRecords ? kBetweenSteps : kBetweenLooks;
  }
}

absl::StatusOr<int64_t> Retention::Step() {
  const int64_t now_ns = clock_.WallNs();
  const int64_t cutoff_ns = now_ns - absl::ToInt64Nanoseconds(ages_.records);
  const int64_t audit_cutoff_ns = now_ns - absl::ToInt64Nanoseconds(ages_.audit);
  int64_t deleted = 0;
  absl::Status outcome;
  absl::Notification done;
  commits_.Submit({.apply = [&](RecordWriter& writer) -> absl::Status {
                     VAKT_ASSIGN_OR_RETURN(deleted, writer.Prune(cutoff_ns, kStepRecords));
                     return writer.audit().Prune(audit_cutoff_ns, kStepRecords);
                   },
                   .done =
                       [&](const absl::Status& status) {
                         outcome = status;
                         done.Notify();
                       }});
  done.WaitForNotification();
  VAKT_RETURN_IF_ERROR(outcome);
  return deleted;
}

}  // namespace vakt
