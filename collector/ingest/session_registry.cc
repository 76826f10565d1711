// SPDX-License-Identifier: Apache-2.0
#include "collector/ingest/session_registry.h"

#include <utility>

namespace vakt {

bool SessionRegistry::HasRoom(const std::string& key, size_t max) const {
  absl::MutexLock lock(&mutex_);
  return entries_.size() < max || entries_.contains(key);
}

std::shared_ptr<IngestSession> SessionRegistry::Enter(
    const std::string& key, const std::shared_ptr<IngestSession>& session) {
  absl::MutexLock lock(&mutex_);
  Entry& entry = entries_[key];
  std::shared_ptr<IngestSession> previous = entry.session.lock();
  entry = {.id = session.get(), .session = session};
  return previous;
}

void SessionRegistry::SetConnected(const std::string& key, const IngestSession* session) {
  absl::MutexLock lock(&mutex_);
  const auto entry = entries_.find(key);
  if (entry != entries_.end() && entry->second.id == session) entry->second.connected = true;
}

void SessionRegistry::Leave(const std::string& key, const IngestSession* session) {
  absl::MutexLock lock(&mutex_);
  const auto entry = entries_.find(key);
  if (entry != entries_.end() && entry->second.id == session) entries_.erase(entry);
}

bool SessionRegistry::IsConnected(std::string_view cluster, std::string_view node) const {
  absl::MutexLock lock(&mutex_);
  const auto entry = entries_.find(Key(cluster, node));
  return entry != entries_.end() && entry->second.connected;
}

bool SessionRegistry::HasSession(std::string_view cluster, std::string_view node) const {
  absl::MutexLock lock(&mutex_);
  return entries_.contains(Key(cluster, node));
}

std::vector<std::shared_ptr<IngestSession>> SessionRegistry::Sessions() const {
  std::vector<std::shared_ptr<IngestSession>> sessions;
  absl::MutexLock lock(&mutex_);
  for (const auto& [key, entry] : entries_) {
    if (auto session = entry.session.lock()) sessions.push_back(std::move(session));
  }
  return sessions;
}

void SessionRegistry::SetWaiting(const std::shared_ptr<IngestSession>& session) {
  absl::MutexLock lock(&mutex_);
  waiting_[session.get()] = session;
}

std::vector<std::shared_ptr<IngestSession>> SessionRegistry::TakeWaiting() {
  std::vector<std::shared_ptr<IngestSession>> sessions;
  absl::MutexLock lock(&mutex_);
  for (const auto& [id, entry] : waiting_) {
    if (auto session = entry.lock()) sessions.push_back(std::move(session));
  }
  waiting_.clear();
  return sessions;
}

}  // namespace vakt
