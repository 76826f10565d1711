// SPDX-License-Identifier: Apache-2.0
// When to read the operator's files anew: when somebody asks, or when they have changed and stayed
// as they are for a moment. It looks at them every few seconds, by the stamp that its user makes of
// them (RuleFilesStamp: names, inodes, sizes, times; a ConfigMap's change of its symbolic link
// shows).
//
//   while ((reason = watch->Wait(stamp_of_files, stamp_of_what_was_read)) != Reason::kEnd) ...
//
// Ownership: owns an eventfd. Threads: Request may be called from a signal handler and any thread,
// End from any thread, Wait from one.
#ifndef VAKT_AGENT_APP_FILE_WATCH_H_
#define VAKT_AGENT_APP_FILE_WATCH_H_

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "common/base/unique_fd.h"

namespace vakt {

class FileWatch {
 public:
  enum class Reason { kEnd, kRequest, kChange };
  struct Periods {
    int look_ms = 3000;   // between two looks, each of which costs about 1 ms
    int settle_ms = 100;  // files that did not change for so long are whole
  };

  static absl::StatusOr<std::unique_ptr<FileWatch>> Create(Periods periods);
  static absl::StatusOr<std::unique_ptr<FileWatch>> Create() { return Create(Periods{}); }

  void Request();  // async-signal-safe
  // Wait returns kEnd, now and from now on.
  void End();

  // `stamp` tells what the files are like now, `read` is what they were like when they were read. A
  // request does not wait for changes to settle.
  Reason Wait(const std::function<std::string()>& stamp, const std::string& read);

 private:
  FileWatch(UniqueFd wake, Periods periods) : wake_(std::move(wake)), periods_(periods) {}
  // Whether it was asked to do something, within the time or before.
  bool IsAskedWithin(int ms) const;

  const UniqueFd wake_;  // eventfd: Request and End
  const Periods periods_;
  std::atomic<bool> end_ = false;
};

}  // namespace vakt

#endif  // VAKT_AGENT_APP_FILE_WATCH_H_
