// SPDX-License-Identifier: Apache-2.0
// Alerts as lines in a file or on standard output: Falco-shaped JSON, or text for people.
//
// A slow reader never holds the pipeline: lines wait in a bounded queue for a writer thread, and
// what finds the queue full is refused and counted. Ownership: owns the file and the thread; the
// destructor writes what is queued. Threads: thread-safe.
#ifndef VAKT_AGENT_APP_ALERT_LOG_H_
#define VAKT_AGENT_APP_ALERT_LOG_H_

#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "common/base/unique_fd.h"
#include "vakt/v1/alert.pb.h"

namespace vakt {

enum class AlertFormat : uint8_t { kJson, kText };

class AlertLog {
 public:
  // `path` is a file, to which lines are appended, or "-" for standard output.
  static absl::StatusOr<std::unique_ptr<AlertLog>> Open(const std::string& path,
                                                        AlertFormat format);
  ~AlertLog();

  // False when the queue is full: the alert is not in this log.
  bool Write(const v1::Alert& alert);

  // Lines that were lost because the file could not be written (each is also in the agent's log).
  uint64_t write_errors() const;

 private:
  AlertLog(std::string path, UniqueFd fd, AlertFormat format);
  void RunWriter();
  void WriteAll(const std::string& lines);

  const std::string path_;
  const UniqueFd fd_;
  const AlertFormat format_;

  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::string queued_ ABSL_GUARDED_BY(mutex_);
  bool closing_ ABSL_GUARDED_BY(mutex_) = false;
  uint64_t write_errors_ ABSL_GUARDED_BY(mutex_) = 0;
  std::thread writer_;  // last: it uses all of the above
};

}  // namespace vakt

#endif  // VAKT_AGENT_APP_ALERT_LOG_H_
