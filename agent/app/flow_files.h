// SPDX-License-Identifier: Apache-2.0
// The operator's files beside the rules that tell of remote sides: the declared segments. Read at
// the start, where an error ends it, and again when one changes or somebody asks, while the
// pipeline goes on with what it has. A file that cannot be read then, or is none of its kind,
// changes nothing: it is told in the log and counted.
//
// On a thread of its own it looks at the files every three seconds (names, inodes, sizes, times)
// and waits until they have settled, as the rule reloader does.
//
// Ownership: owns the thread; what it offers is shared. Threads: Request may be called from a
// signal handler, Take and the counters from the pipeline thread.
#ifndef VAKT_AGENT_APP_FLOW_FILES_H_
#define VAKT_AGENT_APP_FLOW_FILES_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "agent/flow/segments.h"
#include "common/base/unique_fd.h"

namespace vakt {

// Empty: there is none.
struct FlowFilePaths {
  std::string segments;
};

// Null: there is none.
struct FlowFileContents {
  std::shared_ptr<const Segments> segments;
};

class FlowFiles {
 public:
  static absl::StatusOr<std::unique_ptr<FlowFiles>> Start(const FlowFilePaths& paths);
  ~FlowFiles();

  void Request();  // async-signal-safe
  // What the files hold, if that is new since the last call.
  std::optional<FlowFileContents> Take();

  uint64_t loaded() const { return loaded_.load(); }    // after the start
  uint64_t refused() const { return refused_.load(); }  // what was there before stays

 private:
  struct File {
    std::string path;
    std::function<absl::Status(FlowFileContents*)> load;
    std::string stamp;  // of what was last read, or refused
  };

  FlowFiles(const FlowFilePaths& paths, UniqueFd wake);
  void Run();
  // Waits for a request or for settled changes; false when it is to end.
  bool WaitForReason(bool* requested);
  bool HasChanges() const;
  void Reload(bool all);

  const UniqueFd wake_;  // eventfd: Request and the end
  std::atomic<bool> end_ = false;
  std::atomic<uint64_t> loaded_ = 0, refused_ = 0;
  std::vector<File> files_;    // its own thread's alone, once that runs
  FlowFileContents contents_;  // likewise

  std::mutex mutex_;
  std::optional<FlowFileContents> offered_ ABSL_GUARDED_BY(mutex_);
  std::thread thread_;
};

}  // namespace vakt

#endif  // VAKT_AGENT_APP_FLOW_FILES_H_
