// SPDX-License-Identifier: Apache-2.0
// <state dir>/alive: until when this run of the agent was watching, for the next one to know since
// when nobody was. Survives a kill; after a power loss it may be some seconds old, which errs on
// the safe side.
//
// Threads: Beat from the pipeline thread, which does no I/O: a thread of its own writes the file,
// once a second. The rest from one thread.
#ifndef VAKT_AGENT_APP_RUN_STAMP_H_
#define VAKT_AGENT_APP_RUN_STAMP_H_

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "common/base/unique_fd.h"

namespace vakt {

class RunStamp {
 public:
  struct Run {
    std::string boot_id;
    std::string version;
    int64_t last_wall_ns = 0;  // it was watching until then, at least
    bool stopped = false;      // on request; else it was killed, crashed, or the machine did
    std::string tier = "tracepoint";
  };

  // What the last run left in `path`; nullopt if there was none or its stamp is damaged.
  static std::optional<Run> ReadPrevious(const std::string& path);
  static absl::StatusOr<std::unique_ptr<RunStamp>> Begin(const std::string& path, Run now);
  ~RunStamp();

  // Watching, at this moment.
  void Beat(int64_t wall_ns) { last_wall_ns_.store(wall_ns, std::memory_order_relaxed); }
  // The end, on request. Nothing is written after it.
  void Stop(int64_t wall_ns);

 private:
  RunStamp(std::string path, UniqueFd fd, Run now);
  void RunWriter();
  void Write(bool stopped);
  void Join();

  const std::string path_;
  const UniqueFd fd_;
  const Run run_;
  std::atomic<int64_t> last_wall_ns_;

  std::mutex mutex_;
  std::condition_variable wake_;
  bool closing_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread writer_;  // last: it uses all of the above
};

}  // namespace vakt

#endif  // VAKT_AGENT_APP_RUN_STAMP_H_
