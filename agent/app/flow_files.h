// SPDX-License-Identifier: Apache-2.0
// The operator's files beside the rules that tell of remote sides: declared segments, countries
// and autonomous systems of addresses. Read at the start, where an error ends it, and again when
// one changes or somebody asks, while the pipeline goes on with what it has. A file that cannot be
// read then, or is none of its kind, changes nothing: it is told in the log and counted.
//
// Ownership: owns a thread, which watches the files (file_watch.h); what it offers is shared.
// Threads: Request may be called from a signal handler, Take and the counters from the pipeline
// thread.
#ifndef VAKT_AGENT_APP_FLOW_FILES_H_
#define VAKT_AGENT_APP_FLOW_FILES_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "agent/app/file_watch.h"
#include "agent/flow/network_database.h"
#include "agent/flow/segments.h"

namespace vakt {

// Empty: there is none.
struct FlowFilePaths {
  std::string segments;
  std::string countries;
  std::string systems;
};

// Null: there is none.
struct FlowFileContents {
  std::shared_ptr<const Segments> segments;
  std::shared_ptr<const NetworkDatabase> countries;
  std::shared_ptr<const NetworkDatabase> systems;
};

class FlowFiles {
 public:
  static absl::StatusOr<std::unique_ptr<FlowFiles>> Start(const FlowFilePaths& paths);
  ~FlowFiles();

  void Request() { watch_->Request(); }  // async-signal-safe
  // What the files hold, if that is new since the last call.
  std::optional<FlowFileContents> Take();

  uint64_t loaded() const { return loaded_.load(); }    // after the start
  uint64_t refused() const { return refused_.load(); }  // what was there before stays

 private:
  using Load = absl::Status (*)(const std::string& path, FlowFileContents* contents);
  struct File {
    std::string path;
    Load load;
    std::string stamp;  // of what was last read, or refused
  };

  FlowFiles(const FlowFilePaths& paths, std::unique_ptr<FileWatch> watch);
  void Run();
  void Reload(bool all);

  const std::unique_ptr<FileWatch> watch_;
  std::atomic<uint64_t> loaded_ = 0, refused_ = 0;
  std::vector<File> files_;    // its own thread's alone, once that runs
  FlowFileContents contents_;  // likewise

  std::mutex mutex_;
  std::optional<FlowFileContents> offered_ ABSL_GUARDED_BY(mutex_);
  std::thread thread_;
};

}  // namespace vakt

#endif  // VAKT_AGENT_APP_FLOW_FILES_H_
