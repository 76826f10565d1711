// SPDX-License-Identifier: Apache-2.0
// Learns from the Kubernetes API which workload made which pod: lists pods, replica sets and jobs,
// and then watches what changes, as Kubernetes' own controllers do. Read-only, and metadata alone:
// names, uids and owners, nothing of what is in a pod. The API is asked by nobody else; nodes have
// no access.
//
// While the API does not answer, what is known stays, and what nodes go by (names, labels) stands
// for the rest.
//
//   WorkloadTable table;
//   auto watch = OwnerWatch::Start({.url = "https://kubernetes.default.svc", ...}, &table);
//
// Ownership: owns its threads, one for each kind of object; the table outlives it. Threads: stats
// from any.
#ifndef VAKT_COLLECTOR_WORKLOAD_OWNER_WATCH_H_
#define VAKT_COLLECTOR_WORKLOAD_OWNER_WATCH_H_

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "collector/workload/http_stream.h"
#include "collector/workload/workload_table.h"

namespace vakt {

struct OwnerWatchOptions {
  std::string url;  // "https://kubernetes.default.svc"; empty: nobody is asked
  std::string ca_file;
  std::string token_file;
  std::string save_path;  // what is known, over restarts; empty: not
  absl::Duration min_backoff = absl::Milliseconds(500);
  absl::Duration max_backoff = absl::Seconds(60);
  absl::Duration watch_time = absl::Minutes(5);  // of one request
  absl::Duration save_every = absl::Minutes(1);
};

class OwnerWatch {
 public:
  static std::unique_ptr<OwnerWatch> Start(OwnerWatchOptions options, WorkloadTable* table);
  ~OwnerWatch();

  // Whether all kinds of objects have been listed, and are watched now.
  bool in_step() const;
  uint64_t failures() const { return failures_.load(); }

 private:
  struct Kind;

  OwnerWatch(OwnerWatchOptions options, WorkloadTable* table);
  void Run(Kind* kind);
  // Sets `version`: from where to watch.
  absl::Status List(Kind* kind, std::string* version);
  absl::Status Watch(Kind* kind, std::string* version);
  void SaveLoop();
  bool Sleep(absl::Duration time);  // false: the end

  const OwnerWatchOptions options_;
  WorkloadTable* const table_;
  std::atomic<uint64_t> failures_ = 0;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::vector<std::unique_ptr<Kind>> kinds_;
  std::thread save_thread_;
};

}  // namespace vakt

#endif  // VAKT_COLLECTOR_WORKLOAD_OWNER_WATCH_H_
