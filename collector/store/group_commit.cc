// SPDX-License-Identifier: Apache-2.0
#include "collector/store/group_commit.h"

#include <utility>

#include "common/base/status.h"

namespace vakt {
namespace {

// Bounds how long a transaction takes, and so how long the first of a group waits. 64 KiB are some
// 100 alerts, which take two milliseconds: about as long as the disk's sync.
constexpr GroupLimits kGroup = {
    .turn_bytes = 64 << 10, .min_bytes = 128 << 10, .max_bytes = 16 << 20, .max_items = 1024};

}  // namespace

GroupCommit::GroupCommit(std::unique_ptr<RecordWriter> writer,
                         absl::AnyInvocable<void(int64_t)> on_commit,
                         absl::AnyInvocable<void(bool)> on_full,
                         absl::AnyInvocable<bool()> make_room)
    : writer_(std::move(writer)),
      on_commit_(std::move(on_commit)),
      on_full_(std::move(on_full)),
      make_room_(std::move(make_room)),
      thread_([this] { Run(); }) {}

GroupCommit::~GroupCommit() {
  {
    absl::MutexLock lock(&mutex_);
    stopping_ = true;
  }
  thread_.join();
}

void GroupCommit::Submit(Request request) {
  pending_bytes_.fetch_add(request.bytes, std::memory_order_relaxed);
  absl::MutexLock lock(&mutex_);
  queue_.Push(std::move(request));
}

void GroupCommit::Run() {
  Group group;
  while (TakeGroup(&group)) {
    const absl::Status status = CommitRange(group, 0, group.size());
    const bool alone = !status.ok() && group.size() > 1 && !absl::IsResourceExhausted(status);
    for (size_t i = 0; i < group.size(); ++i) {
      Answer(group[i], alone ? CommitRange(group, i, i + 1) : status);
    }
  }
}

bool GroupCommit::TakeGroup(Group* group) {
  group->clear();
  absl::MutexLock lock(&mutex_);
  const auto has_work = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return stopping_ || !queue_.empty();
  };
  mutex_.Await(absl::Condition(&has_work));
  *group = queue_.Take(kGroup);
  return !group->empty();
}

absl::Status GroupCommit::TryRange(Group& group, size_t begin, size_t end) {
  absl::Status status = writer_->Begin();
  for (size_t i = begin; status.ok() && i < end; ++i) status = group[i].apply(*writer_);
  if (status.ok()) status = writer_->Commit();
  if (!status.ok()) writer_->Rollback();
  return status;
}

absl::Status GroupCommit::CommitRange(Group& group, size_t begin, size_t end) {
  absl::Status status = TryRange(group, begin, end);
  if (absl::IsResourceExhausted(status) && make_room_ && make_room_()) {
    status = TryRange(group, begin, end);
  }
  const bool is_full = absl::IsResourceExhausted(status);
  // Why else a request failed says nothing of the disk.
  if ((is_full || status.ok()) &&
      is_full_.exchange(is_full, std::memory_order_relaxed) != is_full && on_full_) {
    on_full_(is_full);
  }
  if (!status.ok()) return status;
  commits_.fetch_add(1, std::memory_order_relaxed);
  on_commit_(writer_->last_id());
  return status;
}

void GroupCommit::Answer(Request& request, const absl::Status& status) {
  pending_bytes_.fetch_sub(request.bytes, std::memory_order_relaxed);
  request.done(status);
}

}  // namespace vakt
