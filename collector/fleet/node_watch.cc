// SPDX-License-Identifier: Apache-2.0
#include "collector/fleet/node_watch.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

#include <utility>

#include "absl/hash/hash.h"
#include "absl/time/clock.h"
#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/status.h"
#include "common/base/strings.h"
#include "common/time/wall_time.h"

namespace vakt {
namespace {

// Equal states have equal digests: the maps in them are written in order.
uint64_t DigestOf(const v1::Node& node) {
  std::string bytes;
  {
    google::protobuf::io::StringOutputStream stream(&bytes);
    google::protobuf::io::CodedOutputStream coded(&stream);
    coded.SetSerializationDeterministic(true);
    node.SerializeToCodedStream(&coded);
  }
  return absl::HashOf(bytes);
}

grpc::Status Stopping() { return {grpc::StatusCode::UNAVAILABLE, "the collector is stopping"}; }

}  // namespace

void NodeWatch::StartPage(std::vector<v1::WatchNodesResponse> page) {
  page_ = std::move(page);
  next_ = 0;
  StartWrite(&page_[0]);
}

void NodeWatch::OnWriteDone(bool ok) {
  if (ok && ++next_ < page_.size()) {
    StartWrite(&page_[next_]);
    return;
  }
  page_ = {};
  hub_.OnPageSent(this, ok);
}

void NodeWatch::OnCancel() { hub_.OnCancelled(this); }

void NodeWatch::OnDone() {
  hub_.Remove(this);
  delete this;
}

NodeWatchHub::NodeWatchHub(List list, NodeWatchOptions options)
    : list_(std::move(list)), options_(options), thread_([this] { Run(); }) {}

NodeWatchHub::~NodeWatchHub() {
  {
    absl::MutexLock lock(&mutex_);
    stopping_ = true;
  }
  news_.Notify();
  thread_.join();
}

absl::StatusOr<NodeWatch*> NodeWatchHub::Open() {
  absl::MutexLock lock(&mutex_);
  if (draining_) return absl::UnavailableError("the collector is stopping");
  if (watches_.size() >= options_.max_watches) {
    return absl::ResourceExhaustedError(
        StrCat("there are ", options_.max_watches, " watches of the nodes already"));
  }
  auto* const watch = new NodeWatch(this);
  watches_.insert(watch);
  urgent_ = true;
  news_.Notify();
  return watch;
}

void NodeWatchHub::Drain() {
  absl::MutexLock lock(&mutex_);
  draining_ = true;
  for (NodeWatch* watch : watches_) {
    if (watch->state == NodeWatch::State::kIdle) End(watch, Stopping());
  }
}

size_t NodeWatchHub::size() const {
  absl::MutexLock lock(&mutex_);
  return watches_.size();
}

void NodeWatchHub::OnPageSent(NodeWatch* watch, bool ok) {
  absl::MutexLock lock(&mutex_);
  if (!ok || watch->cancelled || draining_) {
    End(watch, ok && draining_ ? Stopping() : grpc::Status::CANCELLED);
    return;
  }
  watch->state = NodeWatch::State::kIdle;
  urgent_ = urgent_ || watch->behind;
  if (urgent_) news_.Notify();
}

void NodeWatchHub::OnCancelled(NodeWatch* watch) {
  absl::MutexLock lock(&mutex_);
  watch->cancelled = true;
  if (watch->state == NodeWatch::State::kIdle) End(watch, grpc::Status::CANCELLED);
}

void NodeWatchHub::Remove(NodeWatch* watch) {
  absl::MutexLock lock(&mutex_);
  watches_.erase(watch);
}

void NodeWatchHub::End(NodeWatch* watch, const grpc::Status& status) {
  if (std::exchange(watch->state, NodeWatch::State::kEnded) == NodeWatch::State::kEnded) return;
  watch->Finish(status);
}

void NodeWatchHub::Run() {
  while (true) {
    const uint64_t seen = news_.count();
    bool waits = false;
    {
      absl::MutexLock lock(&mutex_);
      waits = !stopping_ && !urgent_;
    }
    if (waits) news_.WaitPast(seen, options_.look);
    {
      absl::MutexLock lock(&mutex_);
      if (stopping_) return;
      urgent_ = false;
    }
    if (size() == 0) {
      nodes_.clear();
      looked_ = absl::InfinitePast();
      continue;
    }
    const std::vector<NodeWatch*> idle = TakeIdle();
    if (idle.empty()) continue;
    const absl::Status status = Look();
    if (!status.ok() && LogEvery("fleet.watch", absl::Seconds(10))) {
      LogError(StrCat("cannot list the nodes for those who watch them: ", Message(status)));
    }
    for (NodeWatch* watch : idle) Serve(watch);
  }
}

std::vector<NodeWatch*> NodeWatchHub::TakeIdle() {
  std::vector<NodeWatch*> idle;
  absl::MutexLock lock(&mutex_);
  for (NodeWatch* watch : watches_) {
    if (watch->state != NodeWatch::State::kIdle) continue;
    watch->state = NodeWatch::State::kBusy;
    idle.push_back(watch);
  }
  return idle;
}

absl::Status NodeWatchHub::Look() {
  if (SteadyNow() - looked_ < options_.look) return absl::OkStatus();
  v1::ListNodesResponse response;
  VAKT_RETURN_IF_ERROR(list_(&response));
  nodes_.clear();
  for (v1::Node& node : *response.mutable_nodes()) {
    Seen& seen = nodes_.emplace_back();
    seen.key = StrCat(node.cluster(), "/", node.node());
    seen.digest = DigestOf(node);
    seen.node = std::move(node);
  }
  looked_ = SteadyNow();
  looked_wall_ns_ = RealClock().WallNs();
  return absl::OkStatus();
}

std::vector<v1::WatchNodesResponse> NodeWatchHub::PageFor(NodeWatch* watch, bool* all) const {
  std::vector<v1::WatchNodesResponse> page;
  size_t bytes = 0;
  size_t known = 0;
  for (const Seen& seen : nodes_) {
    const auto told = watch->told.find(seen.key);
    known += told != watch->told.end() ? 1 : 0;
    if (told != watch->told.end() && told->second == seen.digest) continue;
    if (bytes > options_.page_bytes) return page;
    known += told == watch->told.end() ? 1 : 0;
    watch->told[seen.key] = seen.digest;
    *page.emplace_back().mutable_node() = seen.node;
    bytes += seen.node.ByteSizeLong();
  }
  *all = true;
  if (known == watch->told.size()) return page;
  absl::flat_hash_set<std::string_view> present;
  for (const Seen& seen : nodes_) present.insert(seen.key);
  absl::erase_if(watch->told, [&](const auto& entry) {
    if (present.contains(entry.first)) return false;
    v1::ForgetNodeRequest* gone = page.emplace_back().mutable_forgotten();
    const size_t slash = entry.first.find('/');
    gone->set_cluster(entry.first.substr(0, slash));
    gone->set_node(entry.first.substr(slash + 1));
    return true;
  });
  return page;
}

void NodeWatchHub::Serve(NodeWatch* watch) {
  bool all = false;
  std::vector<v1::WatchNodesResponse> page;
  const absl::Time now = SteadyNow();
  if (looked_ != absl::InfinitePast()) {
    page = PageFor(watch, &all);
    const bool beats = now - watch->last_page >= options_.heartbeat;
    if (all && (!page.empty() || beats)) {
      FromWallNs(looked_wall_ns_, page.emplace_back().mutable_up_to_date());
    }
  }
  {
    absl::MutexLock lock(&mutex_);
    watch->behind = !page.empty() && !all;
  }
  if (page.empty()) {
    OnPageSent(watch, true);
    return;
  }
  watch->last_page = now;
  watch->StartPage(std::move(page));
}

}  // namespace vakt
