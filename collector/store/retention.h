// SPDX-License-Identifier: Apache-2.0
// Forgets records when they reach the age of their class, counted from when they were received (the
// collector's clock: a node cannot make its records live longer or shorter; of a clock that jumps:
// retention_clock.h). Works in small steps between the agents' batches.
//
// Threads: a thread of its own, from construction to destruction.
#ifndef VAKT_COLLECTOR_STORE_RETENTION_H_
#define VAKT_COLLECTOR_STORE_RETENTION_H_

#include <array>
#include <cstdint>
#include <thread>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "collector/store/group_commit.h"
#include "collector/store/retention_clock.h"
#include "common/base/clock.h"
#include "common/base/wakeup.h"

namespace vakt {

struct RetentionAges {
  std::array<absl::Duration, kRetentionClasses> of_class;
  absl::Duration audit;
};

class Retention {
 public:
  // Both must outlive it. `last_ns`: what time records have expired by; 0: none have.
  Retention(GroupCommit* commits, Clock* clock, RetentionAges ages, int64_t last_ns);
  ~Retention();

 private:
  void Run();
  // Classes that live as long as each other.
  struct Group {
    absl::Duration age;
    uint32_t classes = 0;
    int64_t looked_id = 0;  // records up to here are gone, or of another group
  };

  // Looks at one step's records of each group and waits for the commits. False: nothing is left.
  absl::StatusOr<bool> Step();
  absl::StatusOr<bool> Step(Group* group, int64_t now_ns);

  GroupCommit& commits_;
  RetentionClock clock_;  // the thread's alone
  const absl::Duration audit_age_;
  std::vector<Group> groups_;  // the thread's alone
  Wakeup stop_;
  std::thread thread_;
};

}  // namespace vakt

#endif  // VAKT_COLLECTOR_STORE_RETENTION_H_
