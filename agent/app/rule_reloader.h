// SPDX-License-Identifier: Apache-2.0
// Loads the rule files anew when they change or somebody asks, while the pipeline goes on with the
// old rules.
//
// On a thread of its own it watches the files (file_watch.h), compiles them, has the probes
// attached that the new rules need, and offers the result. The pipeline thread takes it
// between two batches, which costs it no more than exchanging two pointers; then probes that
// nothing needs any more are detached and the old rules are freed, on this thread again. Files that
// do not load change nothing: that they failed is offered likewise, for it is to be told.
//
// Ownership: owns the thread. Threads: Request may be called from a signal handler, RequestAndWait
// from any thread, Take and Done from the pipeline thread.
#ifndef VAKT_AGENT_APP_RULE_RELOADER_H_
#define VAKT_AGENT_APP_RULE_RELOADER_H_

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "agent/app/active_rules.h"
#include "agent/app/file_watch.h"
#include "common/event/kind.h"

namespace vakt {

class RuleReloader {
 public:
  struct Update {
    absl::Status status;  // ok: `active` is what the files hold now
    ActiveRules active;
  };
  struct Hooks {
    std::function<void(KindSet)> watch_kinds;  // sets the kinds that the sensor reports
    std::function<void()> wake_pipeline;       // so that it calls Take
  };

  // `rules_hash` and `kinds`: of the rules that the pipeline has. The hooks are called on the
  // reloader's thread.
  static absl::StatusOr<std::unique_ptr<RuleReloader>> Start(RuleSource source,
                                                             std::string rules_hash,
                                                             std::vector<std::string> item_files,
                                                             KindSet kinds, Hooks hooks);
  ~RuleReloader();

  void Request();  // async-signal-safe
  // Requests it and waits. Ok: the files as they are now are active.
  absl::Status RequestAndWait(absl::Duration timeout);

  // What is offered, null for nothing; it stays until Done.
  Update* Take();
  // The pipeline has it. `old` is freed elsewhere.
  void Done(std::unique_ptr<Matcher> old);

 private:
  RuleReloader(RuleSource source, Hooks hooks, std::unique_ptr<FileWatch> watch);

  std::string Stamp() const;
  void Run();
  void Reload();
  // Waits until the pipeline has taken it; false when it is to end.
  bool Offer(Update* update);

  const RuleSource source_;
  const Hooks hooks_;
  const std::unique_ptr<FileWatch> watch_;
  std::atomic<bool> end_ = false;
  std::atomic<uint64_t> requests_ = 0;
  std::atomic<Update*> offered_ = nullptr;

  // Reloader's thread only.
  std::string loaded_stamp_;
  std::string rules_hash_;
  std::vector<std::string> item_files_;  // of lists
  KindSet kinds_ = 0;

  std::mutex mutex_;
  std::condition_variable changed_;
  bool taken_ ABSL_GUARDED_BY(mutex_) = false;
  std::unique_ptr<Matcher> old_ ABSL_GUARDED_BY(mutex_);
  uint64_t answered_ ABSL_GUARDED_BY(mutex_) = 0;  // requests up to this one
  absl::Status last_status_ ABSL_GUARDED_BY(mutex_);

  std::thread thread_;
};

}  // namespace vakt

#endif  // VAKT_AGENT_APP_RULE_RELOADER_H_
