// SPDX-License-Identifier: Apache-2.0
#include "agent/enrich/process_table.h"

#include <algorithm>
#include <utility>

#include "common/event/container.h"

namespace vakt {
namespace {

constexpr int kMaxExpiredPerCall = 64;

// The upper bits of a cookie are the start time (bpf/wire/wire.h), so for one pid they order.
bool IsOlder(const ProcessEntry& a, const ProcessEntry& b) { return a.cookie < b.cookie; }

}  // namespace

ProcessTable::ProcessTable(size_t max_processes, uint64_t exited_retention_ns)
    : max_processes_(std::max<size_t>(max_processes, 2)),
      exited_retention_ns_(exited_retention_ns) {}

const Process* ProcessTable::Find(uint64_t cookie) const {
  const auto found = by_cookie_.find(cookie);
  return found == by_cookie_.end() ? nullptr : found->second.get();
}

const Process* ProcessTable::FindLive(uint32_t pid) const {
  const auto found = live_by_pid_.find(pid);
  return found == live_by_pid_.end() ? nullptr : found->second;
}

ProcessEntry* ProcessTable::FindEntry(uint64_t cookie) {
  const auto found = by_cookie_.find(cookie);
  return found == by_cookie_.end() ? nullptr : found->second.get();
}

ProcessTable::Queue& ProcessTable::QueueOf(ProcessEntry::Life life) {
  switch (life) {
    case ProcessEntry::Life::kLive:
      return live_;
    case ProcessEntry::Life::kExited:
      return exited_;
    case ProcessEntry::Life::kAncestor:
      break;
  }
  return ancestors_;
}

ProcessEntry* ProcessTable::Insert(uint64_t cookie, uint32_t pid, uint64_t now_boot_ns,
                                   const ProcessEntry* keep) {
  while (by_cookie_.size() >= max_processes_) {
    ++forgotten_;
    Forget(Victim(keep));
  }
  auto owned = std::make_unique<ProcessEntry>();
  ProcessEntry* entry = owned.get();
  by_cookie_.emplace(cookie, std::move(owned));
  entry->cookie = cookie;
  entry->pid = pid;
  live_.PushBack(entry);
  if (auto orphans = orphans_.extract(cookie)) {
    entry->children = orphans.mapped();
    ++relatives_change_;
    for (ProcessEntry* c = entry->children.front(); c != nullptr; c = Siblings::Next(c)) {
      c->parent = entry;
    }
  }
  IndexPid(entry, now_boot_ns);
  return entry;
}

// Two processes with one number: the older has ended, whether or not its exit was seen.
void ProcessTable::IndexPid(ProcessEntry* entry, uint64_t now_boot_ns) {
  const auto [slot, is_new] = live_by_pid_.try_emplace(entry->pid, entry);
  if (is_new) return;
  ++lost_exits_;
  ProcessEntry* other = slot->second;
  if (IsOlder(*other, *entry)) {
    slot->second = entry;
    MarkExited(other, now_boot_ns);
  } else {
    MarkExited(entry, now_boot_ns);
  }
}

void ProcessTable::UnindexPid(const ProcessEntry* entry) {
  const auto indexed = live_by_pid_.find(entry->pid);
  if (indexed != live_by_pid_.end() && indexed->second == entry) live_by_pid_.erase(indexed);
}

ProcessEntry* ProcessTable::Victim(const ProcessEntry* keep) const {
  for (const Queue* queue : {&exited_, &ancestors_}) {
    ProcessEntry* oldest = queue->front();
    if (oldest == keep && oldest != nullptr) oldest = Queue::Next(oldest);
    if (oldest != nullptr) return oldest;
  }
  ProcessEntry* newest = live_.back();
  return newest == keep ? Queue::Prev(newest) : newest;
}

void ProcessTable::SetParent(ProcessEntry* entry, uint64_t parent_cookie) {
  if (entry->parent_cookie == parent_cookie) return;
  LeaveParent(entry);
  entry->parent_cookie = parent_cookie;
  Changed(entry);
  // A process that is its own parent exists in forged records only; it gets none.
  if (parent_cookie == 0 || parent_cookie == entry->cookie) return;
  ProcessEntry* parent = FindEntry(parent_cookie);
  entry->parent = parent;
  (parent == nullptr ? orphans_[parent_cookie] : parent->children).PushBack(entry);
}

void ProcessTable::LeaveParent(ProcessEntry* entry) {
  const uint64_t cookie = std::exchange(entry->parent_cookie, 0);
  if (cookie == 0 || cookie == entry->cookie) return;
  entry->parent = nullptr;
  if (ProcessEntry* parent = FindEntry(cookie)) {
    parent->children.Remove(entry);
    if (parent->life != ProcessEntry::Life::kAncestor || !parent->children.empty()) return;
    // Nothing keeps the parent any more. It is the next to expire, not forgotten at once: that
    // could go on up a long chain, and reach an entry that the caller holds.
    ancestors_.Remove(parent);
    parent->life = ProcessEntry::Life::kExited;
    exited_.PushFront(parent);
    return;
  }
  const auto orphans = orphans_.find(cookie);
  orphans->second.Remove(entry);
  if (orphans->second.empty()) orphans_.erase(orphans);
}

void ProcessTable::SetSession(ProcessEntry* entry, uint32_t session_id) {
  const bool leads = session_id == entry->pid;
  if (entry->session_id == session_id && (!leads || entry->session_leader == entry)) return;
  LeaveSession(entry);
  entry->session_id = session_id;
  Changed(entry);
  if (session_id == 0) return;
  Session& session = sessions_[session_id];
  session.members.PushBack(entry);
  entry->session_leader = session.leader;
  if (!leads) return;
  session.leader = entry;
  SetLeader(session);
}

void ProcessTable::LeaveSession(ProcessEntry* entry) {
  const uint32_t session_id = std::exchange(entry->session_id, 0);
  entry->session_leader = nullptr;
  if (session_id == 0) return;
  const auto found = sessions_.find(session_id);
  Session& session = found->second;
  session.members.Remove(entry);
  if (session.leader == entry) {
    session.leader = nullptr;
    SetLeader(session);
  }
  if (session.members.empty()) sessions_.erase(found);
}

void ProcessTable::SetLeader(const Session& session) {
  for (auto* m = session.members.front(); m != nullptr; m = session.members.Next(m)) {
    if (m->session_leader == session.leader) continue;
    m->session_leader = session.leader;
    m->change = 0;  // of no other process is it read
  }
}

void ProcessTable::MarkExited(ProcessEntry* entry, uint64_t boot_ns) {
  if (entry->exited) return;
  entry->exited = true;
  entry->exit_boot_ns = boot_ns;
  UnindexPid(entry);
  live_.Remove(entry);
  entry->life = ProcessEntry::Life::kExited;
  exited_.PushBack(entry);
}

void ProcessTable::Expire(uint64_t now_boot_ns) {
  for (int i = 0; i < kMaxExpiredPerCall && !exited_.empty(); ++i) {
    ProcessEntry* oldest = exited_.front();
    if (oldest->exit_boot_ns + exited_retention_ns_ > now_boot_ns) return;
    if (oldest->children.empty()) {
      Forget(oldest);
      continue;
    }
    exited_.Remove(oldest);
    oldest->life = ProcessEntry::Life::kAncestor;
    ancestors_.PushBack(oldest);
  }
}

void ProcessTable::Forget(ProcessEntry* entry) {
  QueueOf(entry->life).Remove(entry);
  LeaveParent(entry);
  LeaveSession(entry);
  for (ProcessEntry* c = entry->children.front(); c != nullptr; c = Siblings::Next(c)) {
    c->parent = nullptr;
  }
  if (!entry->children.empty()) {
    orphans_.emplace(entry->cookie, entry->children);
    ++relatives_change_;
  }
  UnindexPid(entry);
  by_cookie_.erase(entry->cookie);
}

void ProcessTable::Changed(ProcessEntry* entry) {
  entry->change = 0;
  if (!entry->children.empty() || entry->session_leader == entry) ++relatives_change_;
}

void ProcessTable::Number(ProcessEntry* entry) {
  const uint32_t container_change = entry->container == nullptr ? 0 : entry->container->change;
  if (entry->change != 0 && entry->relatives_change == relatives_change_ &&
      entry->container_change == container_change) {
    return;
  }
  entry->change = ++last_change_;
  entry->relatives_change = relatives_change_;
  entry->container_change = container_change;
}

}  // namespace vakt
