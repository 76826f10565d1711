// SPDX-License-Identifier: Apache-2.0
// Writes a file of the state directory on a thread of its own, since a sync may take seconds. Of
// several contents that wait the newest is written.
//
// Threads: Write and the destructor on one thread. The destructor waits until all is written.
#ifndef VAKT_AGENT_APP_STATE_WRITER_H_
#define VAKT_AGENT_APP_STATE_WRITER_H_

#include <condition_variable>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "absl/base/thread_annotations.h"

namespace vakt {

class StateWriter {
 public:
  explicit StateWriter(std::string path);
  ~StateWriter();

  // Does not wait.
  void Write(std::string contents);
  const std::string& path() const { return path_; }

 private:
  void Run();

  const std::string path_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::optional<std::string> next_ ABSL_GUARDED_BY(mutex_);
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace vakt

#endif  // VAKT_AGENT_APP_STATE_WRITER_H_
