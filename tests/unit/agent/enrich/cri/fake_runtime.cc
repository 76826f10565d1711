// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/agent/enrich/cri/fake_runtime.h"

#include <chrono>
#include <thread>

#include "common/base/strings.h"

namespace vakt {

namespace cri = runtime::v1;
using grpc::Status;
using grpc::StatusCode;

FakeRuntime::FakeRuntime(const std::string& socket) {
  grpc::ServerBuilder builder;
  builder.AddListeningPort(StrCat("unix:", socket), grpc::InsecureServerCredentials());
  builder.RegisterService(static_cast<cri::RuntimeService::Service*>(this));
  builder.RegisterService(static_cast<cri::ImageService::Service*>(this));
  server_ = builder.BuildAndStart();
}

FakeRuntime::~FakeRuntime() {
  {
    std::lock_guard lock(mutex_);
    ending_ = true;
  }
  told_.notify_all();
  server_->Shutdown(std::chrono::system_clock::now() + std::chrono::milliseconds(100));
}

void FakeRuntime::Add(const std::string& id, const std::string& name, bool listed) {
  std::lock_guard lock(mutex_);
  containers_[id] = {name, listed};
}

void FakeRuntime::Remove(const std::string& id) {
  std::lock_guard lock(mutex_);
  containers_.erase(id);
}

void FakeRuntime::Tell(const std::string& id) {
  {
    std::lock_guard lock(mutex_);
    has_events_ = true;
    events_.push_back(id);
  }
  told_.notify_all();
}

int FakeRuntime::asked(const std::string& id) const {
  std::lock_guard lock(mutex_);
  const auto found = asked_.find(id);
  return found == asked_.end() ? 0 : found->second;
}

Status FakeRuntime::Disturb() const {
  std::this_thread::sleep_for(std::chrono::milliseconds(delay_ms_.load()));
  return failing_ ? Status(StatusCode::INTERNAL, "disturbed") : Status::OK;
}

Status FakeRuntime::Version(Context*, const cri::VersionRequest*, cri::VersionResponse* answer) {
  answer->set_runtime_name("containerd");
  answer->set_runtime_version("1.6.20");
  return Disturb();
}

Status FakeRuntime::ListContainers(Context*, const cri::ListContainersRequest*,
                                   cri::ListContainersResponse* answer) {
  std::lock_guard lock(mutex_);
  for (const auto& [id, entry] : containers_) {
    if (entry.listed) answer->add_containers()->set_id(id);
  }
  return Disturb();
}

Status FakeRuntime::ListPodSandbox(Context*, const cri::ListPodSandboxRequest*,
                                   cri::ListPodSandboxResponse*) {
  return Disturb();
}

Status FakeRuntime::ContainerStatus(Context*, const cri::ContainerStatusRequest* request,
                                    cri::ContainerStatusResponse* answer) {
  if (const Status status = Disturb(); !status.ok()) return status;
  std::lock_guard lock(mutex_);
  ++asked_[request->container_id()];
  const auto found = containers_.find(request->container_id());
  if (found == containers_.end()) return {StatusCode::NOT_FOUND, "no such container"};
  cri::ContainerStatus& status = *answer->mutable_status();
  status.set_id(found->first);
  status.mutable_metadata()->set_name(found->second.name);
  status.set_created_at(1'700'000'000'000'000'000);
  status.mutable_image()->set_image("registry.example/app:1");
  status.set_image_ref(StrCat("sha256:", std::string(64, '5')));
  (*answer->mutable_info())["info"] =
      StrCat(R"({"sandboxID":"pod-of-)", found->first,
             R"(","config":{"metadata":{"name":"x"},"linux":{"security_context":{}}}})");
  return Status::OK;
}

Status FakeRuntime::PodSandboxStatus(Context*, const cri::PodSandboxStatusRequest* request,
                                     cri::PodSandboxStatusResponse* answer) {
  if (!request->pod_sandbox_id().starts_with("pod-of-")) {
    return {StatusCode::NOT_FOUND, "no such sandbox"};
  }
  answer->mutable_status()->set_id(request->pod_sandbox_id());
  answer->mutable_status()->mutable_metadata()->set_name("web");
  answer->mutable_status()->mutable_metadata()->set_namespace_("shop");
  return Disturb();
}

Status FakeRuntime::ImageStatus(Context*, const cri::ImageStatusRequest*,
                                cri::ImageStatusResponse* answer) {
  answer->mutable_image()->add_repo_digests(
      StrCat("registry.example/app@sha256:", std::string(64, '6')));
  return Disturb();
}

Status FakeRuntime::GetContainerEvents(Context* context, const cri::GetEventsRequest*,
                                       grpc::ServerWriter<cri::ContainerEventResponse>* writer) {
  std::unique_lock lock(mutex_);
  if (!has_events_) return {StatusCode::UNIMPLEMENTED, "unknown method"};
  while (!ending_ && !context->IsCancelled()) {
    while (!events_.empty()) {
      cri::ContainerEventResponse event;
      event.set_container_id(events_.front());
      event.set_container_event_type(cri::CONTAINER_CREATED_EVENT);
      events_.pop_front();
      writer->Write(event);
    }
    told_.wait_for(lock, std::chrono::milliseconds(20));
  }
  return Status::OK;
}

}  // namespace vakt
