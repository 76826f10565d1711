// SPDX-License-Identifier: Apache-2.0
#include "agent/enrich/container_table.h"

#include <algorithm>

#include "common/base/strings.h"
#include "common/event_codec/container_codec.h"

namespace vakt {
namespace {

constexpr uint64_t kLookEveryNs = 5'000'000'000;

bool IsUsed(const std::shared_ptr<Container>& container) { return container.use_count() > 1; }

// Of an answer, not of a note that there is none.
bool SaysSomething(const v1::Container& message) { return message.has_created(); }

}  // namespace

std::shared_ptr<Container> ContainerTable::Use(std::string_view id, std::string_view runtime) {
  const auto found = containers_.find(ToAbsl(id));
  if (found != containers_.end()) {
    Entry& entry = found->second;
    entry.unused_since_boot_ns = 0;
    if (!std::exchange(entry.started, true)) started_.emplace_back(id);
    if (entry.container->runtime.empty()) entry.container->runtime = std::string(runtime);
    return entry.container;
  }
  std::shared_ptr<Container> container = Insert(id);
  container->runtime = std::string(runtime);
  if (const auto entry = containers_.find(ToAbsl(id)); entry != containers_.end()) {
    entry->second.started = true;
    new_.emplace_back(id);
    started_.emplace_back(id);
  }
  return container;
}

std::shared_ptr<Container> ContainerTable::Insert(std::string_view id) {
  auto container = std::make_shared<Container>();
  container->id = std::string(id);
  if (containers_.size() < max_containers_ || MakeRoom()) {
    containers_[container->id].container = container;
  } else {
    ++refused_;
  }
  return container;
}

const Container* ContainerTable::Find(std::string_view id) const {
  const auto found = containers_.find(ToAbsl(id));
  return found == containers_.end() ? nullptr : found->second.container.get();
}

void ContainerTable::Learn(const v1::Container& message, uint64_t now_boot_ns) {
  const auto found = containers_.find(message.id());
  std::shared_ptr<Container> container =
      found == containers_.end() ? Insert(message.id()) : found->second.container;
  if (found == containers_.end()) {
    const auto entry = containers_.find(message.id());
    if (entry == containers_.end()) return;
    entry->second.unused_since_boot_ns = now_boot_ns;
  }
  const bool answered = container->created_wall_ns != 0;
  if (answered && !SaysSomething(message)) return;
  if (SaysSomething(message)) {
    ContainerFromProto(message, container.get());
  } else {
    container->metadata = message.metadata() == v1::Container::METADATA_UNSPECIFIED
                              ? Metadata::kAwaited
                              : Metadata::kPartial;
  }
  ++container->change;
}

void ContainerTable::SetAccounts(std::string_view id, std::shared_ptr<const Accounts> accounts) {
  const auto found = containers_.find(ToAbsl(id));
  if (found == containers_.end()) return;
  found->second.container->accounts = std::move(accounts);
  ++found->second.container->change;
}

void ContainerTable::SetMountNamespace(std::string_view id, uint32_t mnt_ns) {
  const auto found = containers_.find(ToAbsl(id));
  if (found == containers_.end()) return;
  found->second.container->mnt_ns = mnt_ns;
  ++found->second.container->change;
}

// What is not used at all, the longest unused first.
bool ContainerTable::MakeRoom() {
  auto oldest = containers_.end();
  for (auto at = containers_.begin(); at != containers_.end(); ++at) {
    if (IsUsed(at->second.container)) continue;
    if (oldest == containers_.end() ||
        at->second.unused_since_boot_ns < oldest->second.unused_since_boot_ns) {
      oldest = at;
    }
  }
  if (oldest == containers_.end()) return false;
  forgotten_.push_back(oldest->first);
  containers_.erase(oldest);
  return true;
}

void ContainerTable::Expire(uint64_t now_boot_ns) {
  if (now_boot_ns < next_look_boot_ns_) return;
  next_look_boot_ns_ = now_boot_ns + kLookEveryNs;
  absl::erase_if(containers_, [&](auto& item) {
    Entry& entry = item.second;
    if (IsUsed(entry.container)) {
      entry.unused_since_boot_ns = 0;
      return false;
    }
    if (entry.unused_since_boot_ns == 0)
      entry.unused_since_boot_ns = std::max<uint64_t>(now_boot_ns, 1);
    if (entry.unused_since_boot_ns + unused_retention_ns_ > now_boot_ns) return false;
    forgotten_.push_back(item.first);
    return true;
  });
}

size_t ContainerTable::unknown() const {
  return static_cast<size_t>(
      std::count_if(containers_.begin(), containers_.end(),
                    [](const auto& item) { return item.second.container->created_wall_ns == 0; }));
}

}  // namespace vakt
