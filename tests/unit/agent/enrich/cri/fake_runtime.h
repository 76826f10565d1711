// SPDX-License-Identifier: Apache-2.0
// A container runtime for tests: real gRPC over a unix socket, and containers that a test tells it.
// Threads: thread-safe.
#ifndef VAKT_TESTS_UNIT_AGENT_ENRICH_CRI_FAKE_RUNTIME_H_
#define VAKT_TESTS_UNIT_AGENT_ENRICH_CRI_FAKE_RUNTIME_H_

#include <grpcpp/grpcpp.h>

#include <atomic>
#include <condition_variable>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "absl/base/thread_annotations.h"
#include "cri_runtime.grpc.pb.h"

namespace vakt {

class FakeRuntime : public runtime::v1::RuntimeService::Service,
                    public runtime::v1::ImageService::Service {
 public:
  explicit FakeRuntime(const std::string& socket);
  ~FakeRuntime() override;

  // A container of a pod of its own, as containerd answers.
  void Add(const std::string& id, const std::string& name, bool listed = true);
  void Remove(const std::string& id);
  // Tells it to whoever reads events; the first call makes it a runtime that has them.
  void Tell(const std::string& id);
  // Each request waits so long from now on, or fails with an error.
  void set_delay_ms(int delay_ms) { delay_ms_ = delay_ms; }
  void set_failing(bool failing) { failing_ = failing; }
  // How often this container was asked for.
  int asked(const std::string& id) const;

  using Context = grpc::ServerContext;
  grpc::Status Version(Context*, const runtime::v1::VersionRequest*,
                       runtime::v1::VersionResponse* answer) override;
  grpc::Status ListContainers(Context*, const runtime::v1::ListContainersRequest*,
                              runtime::v1::ListContainersResponse* answer) override;
  grpc::Status ListPodSandbox(Context*, const runtime::v1::ListPodSandboxRequest*,
                              runtime::v1::ListPodSandboxResponse* answer) override;
  grpc::Status ContainerStatus(Context*, const runtime::v1::ContainerStatusRequest* request,
                               runtime::v1::ContainerStatusResponse* answer) override;
  grpc::Status PodSandboxStatus(Context*, const runtime::v1::PodSandboxStatusRequest* request,
                                runtime::v1::PodSandboxStatusResponse* answer) override;
  grpc::Status ImageStatus(Context*, const runtime::v1::ImageStatusRequest* request,
                           runtime::v1::ImageStatusResponse* answer) override;
  grpc::Status GetContainerEvents(
      Context* context, const runtime::v1::GetEventsRequest*,
      grpc::ServerWriter<runtime::v1::ContainerEventResponse>* writer) override;

 private:
  grpc::Status Disturb() const;

  std::atomic<int> delay_ms_ = 0;
  std::atomic<bool> failing_ = false;
  mutable std::mutex mutex_;
  std::condition_variable told_;
  struct Entry {
    std::string name;
    bool listed;
  };
  std::map<std::string, Entry> containers_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, int> asked_ ABSL_GUARDED_BY(mutex_);
  bool has_events_ ABSL_GUARDED_BY(mutex_) = false;
  bool ending_ ABSL_GUARDED_BY(mutex_) = false;
  std::deque<std::string> events_ ABSL_GUARDED_BY(mutex_);
  std::unique_ptr<grpc::Server> server_;
};

}  // namespace vakt

#endif  // VAKT_TESTS_UNIT_AGENT_ENRICH_CRI_FAKE_RUNTIME_H_
