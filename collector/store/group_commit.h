// SPDX-License-Identifier: Apache-2.0
// The one writer of the store: a thread that gathers what all streams want written and commits it
// together, so that many batches share one sync of the disk. While a commit waits for the disk the
// next group builds up; there is no timer. Nodes take turns (fair_queue.h): a group is short when
// few want to write, and who sends little is in the next one, however much another has waiting.
//
// A request is told its outcome after the commit that holds it, never before. A group that fails
// is tried again request by request, so that one cannot fail the others; when the disk is full
// that is left out, and all fail, unless `make_room` finds some.
//
// Threads: Submit and pending_bytes are thread-safe. `apply` and `done` run on the writer thread
// and must not wait for another request.
#ifndef VAKT_COLLECTOR_STORE_GROUP_COMMIT_H_
#define VAKT_COLLECTOR_STORE_GROUP_COMMIT_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "collector/store/fair_queue.h"
#include "collector/store/record_writer.h"

namespace vakt {

class GroupCommit {
 public:
  struct Request {
    absl::AnyInvocable<absl::Status(RecordWriter&)> apply;  // maybe more than once
    absl::AnyInvocable<void(const absl::Status&)> done;     // exactly once
    size_t bytes = 0;                                       // that wait in memory
    uint64_t flow = 0;                                      // whose; 0: no node's
  };

  // `on_commit` gets the newest committed record's id, after each commit and before the requests'
  // `done`. `on_full` is told when the disk has become full, and when it no longer is. `make_room`
  // is asked for room when there is none, between transactions; true: try again. Both may be null.
  GroupCommit(std::unique_ptr<RecordWriter> writer,
              absl::AnyInvocable<void(int64_t last_id)> on_commit,
              absl::AnyInvocable<void(bool is_full)> on_full = nullptr,
              absl::AnyInvocable<bool()> make_room = nullptr);
  ~GroupCommit();  // commits what was submitted

  // Those of a flow are applied in the order of submission.
  void Submit(Request request) ABSL_LOCKS_EXCLUDED(mutex_);

  // Submitted and not yet answered. Callers hold back when this grows.
  size_t pending_bytes() const { return pending_bytes_.load(std::memory_order_relaxed); }
  // The last transaction found no room on the disk.
  bool is_full() const { return is_full_.load(std::memory_order_relaxed); }
  uint64_t commits() const { return commits_.load(std::memory_order_relaxed); }

 private:
  using Group = std::vector<Request>;

  void Run();
  bool TakeGroup(Group* group) ABSL_LOCKS_EXCLUDED(mutex_);
  // One transaction over requests [begin, end).
  absl::Status TryRange(Group& group, size_t begin, size_t end);
  // The same, with its consequences.
  absl::Status CommitRange(Group& group, size_t begin, size_t end);
  void Answer(Request& request, const absl::Status& status);

  const std::unique_ptr<RecordWriter> writer_;
  absl::AnyInvocable<void(int64_t)> on_commit_;
  absl::AnyInvocable<void(bool)> on_full_;
  absl::AnyInvocable<bool()> make_room_;
  std::atomic<size_t> pending_bytes_{0};
  std::atomic<uint64_t> commits_{0};
  std::atomic<bool> is_full_{false};

  absl::Mutex mutex_;
  FairQueue<Request> queue_ ABSL_GUARDED_BY(mutex_);
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace vakt

#endif  // VAKT_COLLECTOR_STORE_GROUP_COMMIT_H_
