// SPDX-License-Identifier: Apache-2.0
// Asks the node's container runtime (containerd, CRI-O) over the Kubernetes Container Runtime
// Interface what containers are.
//
// Design: one thread asks, container by container: those that processes belong to first, those that
// the runtime lists or tells of ahead of their first process afterwards. What does not answer is
// asked again, ever more rarely, until it does or the container is forgotten. A second thread reads
// the runtime's events, where it has them (containerd 1.7, CRI-O 1.26); without, it is asked for a
// list now and then. Whether it is there, and which it is, is found out again after each break.
//
// Ownership: owns its threads. Threads: as ContainerSource; stats from any thread.
#ifndef VAKT_AGENT_ENRICH_CRI_CRI_CLIENT_H_
#define VAKT_AGENT_ENRICH_CRI_CRI_CLIENT_H_

#include <grpcpp/grpcpp.h>

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/time/time.h"
#include "agent/enrich/account_reader.h"
#include "agent/enrich/container_source.h"
#include "common/base/backoff.h"
#include "cri_runtime.grpc.pb.h"

namespace vakt {

struct CriOptions {
  std::vector<std::string> sockets;  // the first that answers is asked
  absl::Duration call_timeout = absl::Seconds(2);
  // Between attempts: to reach the runtime, and to hear of one container.
  absl::Duration min_backoff = absl::Milliseconds(50);
  absl::Duration max_backoff = absl::Seconds(15);
  // Between lists, without and with events.
  absl::Duration poll = absl::Seconds(5);
  absl::Duration poll_with_events = absl::Seconds(60);
};

class CriClient : public ContainerSource {
 public:
  // Answers that are not taken; what is found beyond is asked for again.
  static constexpr size_t kMaxFound = 1024;
  // Containers that are asked for at one time.
  static constexpr size_t kMaxWanted = 8192;

  // `on_found` is called, on a thread of this, when there is something to take.
  CriClient(CriOptions options, std::function<void()> on_found);
  ~CriClient() override;

  bool Answers() const override { return answers_.load(std::memory_order_relaxed); }
  void Ask(const std::string& id) override;
  void Forget(const std::string& id) override;
  void Take(std::vector<v1::Container>* found) override;
  void Started(const std::string& id) override;
  void TakeAccounts(std::vector<v1::ContainerAccounts>* read) override { accounts_.Take(read); }

  struct Stats {
    bool connected = false;
    std::string runtime;  // "containerd"
    uint64_t requests = 0;
    uint64_t failures = 0;  // of them
    uint64_t unread_accounts = 0;
  };
  Stats stats() const;

 private:
  struct Want {
    absl::Time due;  // here and below: of the steady clock
    bool by_process = false;
    std::optional<Backoff> backoff;  // once it was asked for in vain
  };
  using Due = std::pair<absl::Time, std::string>;

  // Either thread.
  void WantIfNew(const std::string& id);
  void Schedule(const std::string& id, absl::Time due, bool by_process)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Unschedule(const std::string& id) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  grpc::Status Count(const grpc::Status& status);
  std::unique_ptr<grpc::ClientContext> NewContext() const;
  std::shared_ptr<runtime::v1::RuntimeService::Stub> CurrentStub() const;

  // Asking thread.
  void AskLoop();
  bool Connect();
  bool ConnectTo(const std::string& socket);
  void Disconnect();
  void List();
  std::optional<std::string> NextWanted();
  grpc::Status FindOut(const std::string& id, v1::Container* found, std::string* root);
  grpc::Status FindPod(v1::Container* container);
  void FindImage(v1::Container* container);
  bool ReadAccountsIfStarted(const std::string& id, const std::string& root);
  void Deliver(const std::string& id, v1::Container found, const std::string& root);
  void Postpone(const std::string& id);
  bool WaitUntil(absl::Time time);  // false: the end
  // Event thread.
  void EventLoop();
  void ReadEvents(runtime::v1::RuntimeService::Stub* stub);

  const CriOptions options_;
  const std::function<void()> on_found_;
  std::atomic<bool> answers_;
  std::atomic<bool> has_found_ = false;
  std::atomic<uint64_t> requests_ = 0;
  std::atomic<uint64_t> failures_ = 0;

  // Asking thread only.
  std::unique_ptr<runtime::v1::ImageService::Stub> images_;
  absl::Time next_list_ = absl::InfinitePast();
  std::string state_dir_;  // that of the socket
  // Digest and id of images, by how a container's status names them.
  absl::flat_hash_map<std::string, std::pair<std::string, std::string>> images_seen_;

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::shared_ptr<runtime::v1::RuntimeService::Stub> stub_ ABSL_GUARDED_BY(mutex_);
  std::string runtime_name_ ABSL_GUARDED_BY(mutex_);
  bool has_events_ ABSL_GUARDED_BY(mutex_) = false;
  grpc::ClientContext* event_context_ ABSL_GUARDED_BY(mutex_) = nullptr;
  absl::flat_hash_map<std::string, Want> wanted_ ABSL_GUARDED_BY(mutex_);
  std::set<Due> due_of_processes_ ABSL_GUARDED_BY(mutex_);
  std::set<Due> due_others_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_set<std::string> known_ ABSL_GUARDED_BY(mutex_);  // answered and not forgotten
  // Root directories of those that are known and have no process yet, and who has one and is not
  // known.
  absl::flat_hash_map<std::string, std::string> roots_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_set<std::string> started_ ABSL_GUARDED_BY(mutex_);
  std::vector<v1::Container> found_ ABSL_GUARDED_BY(mutex_);

  AccountReader accounts_;
  std::thread ask_thread_;
  std::thread event_thread_;
};

}  // namespace vakt

#endif  // VAKT_AGENT_ENRICH_CRI_CRI_CLIENT_H_
