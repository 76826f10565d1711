// SPDX-License-Identifier: Apache-2.0
#include "agent/enrich/cri/cri_client.h"

#include <unistd.h>

#include <algorithm>

#include "absl/time/clock.h"
#include "agent/enrich/cri/cri_answer.h"
#include "common/base/log.h"
#include "common/base/strings.h"
#include "common/base/text.h"
#include "common/base/wakeup.h"
#include "common/event/container.h"

namespace vakt {
namespace {

namespace cri = runtime::v1;

// Where containerd has the root directories of pods' containers, beside its socket.
constexpr std::string_view kContainerdTasks = "/io.containerd.runtime.v2.task/k8s.io/";
constexpr absl::Duration kAccountsPatience = absl::Milliseconds(20);
constexpr int kMaxAnswerBytes = 16 << 20;
constexpr absl::Duration kEventsAgain = absl::Seconds(1);
// Images of a node; more are looked up again.
constexpr size_t kMaxImages = 1024;

bool IsBroken(const grpc::Status& status) {
  return status.error_code() == grpc::StatusCode::UNAVAILABLE ||
         status.error_code() == grpc::StatusCode::DEADLINE_EXCEEDED;
}

std::shared_ptr<grpc::Channel> NewChannel(const std::string& socket) {
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(kMaxAnswerBytes);
  // The socket's path is no host name, and runtimes refuse it as one.
  arguments.SetString(GRPC_ARG_DEFAULT_AUTHORITY, "localhost");
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);  // a new one is a new connection
  return grpc::CreateCustomChannel(StrCat("unix:", socket), grpc::InsecureChannelCredentials(),
                                   arguments);
}

bool Exists(const std::string& socket) { return access(socket.c_str(), F_OK) == 0; }

}  // namespace

CriClient::CriClient(CriOptions options, std::function<void()> on_found)
    : options_(std::move(options)),
      on_found_(std::move(on_found)),
      answers_(std::any_of(options_.sockets.begin(), options_.sockets.end(), Exists)),
      accounts_([this] { on_found_(); }),
      ask_thread_([this] { AskLoop(); }),
      event_thread_([this] { EventLoop(); }) {}

CriClient::~CriClient() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
    if (event_context_ != nullptr) event_context_->TryCancel();
  }
  changed_.notify_all();
  ask_thread_.join();
  event_thread_.join();
}

void CriClient::Ask(const std::string& id) {
  {
    std::lock_guard lock(mutex_);
    known_.erase(id);
    if (wanted_.size() >= kMaxWanted) return;  // the list tells of it later
    Schedule(id, SteadyNow(), /*by_process=*/true);
  }
  changed_.notify_all();
}

void CriClient::Forget(const std::string& id) {
  std::lock_guard lock(mutex_);
  Unschedule(id);
  known_.erase(id);
  roots_.erase(id);
  started_.erase(id);
}

// Before its first process a container's root directory may not be there.
void CriClient::Started(const std::string& id) {
  std::lock_guard lock(mutex_);
  const auto found = roots_.find(id);
  if (found == roots_.end()) {
    if (!known_.contains(id) && started_.size() < kMaxWanted) started_.insert(id);
    return;
  }
  accounts_.Read(id, found->second);
  roots_.erase(found);
}

void CriClient::Take(std::vector<v1::Container>* found) {
  if (!has_found_.load(std::memory_order_acquire)) return;
  std::lock_guard lock(mutex_);
  has_found_.store(false, std::memory_order_relaxed);
  std::move(found_.begin(), found_.end(), std::back_inserter(*found));
  found_.clear();
}

CriClient::Stats CriClient::stats() const {
  Stats stats;
  stats.requests = requests_.load();
  stats.failures = failures_.load();
  stats.unread_accounts = accounts_.failures();
  std::lock_guard lock(mutex_);
  stats.connected = stub_ != nullptr;
  stats.runtime = runtime_name_;
  return stats;
}

// ---- What is wanted.

void CriClient::Schedule(const std::string& id, absl::Time due, bool by_process) {
  Want& want = wanted_[id];
  by_process |= want.by_process;
  (want.by_process ? due_of_processes_ : due_others_).erase({want.due, id});
  want.due = due;
  want.by_process = by_process;
  (by_process ? due_of_processes_ : due_others_).insert({due, id});
}

void CriClient::Unschedule(const std::string& id) {
  const auto found = wanted_.find(id);
  if (found == wanted_.end()) return;
  (found->second.by_process ? due_of_processes_ : due_others_).erase({found->second.due, id});
  wanted_.erase(found);
}

void CriClient::WantIfNew(const std::string& id) {
  {
    std::lock_guard lock(mutex_);
    if (known_.contains(id) || wanted_.contains(id) || wanted_.size() >= kMaxWanted) return;
    Schedule(id, SteadyNow(), /*by_process=*/false);
  }
  changed_.notify_all();
}

// Waits for one that is due, at most until the next list.
std::optional<std::string> CriClient::NextWanted() {
  std::unique_lock lock(mutex_);
  for (;;) {
    if (stopping_) return std::nullopt;
    const absl::Time now = SteadyNow();
    if (now >= next_list_) return std::nullopt;
    absl::Time first = next_list_;
    for (const std::set<Due>* due : {&due_of_processes_, &due_others_}) {
      if (due->empty()) continue;
      if (due->begin()->first <= now) return due->begin()->second;
      first = std::min(first, due->begin()->first);
    }
    changed_.wait_for(lock, absl::ToChronoMicroseconds(first - now));
  }
}

// Its users' names are read before the alerts that wait for this answer are decided, if they can be
// read within a moment.
bool CriClient::ReadAccountsIfStarted(const std::string& id, const std::string& root) {
  {
    std::lock_guard lock(mutex_);
    if (!started_.contains(id)) return false;
  }
  accounts_.Read(id, root);
  accounts_.WaitIdle(kAccountsPatience);
  return true;
}

void CriClient::Deliver(const std::string& id, v1::Container found, const std::string& root) {
  const bool was_read = root.empty() || ReadAccountsIfStarted(id, root);
  {
    std::lock_guard lock(mutex_);
    if (found_.size() >= kMaxFound) {
      Schedule(id, SteadyNow() + options_.min_backoff, /*by_process=*/false);
      return;
    }
    found.set_runtime(runtime_name_);
    found_.push_back(std::move(found));
    Unschedule(id);
    known_.insert(id);
    if (started_.erase(id) != 0) {
      if (!was_read) accounts_.Read(id, root);  // it has started meanwhile
    } else if (!root.empty()) {
      roots_[id] = root;
    }
    has_found_.store(true, std::memory_order_release);
  }
  on_found_();
}

void CriClient::Postpone(const std::string& id) {
  std::lock_guard lock(mutex_);
  const auto found = wanted_.find(id);
  if (found == wanted_.end()) return;  // forgotten meanwhile
  Want& want = found->second;
  if (!want.by_process) return Unschedule(id);  // the next list tells whether it is still there
  if (!want.backoff) want.backoff.emplace(options_.min_backoff, options_.max_backoff);
  Schedule(id, SteadyNow() + std::max(want.backoff->Next(), options_.min_backoff / 4), true);
}

bool CriClient::WaitUntil(absl::Time time) {
  std::unique_lock lock(mutex_);
  while (!stopping_ && SteadyNow() < time) {
    changed_.wait_for(lock, absl::ToChronoMicroseconds(time - SteadyNow()));
  }
  return !stopping_;
}

// ---- The asking thread.

std::unique_ptr<grpc::ClientContext> CriClient::NewContext() const {
  auto context = std::make_unique<grpc::ClientContext>();
  context->set_deadline(absl::ToChronoTime(absl::Now() + options_.call_timeout));
  return context;
}

std::shared_ptr<cri::RuntimeService::Stub> CriClient::CurrentStub() const {
  std::lock_guard lock(mutex_);
  return stub_;
}

grpc::Status CriClient::Count(const grpc::Status& status) {
  ++requests_;
  if (!status.ok() && status.error_code() != grpc::StatusCode::NOT_FOUND) ++failures_;
  return status;
}

void CriClient::AskLoop() {
  Backoff backoff(options_.min_backoff, options_.max_backoff);
  while (!Connect()) {
    answers_ = std::any_of(options_.sockets.begin(), options_.sockets.end(), Exists);
    if (!WaitUntil(SteadyNow() + backoff.Next())) return;
  }
  for (;;) {
    if (SteadyNow() >= next_list_) List();
    const std::optional<std::string> id = NextWanted();
    grpc::Status status;
    if (id.has_value()) {
      v1::Container found;
      std::string root;
      status = FindOut(*id, &found, &root);
      if (status.ok()) {
        Deliver(*id, std::move(found), root);
      } else {
        Postpone(*id);
      }
    }
    std::unique_lock lock(mutex_);
    if (stopping_) return;
    lock.unlock();
    if (!IsBroken(status)) continue;
    Disconnect();
    backoff.Reset();
    while (!Connect()) {
      if (!WaitUntil(SteadyNow() + backoff.Next())) return;
    }
  }
}

bool CriClient::Connect() {
  return std::any_of(options_.sockets.begin(), options_.sockets.end(),
                     [this](const std::string& socket) { return ConnectTo(socket); });
}

bool CriClient::ConnectTo(const std::string& socket) {
  if (!Exists(socket)) return false;
  const std::shared_ptr<grpc::Channel> channel = NewChannel(socket);
  auto stub = std::make_shared<cri::RuntimeService::Stub>(channel);
  cri::VersionResponse version;
  if (!Count(stub->Version(NewContext().get(), {}, &version)).ok()) return false;
  images_ = cri::ImageService::NewStub(channel);
  state_dir_ = socket.substr(0, socket.rfind('/'));
  next_list_ = absl::InfinitePast();
  const std::string name = CriRuntimeName(version.runtime_name());
  LogInfo(StrCat("container runtime: ", name, " ",
                 EscapeUtf8(std::string_view(version.runtime_version()).substr(0, 64)), " at ",
                 socket));
  {
    std::lock_guard lock(mutex_);
    stub_ = std::move(stub);
    runtime_name_ = name;
    has_events_ = false;
  }
  answers_ = true;
  changed_.notify_all();
  return true;
}

void CriClient::Disconnect() {
  LogWarning("the container runtime does not answer; it is tried again");
  std::lock_guard lock(mutex_);
  stub_.reset();
  if (event_context_ != nullptr) event_context_->TryCancel();
}

// What the runtime has that is not known yet. What it has no more is no longer known here either:
// should it come back, it is asked for again.
void CriClient::List() {
  const std::shared_ptr<cri::RuntimeService::Stub> stub = CurrentStub();
  {
    std::lock_guard lock(mutex_);
    next_list_ = SteadyNow() + (has_events_ ? options_.poll_with_events : options_.poll);
  }
  cri::ListContainersResponse containers;
  cri::ListPodSandboxResponse sandboxes;
  if (!Count(stub->ListContainers(NewContext().get(), {}, &containers)).ok() ||
      !Count(stub->ListPodSandbox(NewContext().get(), {}, &sandboxes)).ok()) {
    return;
  }
  absl::flat_hash_set<std::string> listed;
  for (const cri::Container& container : containers.containers()) listed.insert(container.id());
  for (const cri::PodSandbox& sandbox : sandboxes.items()) listed.insert(sandbox.id());
  for (const std::string& id : listed) WantIfNew(id);
  std::lock_guard lock(mutex_);
  absl::erase_if(known_, [&](const std::string& id) { return !listed.contains(id); });
  absl::erase_if(roots_, [&](const auto& item) { return !listed.contains(item.first); });
}

grpc::Status CriClient::FindOut(const std::string& id, v1::Container* found, std::string* root) {
  const std::shared_ptr<cri::RuntimeService::Stub> stub = CurrentStub();
  cri::ContainerStatusRequest request;
  request.set_container_id(id);
  request.set_verbose(true);
  cri::ContainerStatusResponse answer;
  grpc::Status status = Count(stub->ContainerStatus(NewContext().get(), request, &answer));
  if (status.ok()) {
    *found = ContainerOfStatus(answer);
    found->set_id(id);
    *root = RootOfStatus(answer);
    if (!root->starts_with('/')) *root = StrCat(state_dir_, kContainerdTasks, id, "/rootfs");
    if (!found->pod().sandbox_id().empty()) status = FindPod(found);
    if (found->image_digest().empty() != found->image_id().empty()) FindImage(found);
    return status;
  }
  // Another error than "there is none" may be one of this container alone, but its pod tells less.
  cri::PodSandboxStatusRequest sandbox_request;
  sandbox_request.set_pod_sandbox_id(id);
  sandbox_request.set_verbose(true);
  cri::PodSandboxStatusResponse sandbox;
  if (IsBroken(status)) return status;
  status = Count(stub->PodSandboxStatus(NewContext().get(), sandbox_request, &sandbox));
  if (status.ok()) {
    *found = ContainerOfSandbox(sandbox);
    found->set_id(id);
  }
  return status;
}

// A sandbox that is gone already leaves what the container's labels tell.
grpc::Status CriClient::FindPod(v1::Container* container) {
  const std::shared_ptr<cri::RuntimeService::Stub> stub = CurrentStub();
  cri::PodSandboxStatusRequest request;
  request.set_pod_sandbox_id(container->pod().sandbox_id());
  cri::PodSandboxStatusResponse answer;
  const grpc::Status status = Count(stub->PodSandboxStatus(NewContext().get(), request, &answer));
  if (status.ok()) *container->mutable_pod() = PodOfStatus(answer);
  const bool is_gone = status.error_code() == grpc::StatusCode::NOT_FOUND;
  return is_gone && !container->pod().name().empty() ? grpc::Status::OK : status;
}

// A container's status tells either the image's digest in the registry or its id; the image's own
// tells both.
void CriClient::FindImage(v1::Container* container) {
  const std::string name =
      container->image_digest().empty()
          ? container->image_id()
          : StrCat(SplitImage(container->image()).first, "@", container->image_digest());
  const auto known = images_seen_.find(name);
  if (known == images_seen_.end()) {
    cri::ImageStatusRequest request;
    request.mutable_image()->set_image(name);
    cri::ImageStatusResponse answer;
    if (!Count(images_->ImageStatus(NewContext().get(), request, &answer)).ok()) return;
    SetImageOf(answer, container);
    if (images_seen_.size() >= kMaxImages) images_seen_.clear();
    images_seen_[name] = {container->image_digest(), container->image_id()};
    return;
  }
  container->set_image_digest(known->second.first);
  container->set_image_id(known->second.second);
}

// ---- The event thread.

void CriClient::EventLoop() {
  std::shared_ptr<cri::RuntimeService::Stub> stub;
  for (;;) {
    {
      std::unique_lock lock(mutex_);
      // Of a runtime that has no events, nothing more is read until there is another.
      changed_.wait(lock, [&]() ABSL_NO_THREAD_SAFETY_ANALYSIS {
        return stopping_ || (stub_ != nullptr && stub_ != stub);
      });
      if (stopping_) return;
      stub = stub_;
    }
    ReadEvents(stub.get());
  }
}

void CriClient::ReadEvents(cri::RuntimeService::Stub* stub) {
  for (;;) {
    grpc::ClientContext context;
    {
      std::lock_guard lock(mutex_);
      if (stopping_ || stub_.get() != stub) return;
      event_context_ = &context;
    }
    const auto stream = stub->GetContainerEvents(&context, {});
    cri::ContainerEventResponse event;
    while (stream->Read(&event)) {
      {
        std::lock_guard lock(mutex_);
        has_events_ = true;
      }
      const auto type = event.container_event_type();
      if (type == cri::CONTAINER_CREATED_EVENT || type == cri::CONTAINER_STARTED_EVENT) {
        WantIfNew(event.container_id());
      }
    }
    const grpc::Status status = stream->Finish();
    {
      std::lock_guard lock(mutex_);
      event_context_ = nullptr;
      has_events_ = false;
    }
    if (status.error_code() == grpc::StatusCode::UNIMPLEMENTED) return;
    if (!WaitUntil(SteadyNow() + kEventsAgain)) return;
  }
}

}  // namespace vakt
