// SPDX-License-Identifier: Apache-2.0
// Values by key, at most so many: a full map forgets the one that was used longest ago.
//
//   AgeMap<uint64_t, Stream> streams(128);
//   streams.Make(socket).bytes += bytes;               // the youngest now, made if it is new
//   if (Stream* stream = streams.Use(socket)) ...      // the youngest now, if it is there
//
// Ownership: owns keys and values; a value stays where it is until it goes. Threads:
// thread-compatible.
#ifndef VAKT_AGENT_FLOW_AGE_MAP_H_
#define VAKT_AGENT_FLOW_AGE_MAP_H_

#include <cstddef>
#include <iterator>
#include <list>
#include <utility>

#include "absl/container/flat_hash_map.h"

namespace vakt {

template <typename Key, typename Value>
class AgeMap {
 public:
  // `max_size`: at least 1.
  explicit AgeMap(size_t max_size) : max_size_(max_size) {}
  AgeMap(const AgeMap&) = delete;
  AgeMap& operator=(const AgeMap&) = delete;

  // Null: it is not there. Its age stays.
  const Value* Find(const Key& key) const {
    const auto found = index_.find(key);
    return found == index_.end() ? nullptr : &found->second->second;
  }

  Value* Find(const Key& key) { return const_cast<Value*>(std::as_const(*this).Find(key)); }

  // The same, and it becomes the youngest.
  Value* Use(const Key& key) {
    const auto found = index_.find(key);
    if (found == index_.end()) return nullptr;
    by_age_.splice(by_age_.end(), by_age_, found->second);
    return &found->second->second;
  }

  // The same; what is not there is made, with a default value.
  Value& Make(const Key& key) {
    if (Value* value = Use(key)) return *value;
    if (index_.size() >= max_size_) Erase(by_age_.front().first);
    by_age_.emplace_back(key, Value());
    index_.emplace(key, std::prev(by_age_.end()));
    return by_age_.back().second;
  }

  void Erase(const Key& key) {
    const auto found = index_.find(key);
    if (found == index_.end()) return;
    by_age_.erase(found->second);
    index_.erase(found);
  }

  size_t size() const { return index_.size(); }

 private:
  using Entries = std::list<std::pair<const Key, Value>>;

  const size_t max_size_;
  Entries by_age_;  // used longest ago first
  absl::flat_hash_map<Key, typename Entries::iterator> index_;
};

}  // namespace vakt

#endif  // VAKT_AGENT_FLOW_AGE_MAP_H_
